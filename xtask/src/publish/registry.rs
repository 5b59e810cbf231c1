//! What the package registry has, asked through cargo.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::layers::Package;
use crate::{process, ui};

/// How long a crate may take until others can depend on it; usually it is a few seconds.
const VISIBLE_WITHIN: Duration = Duration::from_mins(5);
const BETWEEN: Duration = Duration::from_secs(5);

/// Whether the registry has this version.
///
/// # Errors
///
/// It could not be asked: that is never taken for a no.
pub(super) fn has(package: &Package) -> Result<bool> {
    let output = info(package).output().context("cannot start cargo")?;
    if output.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(is_absent(&said), "the registry cannot be asked for {}:\n{}", package.name, said.trim_end());
    Ok(false)
}

/// Returns when others can depend on it.
pub(super) fn wait_for(package: &Package) -> Result<()> {
    let start = Instant::now();
    while !has(package)? {
        if start.elapsed() > VISIBLE_WITHIN {
            bail!(
                "{} was sent, and after {} the registry does not show it; run the same command again later",
                package.name,
                ui::seconds(VISIBLE_WITHIN)
            );
        }
        sleep(BETWEEN);
    }
    Ok(())
}

/// Outside of the workspace, where the name means the registry's crate and not ours.
fn info(package: &Package) -> Command {
    let mut cargo = process::cargo_here();
    cargo.current_dir(std::env::temp_dir()).stdin(Stdio::null());
    cargo.args(["info", "--registry", "crates-io", &format!("{}@{}", package.name, package.version)]);
    cargo
}

/// Whether cargo says that there is no such crate, or no such version, and not that something went wrong.
fn is_absent(said: &str) -> bool {
    said.lines().any(|line| line.starts_with("error: could not find `"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_no_is_one() {
        assert!(is_absent("    Updating index\nerror: could not find `segment-core@0.1.0` in registry `…`\n"));
        assert!(!is_absent("error: failed to download from `…`\n\nCaused by:\n  could not resolve host\n"));
        assert!(!is_absent(""));
    }
}
