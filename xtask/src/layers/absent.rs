//! Libraries that must not be below a crate, not even through others and with all its features.

use anyhow::Result;

use super::package::Package;
use super::table::{LAYERS, Layer};
use crate::process;

/// Asks `cargo tree`, which selects the features of this package alone, unlike `cargo metadata`.
pub(super) fn check(packages: &[Package]) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for layer in LAYERS.iter().filter(|layer| !layer.never_below.is_empty()) {
        if !packages.iter().any(|package| package.name == layer.name) {
            continue;
        }
        let mut cargo = process::cargo();
        cargo.args(["tree", "--quiet", "-p", layer.name, "--edges", "normal", "--all-features"]);
        let tree = process::stdout(cargo.args(["--prefix", "none", "--format", "{p}"]))?;
        problems.extend(present(layer, &tree));
    }
    Ok(problems)
}

/// The forbidden ones among lines such as `tokio v1.54.1`.
pub(super) fn present(layer: &Layer, tree: &str) -> Vec<String> {
    let below = |library: &str| tree.lines().any(|line| line.split_whitespace().next() == Some(library));
    let found = layer.never_below.iter().filter(|library| below(library));
    found
        .map(|library| {
            format!(
                "{library} is below {name}; `cargo tree -p {name} --all-features -e normal -i {library}` shows how it \
                 got there",
                name = layer.name
            )
        })
        .collect()
}
