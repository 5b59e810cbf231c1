//! `cargo xtask setup`: the tools of the extended checks, at the versions of the table.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::{self, Installed, TOOLS, Tool};
use crate::{process, ui};

/// Installs what is missing or of another version, or only tells.
///
/// # Errors
///
/// With `check`, something is missing or of another version; without, something could not be installed. The rest is installed
/// all the same.
pub(crate) fn run(check: bool) -> Result<()> {
    let mut open = Vec::new();
    for tool in TOOLS {
        let installed = tool.installed();
        ui::note(&told(tool, &installed));
        if installed == Installed::Pinned || (!check && installs(&mut cargo_install(tool))) {
            continue;
        }
        open.push(tool.package);
    }
    if !tools::has_llvm_tools()? {
        ui::note("llvm-tools, a component of the compiler (for `coverage`): missing");
        let mut rustup = Command::new("rustup");
        if check || !installs(rustup.args(["component", "add", "llvm-tools"])) {
            open.push("llvm-tools");
        }
    }
    if !tools::has_cpp() {
        ui::note("a C++ compiler (for `fuzz`): missing; `apt-get install g++`, or what your system has for it");
        open.push("a C++ compiler");
    }
    if !open.is_empty() {
        let hint = if check { "; `cargo xtask setup` installs them" } else { "" };
        bail!("not there as they should be: {}{hint}", open.join(", "));
    }
    ui::note("all tools are there");
    Ok(())
}

/// A failure is told, and ends nothing.
fn installs(command: &mut Command) -> bool {
    process::run(command).inspect_err(|error| ui::error(&format!("{error:#}"))).is_ok()
}

/// From the sources, with the dependencies that its authors tested. `--force` replaces a program that cargo did not install.
fn cargo_install(tool: &Tool) -> Command {
    let mut cargo = process::cargo();
    cargo.args(["install", "--locked", "--force", tool.package, "--version", &format!("={}", tool.version)]);
    cargo
}

fn told(tool: &Tool, installed: &Installed) -> String {
    let found = match installed {
        Installed::Pinned => "there".to_owned(),
        Installed::Other(found) => format!("{found} is there"),
        Installed::Missing => "missing".to_owned(),
    };
    format!("{} {}: {found}", tool.package, tool.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_exact_version_is_installed() {
        let tool = Tool { package: "typos-cli", version: "1.52.0", program: "typos" };
        let command = cargo_install(&tool);
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        assert_eq!(words, ["install", "--locked", "--force", "typos-cli", "--version", "=1.52.0"]);
    }

    #[test]
    fn what_is_there_is_told() {
        let tool = Tool { package: "cargo-hack", version: "0.6.46", program: "cargo-hack" };
        assert_eq!(told(&tool, &Installed::Pinned), "cargo-hack 0.6.46: there");
        assert_eq!(told(&tool, &Installed::Other("0.6.40".to_owned())), "cargo-hack 0.6.46: 0.6.40 is there");
        assert_eq!(told(&tool, &Installed::Missing), "cargo-hack 0.6.46: missing");
    }
}
