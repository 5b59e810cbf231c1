//! Runs the programs of the workspace.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{db, environment, process};

/// What crates/harness offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Harness {
    E2e,
    Bench,
}

pub(crate) fn demo(args: &[OsString]) -> Result<()> {
    process::run(process::cargo_here().args(["run", "-p", "segment-privacy", "--quiet", "--", "demo"]).args(args))
}

pub(crate) fn mock(args: &[OsString]) -> Result<()> {
    process::run(process::cargo_here().args(["run", "-p", "segment-mock", "--"]).args(args))
}

/// Builds the binaries, starts a database when that is possible, and runs the harness with both.
pub(crate) fn harness(what: Harness, args: &[OsString]) -> Result<()> {
    let (binary, profile): (_, &[&str]) = match what {
        Harness::E2e => ("e2e", &[]),
        Harness::Bench => ("bench", &["--release"]),
    };
    let folder = build(profile)?;
    let mut command = process::cargo();
    command.args(["run", "-p", "harness", "--bin", binary]).args(profile).arg("--").args(args);
    command.env(environment::BIN_DIR, folder);
    let postgres = db::Postgres::for_tests()?;
    if let Some(postgres) = &postgres {
        command.env(environment::TEST_POSTGRES, postgres.url());
    }
    let mortal = if matches!(what, Harness::E2e) { db::Postgres::mortal()? } else { None };
    if let Some(mortal) = &mortal {
        command.env(environment::TEST_MORTAL_POSTGRES, mortal.again());
    }
    let mariadb = if matches!(what, Harness::E2e) { db::MariaDb::for_tests()? } else { None };
    if let Some(mariadb) = &mariadb {
        command.env(environment::TEST_MYSQL, mariadb.url());
    }
    process::run(&mut command)
}

/// Builds what the harness starts and returns the folder that holds the binaries, as cargo reports it: it depends
/// on the profile and on `CARGO_BUILD_TARGET`.
fn build(profile: &[&str]) -> Result<PathBuf> {
    let mut command = process::cargo();
    command.args(["build", "-p", "segment-privacy", "-p", "segment-mock", "--bins"]).args(profile);
    command.args(["--message-format", "json-render-diagnostics"]);
    folder_of_binaries(&process::stdout(&mut command)?)
}

fn folder_of_binaries(messages: &str) -> Result<PathBuf> {
    let built: Vec<PathBuf> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .collect();
    for name in ["segment-privacy", "segment-mock"] {
        let found = built.iter().any(|file| file.file_stem().is_some_and(|stem| stem == name));
        ensure!(found, "cargo built no binary `{name}`: has its crate a src/main.rs or a [[bin]] of this name?");
    }
    let folder = built.first().and_then(|file| file.parent()).context("cargo built no binary")?;
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_taken_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","executable":"/t/debug/segment-mock"}"#,
            "\n",
            r#"{"reason":"compiler-artifact","executable":"/t/debug/segment-privacy"}"#,
            "\n",
        );
        assert_eq!(folder_of_binaries(messages).unwrap(), PathBuf::from("/t/debug"));
    }

    #[test]
    fn a_missing_binary_is_named() {
        let messages = r#"{"executable":"/t/debug/segment-mock"}"#;
        assert!(folder_of_binaries(messages).unwrap_err().to_string().contains("`segment-privacy`"));
    }
}
