//! What the databases that are servers share.

use std::time::Duration;

use super::{OwnedOptions, error::DbError};

/// Added to the server's own timeout, so that the server's answer comes first.
const GRACE: Duration = Duration::from_secs(2);

/// How long a server is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) statement: Duration,
}

impl Limits {
    pub(crate) fn of(options: &OwnedOptions) -> Self {
        Self { connect: options.connect_timeout, statement: options.statement_timeout }
    }

    pub(crate) async fn keep<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, DbError> {
        match tokio::time::timeout(self.connect + self.statement + GRACE, work).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(DbError::TimedOut),
        }
    }

    /// The same, in a transaction that writes.
    pub(crate) async fn keep_writer<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>> + Send,
    ) -> Result<T, DbError> {
        self.keep(work).await.map_err(DbError::of_a_writer)
    }

    /// How long a transaction that writes waits for rows that others hold: not so long that it would seem to be slow itself.
    pub(crate) fn lock(&self) -> Duration {
        self.statement / 2
    }
}

/// Refuses a URL with a parameter that `is_known` does not know. Drivers pass over those, some with a warning that shows the
/// value, and a misspelt `sslmode` would be passed over, too.
pub(crate) fn check_parameters(url: &str, is_known: impl Fn(&str) -> bool) -> Result<(), &'static str> {
    let parameters = url.split_once('?').map_or("", |(_, query)| query);
    let keys = parameters.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    if keys.filter(|key| !key.is_empty()).all(is_known) {
        Ok(())
    } else {
        Err("it has a parameter that is not known (a ? or & inside the password is written %3F or %26)")
    }
}
