//! The only place of xtask that reads the environment.

/// The server that PostgreSQL tests use.
pub(crate) const TEST_POSTGRES: &str = "SEGMENT_PRIVACY_TEST_POSTGRES";

/// A PostgreSQL server that may be killed: as JSON its URL, the file of its process id, and the command that starts it again.
pub(crate) const TEST_MORTAL_POSTGRES: &str = "SEGMENT_PRIVACY_TEST_MORTAL_POSTGRES";

/// The server that MySQL tests use.
pub(crate) const TEST_MYSQL: &str = "SEGMENT_PRIVACY_TEST_MYSQL";

/// The folder of the binaries that the harness starts.
pub(crate) const BIN_DIR: &str = "SEGMENT_PRIVACY_BIN_DIR";

/// A variable that is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "xtask is configured by the environment of cargo and of CI, read here only"
)]
pub(crate) fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether this runs in continuous integration, where nothing may be skipped.
pub(crate) fn is_ci() -> bool {
    var("CI").is_some_and(|value| value == "true" || value == "1")
}
