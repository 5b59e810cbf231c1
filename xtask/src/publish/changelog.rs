//! Whether a version may be released: it is described, and it is the one that the tag says.

use std::fs;

use anyhow::{Result, bail};

use crate::layers::Package;
use crate::{ui, workspace};

const FILE: &str = "CHANGELOG.md";

/// Checks a tag such as `v0.1.0` against the version of each crate, and that each crate's changelog has that version.
pub(crate) fn check_tag(tag: &str) -> Result<()> {
    let packages = workspace::published()?;
    let mut problems: Vec<_> = packages.iter().filter_map(|package| other_version(tag, package)).collect();
    problems.extend(undescribed(&packages));
    for problem in &problems {
        ui::error(problem);
    }
    if !problems.is_empty() {
        bail!("{tag} is not to be released: {} problem(s)", problems.len());
    }
    ui::note(&format!("{tag} is the version of {} crates, and each describes it", packages.len()));
    Ok(())
}

/// The crates whose changelog does not have their version.
pub(super) fn undescribed(packages: &[Package]) -> Vec<String> {
    let is_described = |package: &Package| {
        let changelog = fs::read_to_string(package.folder.join(FILE)).unwrap_or_default();
        describes(&changelog, &package.version)
    };
    let undescribed = packages.iter().filter(|package| !is_described(package));
    undescribed.map(|package| format!("{}: no heading with {} in its {FILE}", package.name, package.version)).collect()
}

fn other_version(tag: &str, package: &Package) -> Option<String> {
    let expected = format!("v{}", package.version);
    (tag != expected).then(|| format!("{} is of version {}, whose tag is {expected}", package.name, package.version))
}

/// Whether a heading names the version: `## 0.1.0`, `## [0.1.0] - 2026-12-01`.
fn describes(changelog: &str, version: &str) -> bool {
    let headings = changelog.lines().filter(|line| line.starts_with("## "));
    let names = |word: &str| word.trim_matches(['[', ']', '(', ')', 'v', ':']) == version;
    headings.flat_map(str::split_whitespace).any(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::layers;

    #[test]
    fn a_heading_names_the_version() {
        for heading in ["## 0.1.0", "## [0.1.0] - 2026-12-01", "## v0.1.0 (2026-12-01)"] {
            assert!(describes(&format!("# Changelog\n\n{heading}\n\n- x\n"), "0.1.0"), "{heading}");
        }
        for text in ["", "## 0.1.01", "## 10.1.0", "- 0.1.0", "## Unreleased\n\n0.1.0 follows\n"] {
            assert!(!describes(text, "0.1.0"), "{text}");
        }
    }

    #[test]
    fn the_tag_is_the_version_of_every_crate() {
        let core = json!({ "packages": [{
            "name": "segment-core", "version": "0.1.0", "manifest_path": "/w/segment-core/Cargo.toml", "dependencies": [],
        }] });
        let core = &layers::packages(&core).unwrap()[0];
        assert_eq!(other_version("v0.1.0", core), None);
        for tag in ["v0.2.0", "0.1.0", "v0.1", "v0.1.0-rc.1"] {
            assert!(other_version(tag, core).is_some(), "{tag}");
        }
    }
}
