//! The checks, in order.

use anyhow::Result;
use clap::ValueEnum;

use crate::{extended, layers, openapi, process, run, sim, test, tidy};

/// One check; cheap ones first, and after `E2e` the extended ones, most of which need a tool of `cargo xtask setup`.
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
    /// All tests, with PostgreSQL and MariaDB.
    Test,
    /// Documentation; warnings fail.
    Doc,
    /// The description of the HTTP API is what the code says.
    Openapi,
    /// The simulation: 500 seeds, every crash point, and engines that are broken on purpose.
    Sim,
    /// Mocked end-to-end scenarios.
    E2e,
    /// Extended: spelling.
    Typos,
    /// Extended: links between documents, and the headings that they lead to.
    Links,
    /// Extended: dependencies that are declared and not used.
    Machete,
    /// Extended: licences, sources and banned crates.
    Deny,
    /// Extended: each published crate by itself, with every combination of its features that matters.
    Hack,
    /// Extended: no breaking change since the last version.
    Semver,
    /// Extended: each fuzz target for a few seconds.
    Fuzz,
    /// Extended: what would be published builds, also for a stranger.
    Package,
    /// Extended: a bill of materials of each published crate.
    Sbom,
    /// Extended: which lines the tests reach.
    Coverage,
}

impl Step {
    pub(super) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Whether it runs with `full`, or by its name, only.
    pub(super) fn is_extended(self) -> bool {
        self > Self::E2e
    }

    /// Why there is nothing that this step could check.
    pub(super) fn skipped(self) -> Result<Option<&'static str>> {
        Ok(match self {
            Self::Semver if extended::baseline()?.is_none() => Some(
                "SKIPPED: no baseline, since no version has a tag v* in this clone; what is public may change freely",
            ),
            _ => None,
        })
    }

    pub(super) fn run(self) -> Result<()> {
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
            Self::Typos => extended::typos(),
            Self::Links => tidy::links(),
            Self::Machete => extended::machete(),
            Self::Deny => extended::deny(),
            Self::Hack => extended::hack(),
            Self::Semver => extended::semver(),
            Self::Fuzz => extended::fuzz(),
            Self::Package => extended::package(),
            Self::Sbom => extended::sbom(),
            Self::Coverage => extended::coverage(),
        }
    }
}
