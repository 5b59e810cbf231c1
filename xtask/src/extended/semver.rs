//! What is public of the libraries, against the last version.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::layers::Package;
use crate::{process, tools, ui, workspace};

/// Compares the libraries with the newest version's tag.
pub(crate) fn semver() -> Result<()> {
    let mut semver = tools::need("cargo-semver-checks")?;
    let tag = baseline()?.context("no version has a tag v* yet")?;
    ui::note(&format!("the baseline is {tag}"));
    // `testing` is exempt from semver, and no default feature.
    semver.args(["--default-features", "--baseline-rev", &tag]);
    for package in workspace::published()?.into_iter().filter(|package| package.is_library) {
        if is_in(&tag, &package) {
            semver.args(["-p", &package.name]);
        } else {
            ui::note(&format!("{} is new since {tag}", package.name));
        }
    }
    process::run(&mut semver)
}

/// Whether the tag has a crate of this name.
fn is_in(tag: &str, package: &Package) -> bool {
    let manifest = format!("{tag}:crates/{}/Cargo.toml", package.name);
    process::quietly(git().args(["cat-file", "-e", &manifest])).is_ok()
}

/// The tag of the newest version before this one; none before the first, and in a clone without tags.
///
/// A tag of what is checked out is none: when it is released, a version would be compared with itself.
pub(crate) fn baseline() -> Result<Option<String>> {
    if !workspace::root().join(".git").exists() {
        return Ok(None);
    }
    let tags = process::stdout(git().args(["tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD"]))?;
    Ok(newest(&tags).map(str::to_owned))
}

fn git() -> Command {
    let mut git = Command::new("git");
    git.current_dir(workspace::root()).args(["-c", "safe.directory=*"]);
    git
}

/// The newest of tags such as `v0.10.2`; others, such as `v1-draft` or a release candidate's, are no baseline.
fn newest(tags: &str) -> Option<&str> {
    tags.lines().filter_map(|tag| Some((numbers(tag)?, tag))).max().map(|(_, tag)| tag)
}

fn numbers(tag: &str) -> Option<[u64; 3]> {
    let numbers: Option<Vec<u64>> = tag.strip_prefix('v')?.split('.').map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_the_baseline() {
        assert_eq!(newest("v0.2.0\nv0.10.0\nv0.9.12\n"), Some("v0.10.0"));
        assert_eq!(newest("v1.0.0-rc.1\nv0.1.0\nvault\nv2\n"), Some("v0.1.0"));
        assert_eq!(newest(""), None);
    }
}
