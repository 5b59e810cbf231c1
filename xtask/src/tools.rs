//! The programs of others that the extended checks run, by exact version: what passes today passes tomorrow.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::{environment, process, ui, workspace};

/// A program of the package registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    /// The name of its package.
    pub(crate) package: &'static str,
    /// Exactly this version.
    pub(crate) version: &'static str,
    /// The program that the package installs.
    pub(crate) program: &'static str,
}

/// A subcommand of cargo, whose program has the name of the package.
const fn subcommand(package: &'static str, version: &'static str) -> Tool {
    Tool { package, version, program: package }
}

/// The table. A newer version goes here and nowhere else; run `cargo xtask setup && cargo xtask ci full` with it.
pub(crate) const TOOLS: &[Tool] = &[
    subcommand("cargo-nextest", "0.9.143"),
    Tool { package: "typos-cli", version: "1.52.0", program: "typos" },
    subcommand("cargo-machete", "0.9.2"),
    subcommand("cargo-deny", "0.20.2"),
    subcommand("cargo-hack", "0.6.46"),
    subcommand("cargo-semver-checks", "0.51.0"),
    subcommand("cargo-fuzz", "0.13.2"),
    subcommand("cargo-cyclonedx", "0.5.9"),
    subcommand("cargo-llvm-cov", "0.9.1"),
];

/// What is installed of a tool.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Installed {
    Pinned,
    /// Another version, by what it says.
    Other(String),
    Missing,
}

impl Tool {
    /// The program at the root of the workspace. Cargo finds its subcommands also where it installs them.
    fn command(&self) -> Command {
        let mut command = match self.program.strip_prefix("cargo-") {
            Some(subcommand) => {
                let mut cargo = process::cargo();
                cargo.arg(subcommand);
                cargo
            }
            None => Command::new(self.program),
        };
        // `cargo run` sets this for xtask. cargo-machete would take it for a sign that it was not called by cargo.
        command.current_dir(workspace::root()).env_remove("CARGO_PKG_NAME");
        command
    }

    /// Asks the program itself: it need not be cargo that installed it.
    pub(crate) fn installed(&self) -> Installed {
        let output = self.command().arg("--version").stdin(Stdio::null()).output();
        let Some(output) = output.ok().filter(|output| output.status.success()) else { return Installed::Missing };
        let said = String::from_utf8_lossy(&output.stdout);
        match version(&said) {
            Some(found) if found == self.version => Installed::Pinned,
            found => Installed::Other(found.unwrap_or("unknown").to_owned()),
        }
    }
}

/// A tool's command, to which arguments are added.
///
/// # Errors
///
/// It is not in the table, or not installed. Another version than that of the table is used, and told.
pub(crate) fn need(program: &str) -> Result<Command> {
    let tool = TOOLS.iter().find(|tool| tool.program == program).context("a tool that is not in the table")?;
    match tool.installed() {
        Installed::Pinned => {}
        Installed::Other(found) => {
            let pinned = tool.version;
            ui::note(&format!("{program} is of version {found}, not {pinned}; `cargo xtask setup` installs {pinned}"));
        }
        Installed::Missing => bail!("{program} is not installed; `cargo xtask setup` installs it"),
    }
    Ok(tool.command())
}

/// The version in `cargo-nextest 0.9.143 (5ab2d5e 2026-07-01)`, `typos-cli 1.52.0` or `0.9.2`.
fn version(said: &str) -> Option<&str> {
    let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit()) && word.contains('.');
    said.split_whitespace().map(|word| word.trim_start_matches('v')).find(is_version)
}

/// Whether the compiler's own LLVM tools are there, which measure coverage.
///
/// # Errors
///
/// The compiler cannot be asked.
pub(crate) fn has_llvm_tools() -> Result<bool> {
    // cargo-llvm-cov takes others by these names.
    if environment::var("LLVM_COV").is_some() && environment::var("LLVM_PROFDATA").is_some() {
        return Ok(true);
    }
    let rustc = environment::var("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let mut command = Command::new(rustc);
    command.current_dir(workspace::root()).args(["--print", "target-libdir"]);
    let libraries = PathBuf::from(process::stdout(&mut command)?.trim());
    let program = format!("bin/llvm-profdata{}", std::env::consts::EXE_SUFFIX);
    Ok(libraries.parent().is_some_and(|folder| folder.join(program).is_file()))
}

/// Whether C++ can be compiled: the fuzzer's library is written in it.
pub(crate) fn has_cpp() -> bool {
    environment::var("CXX").is_some() || ["c++", "g++", "clang++"].iter().any(|name| process::find(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, expected: Option<&str>) {
        assert_eq!(version(said), expected, "{said}");
    }

    #[test]
    fn every_way_of_telling_a_version_is_read() {
        check("cargo-nextest 0.9.143 (5ab2d5e7c 2026-07-01)\nrelease: 0.9.143\n", Some("0.9.143"));
        check("cargo-cyclonedx-cyclonedx 0.5.9\n", Some("0.5.9"));
        check("0.9.2\n", Some("0.9.2"));
        check("tool v1.2.3-beta.1", Some("1.2.3-beta.1"));
        check("error: no such command: `hack`\n", None);
        check("a 2 b", None);
    }

    #[test]
    fn the_table_pins_each_tool_once_and_exactly() {
        for tool in TOOLS {
            let numbers: Vec<u32> = tool.version.split('.').map(|number| number.parse().unwrap()).collect();
            assert_eq!(numbers.len(), 3, "{}", tool.package);
            assert_eq!(TOOLS.iter().filter(|other| other.program == tool.program).count(), 1, "{}", tool.package);
        }
    }

    #[test]
    fn what_the_table_does_not_know_is_not_run() {
        assert!(need("cargo-anything").is_err());
    }
}
