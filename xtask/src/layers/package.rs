//! What we need of `cargo metadata`.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The folder of its manifest.
    pub(crate) folder: PathBuf,
    /// Whether `cargo publish` would take it.
    pub(crate) published: bool,
    /// Whether other crates can use it.
    pub(crate) is_library: bool,
    pub(crate) dependencies: Vec<Dependency>,
    /// The fields of its manifest that are set.
    pub(super) fields: Vec<&'static str>,
    /// The file of its readme, named or found by cargo.
    pub(super) readme: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// The version requirement; `*` when there is none.
    pub(crate) requirement: String,
    pub(crate) development: bool,
}

/// Fields that crates.io, or somebody who reads it, needs.
pub(super) const FIELDS: [&str; 4] = ["description", "license", "repository", "rust_version"];

pub(crate) fn packages(metadata: &Value) -> Result<Vec<Package>> {
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    packages.iter().map(package).collect()
}

fn package(value: &Value) -> Result<Package> {
    let manifest = PathBuf::from(text(value, "manifest_path")?);
    let dependencies = value["dependencies"].as_array().context("a package of cargo metadata has no dependencies")?;
    Ok(Package {
        name: text(value, "name")?,
        version: text(value, "version")?,
        folder: manifest.parent().context("a manifest is in no folder")?.to_owned(),
        // `publish = false` is an empty list of registries.
        published: value["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        is_library: targets(value).any(|kind| kind == "lib"),
        dependencies: dependencies.iter().map(dependency).collect::<Result<_>>()?,
        fields: FIELDS.into_iter().filter(|field| value[field].as_str().is_some_and(|text| !text.is_empty())).collect(),
        readme: value["readme"].as_str().map(str::to_owned),
    })
}

/// The kinds of what cargo would build of a package.
fn targets(package: &Value) -> impl Iterator<Item = &str> {
    let targets = package["targets"].as_array().into_iter().flatten();
    targets.flat_map(|target| target["kind"].as_array().into_iter().flatten()).filter_map(Value::as_str)
}

fn dependency(value: &Value) -> Result<Dependency> {
    Ok(Dependency { name: text(value, "name")?, requirement: text(value, "req")?, development: value["kind"] == "dev" })
}

fn text(value: &Value, field: &str) -> Result<String> {
    let text = value[field].as_str().with_context(|| format!("cargo metadata: `{field}` is missing"))?;
    Ok(text.to_owned())
}
