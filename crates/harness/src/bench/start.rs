//! `bench start`: from the start of the process to its first call, and how large the program is.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::{median, millis};
use crate::{context::Context, report, rig::Rig, setup::Setup};

const FIRST_CALL: Duration = Duration::from_millis(30);
const MEGABYTES: f64 = 25.0;

/// Runs the figures and prints their table.
///
/// # Errors
///
/// The program is not there, or makes no call.
pub fn bench_start(runs: usize) -> Result<()> {
    ensure!(runs > 0, "at least one run is needed");
    let context = Context::from_environment()?;
    let rig = Rig::new(&context, &Setup::unify())?;
    // The record database is made by the first call of all.
    rig.quiet_call(&["access", "--email", "nobody@example.test"]).run()?;
    let (mut first, mut floor) = (Vec::new(), Vec::new());
    for round in 0..runs {
        floor.push(version(context.binary())?);
        first.push(first_call(&rig, round)?);
    }
    let (first, floor) = (median(first), median(floor));
    let size = stripped(context.binary())?;
    let verdict = |within| if within { "within" } else { "above" };
    report::figures(
        "start",
        &["process", "figure", "floor", "bound"],
        &[
            vec![
                "start to first call at Segment".to_owned(),
                millis(first),
                format!("{} (--version)", millis(floor)),
                format!("{} {}", verdict(first <= FIRST_CALL), millis(FIRST_CALL)),
            ],
            vec![
                "size, stripped".to_owned(),
                format!("{size:.1} MB"),
                String::new(),
                format!("{} {MEGABYTES} MB", verdict(size <= MEGABYTES)),
            ],
        ],
    );
    Ok(())
}

fn version(binary: &Path) -> Result<Duration> {
    let start = Instant::now();
    let run = Command::new(binary).arg("--version").output()?;
    ensure!(run.status.success(), "it does not start");
    Ok(start.elapsed())
}

fn first_call(rig: &Rig, round: usize) -> Result<Duration> {
    let before = rig.mock().requests().len();
    let start = Instant::now();
    let running = rig.quiet_call(&["access", "--email", &format!("nobody-{round}@example.test")]).start()?;
    while rig.mock().requests().len() == before {
        ensure!(start.elapsed() < Duration::from_secs(30), "no call came");
        std::thread::sleep(Duration::from_micros(200));
    }
    let time = start.elapsed();
    running.wait()?;
    Ok(time)
}

/// In megabytes.
fn stripped(binary: &Path) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("stripped");
    let run = Command::new("strip").arg("-o").arg(&copy).arg(binary).output().context("strip is not installed")?;
    ensure!(run.status.success(), "strip fails: {}", String::from_utf8_lossy(&run.stderr));
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let bytes = std::fs::metadata(copy)?.len() as f64;
    Ok(bytes / 1_000_000.0)
}
