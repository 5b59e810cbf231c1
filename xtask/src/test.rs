//! All tests, with a database for those that need one.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Result;

use crate::{db, environment, process, ui};

/// The servers that tests need, for as long as this lives; none where none is installed, which was said loudly.
#[derive(Debug)]
pub(crate) struct Databases {
    postgres: Option<db::Postgres>,
    mariadb: Option<db::MariaDb>,
}

impl Databases {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self { postgres: db::Postgres::for_tests()?, mariadb: db::MariaDb::for_tests()? })
    }

    /// Runs a command that finds them.
    pub(crate) fn run(&self, command: &mut Command) -> Result<()> {
        if let Some(postgres) = &self.postgres {
            command.env(environment::TEST_POSTGRES, postgres.url());
        }
        if let Some(mariadb) = &self.mariadb {
            command.env(environment::TEST_MYSQL, mariadb.url());
        }
        process::run(command)
    }
}

pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let databases = Databases::start()?;
    if process::find("cargo-nextest").is_none() {
        ui::note("cargo-nextest is not installed: using cargo test");
        return databases.run(process::cargo().arg("test").args(selection(args)).args(args));
    }
    databases.run(process::cargo().args(["nextest", "run"]).args(selection(args)).args(args))?;
    if !args.is_empty() {
        return Ok(());
    }
    databases.run(process::cargo().args(["test", "--workspace", "--all-features", "--doc"]))
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
