use std::path::Path;

use serde_json::{Value, json};

use super::table::LAYERS;
use super::{absent, edges, manifest, package};

fn dependency(name: &str, requirement: &str, kind: Option<&str>) -> Value {
    json!({ "name": name, "req": requirement, "kind": kind })
}

fn normal(name: &str) -> Value {
    dependency(name, "^0.1.0", None)
}

fn crate_of(name: &str, dependencies: &[Value]) -> Value {
    json!({
        "name": name,
        "version": "0.1.0",
        "manifest_path": format!("/w/crates/{name}/Cargo.toml"),
        "publish": null,
        "dependencies": dependencies,
        "description": "d",
        "license": "MIT",
        "repository": "r",
        "rust_version": "1.95",
        "readme": "README.md",
        "targets": [{ "kind": ["lib"] }, { "kind": ["test"] }],
    })
}

fn problems(crates: &[Value]) -> Vec<String> {
    let packages = package::packages(&json!({ "packages": crates })).unwrap();
    let mut problems = edges::check(&packages);
    problems.extend(manifest::check(&packages, |file| file.ends_with("README.md")));
    problems
}

#[track_caller]
fn check(crates: &[Value], expected: &[&str]) {
    let problems = problems(crates);
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(expected) {
        assert!(problem.starts_with(start), "{problem}\ndoes not start with\n{start}");
    }
}

#[test]
fn the_allowed_edges_pass() {
    check(
        &[
            crate_of("segment-core", &[]),
            crate_of("segment-http", &[normal("segment-core"), normal("reqwest")]),
            crate_of("segment-unify", &[normal("segment-core"), normal("segment-http")]),
            crate_of("segment-privacy", &[normal("segment-http"), normal("segment-unify")]),
        ],
        &[],
    );
}

#[test]
fn a_new_edge_is_named() {
    let core = crate_of("segment-core", &[normal("privacy-engine")]);
    let engine = crate_of("privacy-engine", &[normal("segment-core")]);
    check(&[core, engine], &["segment-core → privacy-engine: a new edge"]);
}

#[test]
fn a_build_dependency_is_an_edge_too() {
    let mock = crate_of("segment-mock", &[dependency("segment-core", "^0.1.0", Some("build"))]);
    check(&[crate_of("segment-core", &[]), mock], &["segment-mock → segment-core: a new edge"]);
}

#[test]
fn the_composition_root_uses_no_crate_of_development() {
    let mut harness = crate_of("harness", &[normal("anything")]);
    harness["publish"] = json!([]);
    let root = crate_of("segment-privacy", &[normal("harness")]);
    check(
        &[harness, root],
        &["segment-privacy → harness: a new edge", "segment-privacy → harness: harness is not published"],
    );
}

#[test]
fn an_unknown_crate_is_named() {
    check(&[crate_of("segment-extras", &[])], &["segment-extras: unknown crate"]);
}

#[test]
fn an_unused_allowance_is_named_once_both_crates_exist() {
    let engine = crate_of("privacy-engine", &[]);
    check(std::slice::from_ref(&engine), &[]);
    let expected = "privacy-engine → segment-core: allowed but unused";
    check(&[crate_of("segment-core", &[]), engine], &[expected]);
}

#[test]
fn libraries_have_keepers() {
    let core = crate_of("segment-core", &[normal("sqlx")]);
    check(&[core], &["segment-core names sqlx: only privacy-store may"]);
    let mock = crate_of("segment-mock", &[normal("reqwest")]);
    check(&[mock], &["segment-mock names reqwest: only segment-http"]);
    let mock = crate_of("segment-mock", &[dependency("reqwest", "^0.13", Some("dev"))]);
    check(&[mock], &[]);
}

#[test]
fn siblings_are_lock_step_and_path_only_in_tests() {
    let core = crate_of("segment-core", &[]);
    let loose = crate_of("segment-http", &[dependency("segment-core", "*", None)]);
    check(&[core.clone(), loose], &["segment-http → segment-core: requires `*`, not `^0.1.0`"]);
    let mock = |requirement| crate_of("segment-mock", &[dependency("segment-core", requirement, Some("dev"))]);
    check(&[core.clone(), mock("^0.1.0")], &["segment-mock: dev-dependency segment-core has a version"]);
    check(&[core, mock("*")], &[]);
}

#[test]
fn a_published_manifest_is_complete() {
    let mut core = crate_of("segment-core", &[]);
    core["description"] = Value::Null;
    core["rust_version"] = Value::Null;
    core["readme"] = json!("docs/front.md");
    check(
        &[core.clone()],
        &["segment-core: no `description`", "segment-core: no `rust-version`", "segment-core: no docs/front.md"],
    );
    core["publish"] = json!([]);
    check(&[core], &[]);
}

#[test]
fn a_forbidden_library_is_found_however_deep_by_its_whole_name() {
    let core = &LAYERS[0];
    let clean = "segment-core v0.1.0 (/w/crates/segment-core)\ntokio-util v0.7.0\n";
    assert!(absent::present(core, clean).is_empty());
    let problems = absent::present(core, &format!("{clean}tokio v1.54.1\n"));
    assert!(problems[0].starts_with("tokio is below segment-core"), "{problems:?}");
}

#[test]
fn a_library_is_one_by_its_target() {
    let mut binary = crate_of("segment-privacy", &[]);
    binary["targets"] = json!([{ "kind": ["bin"] }]);
    let packages = package::packages(&json!({ "packages": [crate_of("segment-core", &[]), binary] })).unwrap();
    assert_eq!(packages.iter().map(|package| package.is_library).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn the_folder_is_that_of_the_manifest() {
    let metadata = json!({ "packages": [crate_of("segment-core", &[])] });
    assert_eq!(package::packages(&metadata).unwrap()[0].folder, Path::new("/w/crates/segment-core"));
}
