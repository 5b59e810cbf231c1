//! The order in which crates are published.

use anyhow::{Result, bail};

use crate::layers::Package;

/// Each crate after those that it needs; of several that could come next the one that is listed first.
///
/// # Errors
///
/// Crates need each other in a circle.
pub(super) fn order(mut left: Vec<Package>) -> Result<Vec<Package>> {
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let Some(next) = left.iter().position(|package| !needs_any(package, &left)) else {
            let names: Vec<_> = left.iter().map(|package| &*package.name).collect();
            bail!("{} need each other in a circle, so none of them can be published", names.join(", "));
        };
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

/// Dev-dependencies on siblings have no version and so are not published.
fn needs_any(package: &Package, left: &[Package]) -> bool {
    let mut needs = package.dependencies.iter().filter(|needed| !needed.development);
    needs.any(|needed| left.iter().any(|other| other.name == needed.name && other.name != package.name))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::layers;

    fn package(name: &str, needs: &[(&str, Option<&str>)]) -> Value {
        let needs: Vec<_> =
            needs.iter().map(|(name, kind)| json!({ "name": name, "req": "^0.1.0", "kind": kind })).collect();
        json!({ "name": name, "version": "0.1.0", "manifest_path": format!("/w/{name}/Cargo.toml"), "dependencies": needs })
    }

    fn ordered(packages: &[Value]) -> Result<Vec<String>> {
        let packages = layers::packages(&json!({ "packages": packages }))?;
        Ok(order(packages)?.into_iter().map(|package| package.name).collect())
    }

    #[test]
    fn what_is_needed_comes_first() {
        let all = [
            package("segment-unify", &[("segment-http", None), ("segment-core", None), ("serde", None)]),
            package("segment-http", &[("segment-core", None), ("segment-mock", Some("dev"))]),
            package("segment-core", &[("segment-core", Some("dev"))]),
            package("segment-mock", &[]),
        ];
        assert_eq!(ordered(&all).unwrap(), ["segment-core", "segment-http", "segment-unify", "segment-mock"]);
    }

    #[test]
    fn a_build_dependency_comes_first_too() {
        let all = [package("b", &[("a", Some("build"))]), package("a", &[])];
        assert_eq!(ordered(&all).unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_circle_is_named() {
        let all = [package("a", &[("b", None)]), package("b", &[("a", None)]), package("c", &[])];
        assert!(ordered(&all).unwrap_err().to_string().starts_with("a, b need each other"));
    }
}
