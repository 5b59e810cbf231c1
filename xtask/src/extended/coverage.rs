//! Which lines the tests reach. A report, not a threshold: a number that must not fall makes tests that assert nothing.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::{layers, process, test, tools, ui, workspace};

/// Writes `target/coverage/lcov.info`, for editors and services, and `summary.txt`, a line for each file.
pub(crate) fn coverage() -> Result<()> {
    tools::need("cargo-llvm-cov")?;
    ensure!(tools::has_llvm_tools()?, "llvm-tools is not installed; `cargo xtask setup` installs it");
    let folder = workspace::target_directory()?.join("coverage");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    measure()?;
    report(&folder)
}

/// All tests, as `test` runs them.
fn measure() -> Result<()> {
    // What an earlier run has measured is not added.
    process::run(tools::need("cargo-llvm-cov")?.args(["clean", "--workspace"]))?;
    let mut command = tools::need("cargo-llvm-cov")?;
    command.arg(if process::find("cargo-nextest").is_some() { "nextest" } else { "test" });
    command.args(["--no-report", "--workspace", "--all-features"]);
    test::Databases::start()?.run(&mut command)
}

fn report(folder: &Path) -> Result<()> {
    let packages = layers::packages(&workspace::metadata()?)?;
    let development = packages.iter().filter(|package| !package.published).map(|package| &*package.name);
    let ignored = folders(development);
    let reported = || -> Result<Command> {
        let mut command = tools::need("cargo-llvm-cov")?;
        command.args(["report", "--ignore-filename-regex", &ignored]);
        Ok(command)
    };
    process::run(reported()?.args(["--lcov", "--output-path"]).arg(folder.join("lcov.info")))?;
    let summary = process::stdout(&mut reported()?)?;
    fs::write(folder.join("summary.txt"), &summary).context("cannot write the summary")?;
    let lines = lines(&summary).context("cargo-llvm-cov printed no total")?;
    ui::note(&format!("{lines} of the lines are reached; {} has the rest", folder.display()));
    Ok(())
}

/// A regular expression of the files in crates of development: they run in tests, and nobody ships them.
fn folders<'a>(crates: impl Iterator<Item = &'a str>) -> String {
    format!("/({})/", crates.collect::<Vec<_>>().join("|"))
}

/// The share of lines in the last row: regions, functions and lines have a count, what was missed, and a share each.
fn lines(summary: &str) -> Option<&str> {
    let total = summary.lines().find(|line| line.starts_with("TOTAL"))?;
    total.split_whitespace().filter(|word| word.ends_with('%')).nth(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_development_are_ignored() {
        assert_eq!(folders(["harness", "xtask"].into_iter()), "/(harness|xtask)/");
    }

    #[test]
    fn the_share_of_lines_is_the_third() {
        let summary = concat!(
            "Filename  Regions  Missed Regions  Cover  Functions  Missed Functions  Executed  Lines  Missed Lines  Cover\n",
            "a.rs      10       1               90.00% 4          1                 75.00%    20     1             95.00%\n",
            "---\n",
            "TOTAL     10       1               90.00% 4          1                 75.00%    20     1             95.00% 0 0 -\n",
        );
        assert_eq!(lines(summary), Some("95.00%"));
        assert_eq!(lines("error"), None);
    }
}
