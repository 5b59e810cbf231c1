//! A stranger's project: it has only what is published.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::layers::Package;

/// The crates that somebody may want without the rest.
pub(super) const LIBRARIES: [&str; 3] = ["segment-core", "segment-http", "segment-unify"];

/// Makes a client of each.
pub(super) const MAIN: &str = include_str!("../../outside/main.rs");

/// What the program names besides: the version is the one that this crate of ours asks for.
const BESIDES: [(&str, &str); 1] = [("secrecy", "segment-http")];

/// The manifest: the crates by version, and in place of the registry the unpacked folders beside the project.
pub(super) fn manifest(packages: &[Package]) -> Result<String> {
    let mut text = concat!(
        "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n",
        "[workspace]\n\n[dependencies]\n"
    )
    .to_owned();
    for package in packages {
        writeln!(text, "{} = \"={}\"", package.name, package.version)?;
    }
    for (name, owner) in BESIDES {
        writeln!(text, "{name} = \"{}\"", requirement(packages, owner, name)?)?;
    }
    text.push_str("\n[patch.crates-io]\n");
    for Package { name, version, .. } in packages {
        writeln!(text, "{name} = {{ path = \"../{name}-{version}\" }}")?;
    }
    Ok(text)
}

fn requirement<'a>(packages: &'a [Package], owner: &str, name: &str) -> Result<&'a str> {
    let owned = packages.iter().find(|package| package.name == owner);
    let needed = owned.and_then(|package| package.dependencies.iter().find(|needed| needed.name == name));
    needed.map(|needed| &*needed.requirement).with_context(|| format!("{owner} does not depend on {name} any more"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::layers;

    fn packages(secrecy: &str) -> Vec<Package> {
        let package = |name: &str, needed: &str| {
            json!({ "name": name, "version": "0.3.0", "manifest_path": format!("/w/{name}/Cargo.toml"), "publish": null,
                    "dependencies": [{ "name": needed, "req": "^0.10.3", "kind": null }] })
        };
        let all = [package("segment-core", "serde"), package("segment-http", secrecy)];
        layers::packages(&json!({ "packages": all })).unwrap()
    }

    #[test]
    fn the_crates_come_from_their_packages() {
        let manifest = manifest(&packages("secrecy")).unwrap();
        let (dependencies, patch) = manifest.split_once("[patch.crates-io]\n").unwrap();
        assert!(dependencies.ends_with(
            "[dependencies]\nsegment-core = \"=0.3.0\"\nsegment-http = \"=0.3.0\"\nsecrecy = \"^0.10.3\"\n\n"
        ));
        let lines: Vec<_> = patch.lines().collect();
        let expected = [
            "segment-core = { path = \"../segment-core-0.3.0\" }",
            "segment-http = { path = \"../segment-http-0.3.0\" }",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn what_nobody_asks_for_has_no_version() {
        assert!(manifest(&packages("serde")).unwrap_err().to_string().contains("secrecy"));
    }
}
