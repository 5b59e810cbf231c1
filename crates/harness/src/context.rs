//! What all scenarios share: the binary under test and the servers that are there.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::environment::var;

/// The folder of the built binaries, set by `cargo xtask e2e`.
const BIN_DIR: &str = "SEGMENT_PRIVACY_BIN_DIR";
/// A PostgreSQL server for owned databases, set by `cargo xtask e2e` where one is installed.
const TEST_POSTGRES: &str = "SEGMENT_PRIVACY_TEST_POSTGRES";
const TEST_MYSQL: &str = "SEGMENT_PRIVACY_TEST_MYSQL";
/// A PostgreSQL server that may be killed, and how it is started again.
const TEST_MORTAL_POSTGRES: &str = "SEGMENT_PRIVACY_TEST_MORTAL_POSTGRES";

/// Which of Segment's APIs of regulations is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Api {
    /// The current one.
    Public,
    /// The legacy one.
    Config,
}

impl Api {
    /// Its name in a configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Config => "config",
        }
    }
}

/// Where the record database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[non_exhaustive]
pub enum Records {
    /// In a file.
    Sqlite,
    /// On a server.
    Postgres,
}

impl Records {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// One column of the matrix: an API of Segment's, and a kind of record database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) api: Api,
    pub(crate) records: Records,
}

impl Column {
    /// What users have who change nothing comes first.
    pub(crate) const ALL: [Self; 4] = [
        Self { api: Api::Public, records: Records::Sqlite },
        Self { api: Api::Config, records: Records::Sqlite },
        Self { api: Api::Public, records: Records::Postgres },
        Self { api: Api::Config, records: Records::Postgres },
    ];

    pub(crate) fn name(self) -> String {
        format!("{} {}", self.api.name(), self.records.name())
    }
}

/// What a scenario is given.
#[derive(Debug, Clone)]
pub struct Context {
    binary: PathBuf,
    postgres: Option<String>,
    mysql: Option<String>,
    mortal: Option<String>,
    column: Column,
}

impl Context {
    /// Finds the binary: in the folder that the environment names, else beside this program.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn from_environment() -> Result<Self> {
        let folder = match var(BIN_DIR) {
            Some(folder) => PathBuf::from(folder),
            None => std::env::current_exe()?.parent().context("this program is in no folder")?.to_owned(),
        };
        let binary = folder.join(format!("segment-privacy{}", std::env::consts::EXE_SUFFIX));
        ensure!(
            binary.is_file(),
            "there is no {}: run `cargo xtask e2e`, or set {BIN_DIR} to the folder of the built binaries",
            binary.display()
        );
        Ok(Self {
            binary,
            postgres: var(TEST_POSTGRES),
            mysql: var(TEST_MYSQL),
            mortal: var(TEST_MORTAL_POSTGRES),
            column: Column::ALL[0],
        })
    }

    /// The binary under test.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The same in another column of the matrix.
    pub(crate) fn on(&self, column: Column) -> Self {
        Self { column, ..self.clone() }
    }

    pub(crate) fn column(&self) -> Column {
        self.column
    }

    /// The API that is rehearsed.
    #[must_use]
    pub fn api(&self) -> Api {
        self.column.api
    }

    /// Where the record database is.
    #[must_use]
    pub fn records(&self) -> Records {
        self.column.records
    }

    /// A PostgreSQL server, where there is one.
    #[must_use]
    pub fn postgres(&self) -> Option<&str> {
        self.postgres.as_deref()
    }

    /// A PostgreSQL server that may be killed, where there is one.
    pub(crate) fn mortal(&self) -> Option<&str> {
        self.mortal.as_deref()
    }

    /// The same with another PostgreSQL server.
    pub(crate) fn with_postgres(&self, url: &str) -> Self {
        Self { postgres: Some(url.to_owned()), ..self.clone() }
    }

    /// A MySQL or MariaDB server, where there is one.
    #[must_use]
    pub fn mysql(&self) -> Option<&str> {
        self.mysql.as_deref()
    }
}

/// What the started processes get of the environment, and nothing else.
pub(crate) fn clean_environment() -> Vec<(&'static str, String)> {
    ["PATH", "HOME"].into_iter().filter_map(|name| Some((name, var(name)?))).collect()
}
