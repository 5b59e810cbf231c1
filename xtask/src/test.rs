//! All tests, with a database for those that need one.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::{db, environment, process, ui};

pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let postgres = db::Postgres::for_tests()?;
    let mariadb = db::MariaDb::for_tests()?;
    let with_database = |command: &mut Command| {
        if let Some(postgres) = &postgres {
            command.env(environment::TEST_POSTGRES, postgres.url());
        }
        if let Some(mariadb) = &mariadb {
            command.env(environment::TEST_MYSQL, mariadb.url());
        }
        process::run(command)
    };
    if process::find("cargo-nextest").is_none() {
        ui::note("cargo-nextest is not installed: using cargo test");
        return with_database(process::cargo().arg("test").args(selection(args)).args(args));
    }
    with_database(process::cargo().args(["nextest", "run"]).args(selection(args)).args(args))?;
    if !args.is_empty() {
        return Ok(());
    }
    with_database(process::cargo().args(["test", "--workspace", "--all-features", "--doc"]))
}

/// All packages with all features, unless the arguments choose.
fn selection(args: &[OsString]) -> Vec<&'static str> {
    let given = |names: &[&str]| {
        args.iter()
            .any(|arg| names.iter().any(|name| arg == name || arg.to_string_lossy().starts_with(&format!("{name}="))))
    };
    let mut flags = Vec::new();
    if !given(&["-p", "--package"]) {
        flags.push("--workspace");
    }
    if !given(&["--features", "--no-default-features"]) {
        flags.push("--all-features");
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &[&str], expected: &[&str]) {
        let args: Vec<_> = args.iter().map(OsString::from).collect();
        assert_eq!(selection(&args), expected);
    }

    #[test]
    fn arguments_narrow_the_selection() {
        check(&[], &["--workspace", "--all-features"]);
        check(&["-p", "segment-core"], &["--all-features"]);
        check(&["--package=segment-core", "--no-default-features"], &[]);
        check(&["lifecycle"], &["--workspace", "--all-features"]);
    }
}
