//! `cargo xtask publish`.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::{changelog, order::order, registry};
use crate::layers::Package;
use crate::{environment, process, ui, workspace};

/// Between two attempts at a registry that has taken enough for now, and how many there are.
const PAUSE: Duration = Duration::from_mins(10);
const PATIENCE: u32 = 6;

/// Publishes what the registry does not have yet, or only shows and checks it.
pub(crate) fn run(execute: bool) -> Result<()> {
    let packages = order(workspace::published()?)?;
    let undescribed = changelog::undescribed(&packages);
    for problem in &undescribed {
        ui::error(problem);
    }
    ensure!(undescribed.is_empty() || !execute, "a version that is not described is not published");
    let mut missing = Vec::new();
    for package in packages {
        let there = registry::has(&package)?;
        let what = if there { "is there already" } else { "is to be published" };
        ui::note(&format!("{} {} {what}", package.name, package.version));
        if !there {
            missing.push(package);
        }
    }
    if missing.is_empty() {
        ui::note("nothing is left to publish");
        return Ok(());
    }
    if !execute {
        return rehearse(&missing);
    }
    missing.iter().try_for_each(publish)
}

/// Cargo packages and builds them, and sends nothing.
fn rehearse(packages: &[Package]) -> Result<()> {
    let mut cargo = process::cargo();
    cargo.args(["publish", "--dry-run", "--locked"]);
    if !environment::is_ci() {
        cargo.arg("--allow-dirty");
    }
    for package in packages {
        cargo.args(["-p", &package.name]);
    }
    process::run(&mut cargo)?;
    ui::note("nothing was published: that was a rehearsal; `--execute` publishes");
    Ok(())
}

/// Sends one crate, and waits until those that need it can be sent.
fn publish(package: &Package) -> Result<()> {
    ui::step(&format!("publishing {} {}", package.name, package.version));
    for _ in 0..PATIENCE {
        let Err(error) = send(package) else { return registry::wait_for(package) };
        if !is_limited(&error.to_string()) {
            return Err(error.context("the same command goes on from here"));
        }
        ui::note(&format!("the registry takes no more new crates now; again in {}", ui::seconds(PAUSE)));
        sleep(PAUSE);
    }
    bail!("the registry did not take {} for too long; the same command goes on from here", package.name)
}

/// It is not built here: the rehearsal did that, and where the registry's token is no code of others should run.
fn send(package: &Package) -> Result<()> {
    process::quietly(process::cargo().args(["publish", "--locked", "--no-verify", "-p", &package.name]))
}

/// Whether the registry says that it has taken enough for now. It takes a few new crates at once, then one in ten minutes.
fn is_limited(said: &str) -> bool {
    said.contains("429 Too Many Requests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_too_many_is_tried_again() {
        let limited = "failed to publish\n\nCaused by:\n  the remote server responded with an error (status 429 Too Many \
                       Requests): You have published too many new crates in a short period of time.";
        assert!(is_limited(limited));
        assert!(!is_limited("the remote server responded with an error (status 403 Forbidden): authentication failed"));
    }
}
