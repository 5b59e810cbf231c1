//! Segment's own TypeScript SDK drives the mock through every deletion operation that both have.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};
use segment_mock::{Endpoint, MockConfig, MockSegment};
use serde_json::Value;

use crate::{
    assert::same,
    context::{Api, Context, Records, clean_environment},
    scenario::{Outcome, scenarios},
};

scenarios! {
    /// Segment's official TypeScript SDK creates, reads and lists regulations and suppressions at the mock
    official_sdk,
}

const PACKAGE: &str = include_str!("../../official-sdk/package.json");
const DRIVER: &str = include_str!("../../official-sdk/drive.cjs");

fn official_sdk(context: &Context) -> Result<Outcome> {
    if context.api() == Api::Config || context.records() == Records::Postgres {
        return Ok(Outcome::NotHere);
    }
    let folder = tempfile::Builder::new().prefix("segment-privacy-sdk-").tempdir()?;
    std::fs::write(folder.path().join("package.json"), PACKAGE)?;
    std::fs::write(folder.path().join("drive.cjs"), DRIVER)?;
    if let Some(why) = install(folder.path())? {
        return Ok(Outcome::Skipped(why));
    }
    let mock = MockSegment::start(MockConfig::new())?;
    let driven = node(folder.path(), &mock)?;
    ensure!(driven.status.success(), "the SDK's script failed: {}", text(&driven));
    let done: Value = serde_json::from_slice(&driven.stdout).with_context(|| text(&driven))?;
    let operations: Vec<_> = done["operations"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    same(
        "what the SDK did",
        &operations,
        &vec![
            "getWorkspace",
            "createWorkspaceRegulation",
            "createSourceRegulation",
            "createCloudSourceRegulation",
            "getRegulation",
            "listWorkspaceRegulations",
            "listRegulationsFromSource",
            "listSuppressions",
        ],
    )?;
    holds(&mock)?;
    Ok(Outcome::Cases(operations.len()))
}

/// What the mock holds after the SDK has driven it.
fn holds(mock: &MockSegment) -> Result<()> {
    let seen: Vec<_> = mock
        .regulations()
        .into_iter()
        .map(|one| (one.regulation_type, one.subjects, one.source_id.is_some(), one.collection))
        .collect();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let expected = vec![
        ("SUPPRESS_WITH_DELETE".to_owned(), owned(&["sdk-1", "sdk-2"]), false, None),
        ("SUPPRESS_ONLY".to_owned(), owned(&["sdk-3"]), true, None),
        ("DELETE_ONLY".to_owned(), owned(&["object-1"]), true, Some("users".to_owned())),
    ];
    same("the mock's regulations", &seen, &expected)?;
    for endpoint in [
        Endpoint::Workspace,
        Endpoint::GetRegulation,
        Endpoint::ListRegulations,
        Endpoint::ListSourceRegulations,
        Endpoint::ListSuppressions,
    ] {
        ensure!(!mock.requests_to(endpoint).is_empty(), "{endpoint:?} was never asked");
    }
    Ok(())
}

/// Installs the pinned SDK; the reason when that cannot be done here.
fn install(folder: &Path) -> Result<Option<String>> {
    for program in ["node", "npm"] {
        if !Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success()) {
            return Ok(Some(format!("{program} is not installed")));
        }
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]);
    npm.args(["--fetch-retries", "1", "--fetch-timeout", "60000"]).current_dir(folder);
    let output = npm.output().context("npm cannot be started")?;
    if output.status.success() {
        return Ok(None);
    }
    let why = text(&output);
    ensure!(!why.contains("EJSONPARSE"), "package.json is broken: {why}");
    Ok(Some(format!("npm could not install the SDK: {}", why.lines().next().unwrap_or_default())))
}

fn node(folder: &Path, mock: &MockSegment) -> Result<Output> {
    let mut node = Command::new("node");
    let script: PathBuf = folder.join("drive.cjs");
    node.arg(script).arg(mock.url()).arg(&mock.source_ids()[0]).current_dir(folder);
    // The token goes by the environment, as it would with a real one.
    node.env_clear().envs(clean_environment()).env("TOKEN", mock.public_token());
    node.output().context("node cannot be started")
}

fn text(output: &Output) -> String {
    let all = [output.stderr.as_slice(), output.stdout.as_slice()].concat();
    String::from_utf8_lossy(&all).chars().take(4_000).collect()
}
