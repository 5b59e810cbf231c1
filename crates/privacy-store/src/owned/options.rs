//! Limits on what a look-up may cost the customer's database.

use std::time::Duration;

/// Limits on what a look-up may cost the customer's database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnedOptions {
    /// How long one query may take.
    pub statement_timeout: Duration,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How many rows one step of a look-up reads before the answer counts as truncated.
    pub max_rows: usize,
    /// How many rows of one person are read of one collection before its answer counts as cut.
    pub max_rows_of_a_person: usize,
    /// How many connections are open at most.
    pub max_connections: u32,
}

impl OwnedOptions {
    /// How long one query may take (10 s).
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How long to wait for a connection (5 s).
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How many rows one step of a look-up reads (10,000).
    #[must_use]
    pub fn with_max_rows(mut self, rows: usize) -> Self {
        self.max_rows = rows;
        self
    }

    /// How many rows of one person are read of one collection (250,000).
    #[must_use]
    pub fn with_max_rows_of_a_person(mut self, rows: usize) -> Self {
        self.max_rows_of_a_person = rows;
        self
    }

    /// How many connections are open at most (4).
    #[must_use]
    pub fn with_max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections;
        self
    }
}

impl Default for OwnedOptions {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            max_rows: 10_000,
            max_rows_of_a_person: 250_000,
            max_connections: 4,
        }
    }
}
