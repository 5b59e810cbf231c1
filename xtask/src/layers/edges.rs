//! Normal (and build) dependencies against the table.

use super::package::Package;
use super::table::{EXEMPT, KEEPERS, LAYERS, Layer, Uses};

/// Each problem with its fix.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages.iter().filter(|package| !EXEMPT.contains(&package.name.as_str())) {
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == package.name) else {
            problems.push(format!(
                "{}: unknown crate; give it a row in xtask/src/layers/table.rs and in docs/architecture.md",
                package.name
            ));
            continue;
        };
        let needs: Vec<&str> =
            package.dependencies.iter().filter(|needed| !needed.development).map(|needed| &*needed.name).collect();
        let ours: Vec<&str> =
            needs.iter().copied().filter(|needed| packages.iter().any(|other| other.name == *needed)).collect();
        problems.extend(new_edges(layer, &ours));
        problems.extend(unused(layer, &ours, packages));
        problems.extend(kept(&package.name, &needs));
    }
    problems
}

fn new_edges(layer: &Layer, ours: &[&str]) -> Vec<String> {
    let allowed = |name: &str| match layer.uses {
        Uses::Any => !EXEMPT.contains(&name),
        Uses::Only(names) => names.contains(&name),
    };
    let new = ours.iter().filter(|name| !allowed(name));
    new.map(|name| {
        format!(
            "{} → {name}: a new edge; remove the dependency (a port in segment-core?), or allow it with a reason in \
             xtask/src/layers/table.rs",
            layer.name
        )
    })
    .collect()
}

fn unused(layer: &Layer, ours: &[&str], packages: &[Package]) -> Vec<String> {
    let Uses::Only(allowed) = layer.uses else { return Vec::new() };
    let exists = |name: &str| packages.iter().any(|package| package.name == name);
    let unused = allowed.iter().filter(|name| exists(name) && !ours.contains(name));
    unused
        .map(|name| {
            format!(
                "{} → {name}: allowed but unused; remove it from the row in xtask/src/layers/table.rs, so that the \
                 table stays true",
                layer.name
            )
        })
        .collect()
}

fn kept(name: &str, needs: &[&str]) -> Vec<String> {
    let broken = KEEPERS.iter().filter(|(library, keepers)| needs.contains(library) && !keepers.contains(&name));
    broken
        .map(|(library, keepers)| {
            format!(
                "{name} names {library}: only {} may; go through its types, or make it a dev-dependency if only tests \
                 need it",
                keepers.join(" and ")
            )
        })
        .collect()
}
