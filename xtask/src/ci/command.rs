//! Runs steps, with a table of how they went.

use std::time::Instant;

use anyhow::{Result, bail};

use super::choice::{Choice, planned};
use super::step::Step;
use crate::ui;

/// Runs the chosen steps, or the quick ones; the first failure ends it unless `keep_going`.
pub(crate) fn run(chosen: &[Choice], keep_going: bool) -> Result<()> {
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for step in planned(chosen) {
        let name = step.name();
        if !failed.is_empty() && !keep_going {
            rows.push((name, "not run".to_owned(), None));
            continue;
        }
        ui::step(&name);
        let start = Instant::now();
        let outcome = attempt(step);
        let took = start.elapsed();
        let outcome = match outcome {
            Ok(None) => "ok",
            Ok(Some(why)) => {
                ui::loud(&format!("{name}: {why}"));
                rows.push((name, why.to_owned(), None));
                continue;
            }
            Err(error) => {
                ui::error(&format!("{error:#}"));
                failed.push(name.clone());
                "FAILED"
            }
        };
        ui::note(&format!("{name}: {outcome} after {}", ui::seconds(took)));
        rows.push((name, outcome.to_owned(), Some(took)));
    }
    ui::table(&rows);
    if !failed.is_empty() {
        bail!("ci failed: {}; run one again with `cargo xtask ci {}`", failed.join(", "), failed[0]);
    }
    Ok(())
}

/// Runs the step, or says why there is nothing to run.
fn attempt(step: Step) -> Result<Option<&'static str>> {
    if let Some(why) = step.skipped()? {
        return Ok(Some(why));
    }
    step.run().map(|()| None)
}
