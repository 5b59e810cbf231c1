//! The steps of continuous integration, in order, with a table of how they went.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{layers, openapi, process, run, sim, test, tidy, ui, workspace};

/// One check; cheap ones first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Step {
    /// Formatting.
    Fmt,
    /// Lints on all targets and features; warnings fail.
    Clippy,
    /// Dependencies between crates, and manifests.
    Layers,
    /// Sizes, facades, left-overs, whitespace, links.
    Tidy,
    /// All tests, with PostgreSQL.
    Test,
    /// Documentation; warnings fail.
    Doc,
    /// The description of the HTTP API is what the code says.
    Openapi,
    /// The simulation: 500 seeds, every crash point, and engines that are broken on purpose.
    Sim,
    /// Mocked end-to-end scenarios.
    E2e,
}

impl Step {
    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Why this step cannot run in this checkout.
    fn skipped(self) -> Option<&'static str> {
        (self == Self::E2e && !workspace::has_harness()).then_some("SKIPPED: crates/harness does not exist")
    }

    fn run(self) -> Result<()> {
        let mut cargo = process::cargo();
        match self {
            Self::Fmt => process::run(cargo.args(["fmt", "--all", "--check"])),
            Self::Clippy => {
                cargo.args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]);
                process::run(&mut cargo)
            }
            Self::Layers => layers::run(),
            Self::Tidy => tidy::run(),
            Self::Test => test::run(&[]),
            Self::Doc => {
                cargo.args(["doc", "--workspace", "--no-deps", "--all-features"]);
                process::run(cargo.env("RUSTDOCFLAGS", "-D warnings"))
            }
            Self::Openapi => openapi::run(true),
            Self::Sim => {
                sim::run(&["--seeds".into(), "500".into()])?;
                sim::run(&["--crashes".into()])?;
                sim::sabotage(&[])
            }
            Self::E2e => run::harness(run::Harness::E2e, &[]),
        }
    }
}

/// Runs the chosen steps, or all; the first failure ends it unless `keep_going`.
pub(crate) fn run(chosen: &[Step], keep_going: bool) -> Result<()> {
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for step in planned(chosen) {
        let name = step.name();
        if !failed.is_empty() && !keep_going {
            rows.push((name, "not run".to_owned(), None));
            continue;
        }
        ui::step(&name);
        if let Some(why) = step.skipped() {
            ui::loud(&format!("{name}: {why}"));
            rows.push((name, why.to_owned(), None));
            continue;
        }
        let start = Instant::now();
        let outcome = step.run();
        let took = start.elapsed();
        if let Err(error) = &outcome {
            ui::error(&format!("{error:#}"));
            failed.push(name.clone());
        }
        let outcome = if outcome.is_ok() { "ok" } else { "FAILED" };
        ui::note(&format!("{name}: {outcome} after {}", ui::seconds(took)));
        rows.push((name, outcome.to_owned(), Some(took)));
    }
    ui::table(&rows);
    if !failed.is_empty() {
        bail!("ci failed: {}; run one again with `cargo xtask ci {}`", failed.join(", "), failed[0]);
    }
    Ok(())
}

/// Each step once, in the order of the enumeration.
fn planned(chosen: &[Step]) -> Vec<Step> {
    let all = Step::value_variants().iter().copied();
    all.filter(|step| chosen.is_empty() || chosen.contains(step)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_once_and_in_order() {
        assert_eq!(planned(&[Step::Test, Step::Fmt, Step::Test]), [Step::Fmt, Step::Test]);
        assert_eq!(planned(&[]).len(), Step::value_variants().len());
    }
}
