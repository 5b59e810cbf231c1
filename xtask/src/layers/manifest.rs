//! Manifests: what publishing in lock-step needs.

use std::path::Path;

use super::package::{Dependency, FIELDS, Package};

/// Each problem with its fix; `is_file` looks at the disk.
pub(super) fn check(packages: &[Package], is_file: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for package in packages.iter().filter(|package| package.published) {
        for needed in &package.dependencies {
            if let Some(sibling) = packages.iter().find(|other| other.name == needed.name) {
                problems.extend(sibling_problem(package, needed, sibling));
            }
        }
        let missing = FIELDS.iter().filter(|field| !package.fields.contains(field));
        problems.extend(missing.map(|field| {
            let field = field.replace('_', "-");
            format!("{}: no `{field}`; add `{field}.workspace = true` or a text of its own", package.name)
        }));
        let readme = package.readme.as_deref().unwrap_or("README.md");
        if !is_file(&package.folder.join(readme)) {
            problems.push(format!("{}: no {readme}; write one, it is the front page on crates.io", package.name));
        }
    }
    problems
}

fn sibling_problem(package: &Package, needed: &Dependency, sibling: &Package) -> Option<String> {
    let (from, to) = (&package.name, &sibling.name);
    if needed.development {
        return (needed.requirement != "*").then(|| {
            format!(
                "{from}: dev-dependency {to} has a version, which makes cycles that do not publish; write \
                 `{to} = {{ path = \"../{to}\" }}`"
            )
        });
    }
    if !sibling.published {
        return Some(format!("{from} → {to}: {to} is not published, so {from} cannot be; make it a dev-dependency"));
    }
    let lock_step = format!("^{}", sibling.version);
    (needed.requirement != lock_step).then(|| {
        format!("{from} → {to}: requires `{}`, not `{lock_step}`; write `{to}.workspace = true`", needed.requirement)
    })
}
