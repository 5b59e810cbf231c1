//! Each fuzz target for a few seconds, on its seeds and what the fuzzer makes of them: a smoke test. To find something, let
//! one run for an hour (`CONTRIBUTING.md`).

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{process, tools, ui, workspace};

/// Seconds for each target.
const SECONDS: &str = "-max_total_time=5";
/// No sanitizer: our crates have no `unsafe`, so that a panic, a hang and memory without bounds are what can be found, and all
/// that is left of cargo-fuzz's flags is stable. With a sanitizer a nightly compiler would be needed.
const SANITIZER: [&str; 2] = ["--sanitizer", "none"];
/// An input may cost so much memory, in MiB, and so many seconds.
const LIMITS: [&str; 2] = ["-rss_limit_mb=1024", "-timeout=10"];

pub(crate) fn fuzz() -> Result<()> {
    tools::need("cargo-fuzz")?;
    ensure!(tools::has_cpp(), "no C++ compiler for the fuzzer's library; `cargo xtask setup` says what to install");
    let root = workspace::root();
    let folder = root.join("fuzz");
    let manifest = folder.join("Cargo.toml");
    process::run(process::cargo().args(["fmt", "--check", "--manifest-path"]).arg(&manifest))?;
    let mut metadata = process::cargo();
    metadata.args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"]).arg(&manifest);
    let targets = targets(&process::stdout(&mut metadata)?)?;
    for target in &targets {
        ui::note(&format!("fuzzing {target}"));
        process::run(&mut run(target, &folder)?)?;
    }
    ui::note(&format!("{} targets found nothing", targets.len()));
    Ok(())
}

/// What is new and interesting goes to the first folder, so the seeds come second.
fn run(target: &str, folder: &Path) -> Result<Command> {
    let corpus = folder.join("corpus").join(target);
    let seeds = folder.join("seeds").join(target);
    ensure!(seeds.is_dir(), "fuzz/seeds/{target} does not exist; a target needs a few inputs to begin with");
    fs::create_dir_all(&corpus).with_context(|| format!("cannot make {}", corpus.display()))?;
    let mut command = tools::need("cargo-fuzz")?;
    command.args(["run", "--fuzz-dir"]).arg(folder).args(SANITIZER).arg(target).arg(corpus).arg(seeds);
    command.arg("--").arg(SECONDS).args(LIMITS);
    Ok(command)
}

/// The programs of the package.
fn targets(metadata: &str) -> Result<Vec<String>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata did not print JSON")?;
    let targets = metadata["packages"][0]["targets"].as_array().context("the package of fuzz/ has no targets")?;
    let names = targets.iter().filter(|target| target["kind"][0] == "bin").filter_map(|target| target["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_the_targets() {
        let metadata = r#"{"packages":[{"targets":[
            {"kind":["bin"],"name":"cursors"},{"kind":["custom-build"],"name":"build-script-build"},
            {"kind":["bin"],"name":"csv_intake"}]}]}"#;
        assert_eq!(targets(metadata).unwrap(), ["cursors", "csv_intake"]);
        assert!(targets(r#"{"packages":[]}"#).is_err());
    }
}
