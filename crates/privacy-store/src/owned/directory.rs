//! The port [`SubjectDirectory`] over the customer's tables.

use std::{collections::HashSet, fmt};

use async_trait::async_trait;
use privacy_dataset::{Dataset, FieldRef, LookupPlan, PlanError};
use secrecy::{ExposeSecret, SecretString};
use segment_core::{
    Identity, IdentityKind, Pii,
    ports::{DirectoryAnswer, DirectoryCheck, DirectoryError, SubjectDirectory},
};

use super::{
    OwnedError, OwnedOptions,
    database::Database,
    describe,
    lookup::{Live, Lookup},
    mysql::MySql,
    postgres::Postgres,
    sqlite::Sqlite,
};

/// Finds a person's Segment user ids in the customer's own tables. Reads only.
pub struct OwnedDirectory {
    pub(super) key: String,
    pub(super) datasets: Vec<Dataset>,
    pub(super) target: FieldRef,
    pub(super) live: Live,
    options: OwnedOptions,
}

impl OwnedDirectory {
    /// The directory at `url` (`sqlite://path`, `postgres://…`, or `mysql://…` for MySQL and MariaDB), whose tables `datasets`
    /// describe, and where `target` holds the Segment user ids. No connection is opened yet;
    /// [`describe`](SubjectDirectory::describe) tries one. Relative paths are relative to the working directory.
    ///
    /// `key` names the dataset in the configuration. Where the file has one dataset, `target` may name it by that key.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect(
        url: &SecretString,
        key: &str,
        datasets: Vec<Dataset>,
        target: FieldRef,
        options: OwnedOptions,
    ) -> Result<Self, OwnedError> {
        // Exposed to be parsed; errors hold none of it.
        let text = url.expose_secret();
        let opened: Result<Box<dyn Database>, _> = if text.starts_with("sqlite:") {
            Sqlite::open(text, &options).map(|sqlite| Box::new(sqlite) as _)
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Postgres::open(text, &options).map(|postgres| Box::new(postgres) as _)
        } else if text.starts_with("mysql://") || text.starts_with("mariadb://") {
            MySql::open(text, &options).map(|mysql| Box::new(mysql) as _)
        } else {
            return Err(OwnedError::UnsupportedScheme { dataset: key.to_owned() });
        };
        let database = opened.map_err(|problem| OwnedError::Url { dataset: key.to_owned(), problem })?;
        let target = match datasets.as_slice() {
            [only] if target.dataset() == key => target.in_dataset(&only.fides_key),
            _ => target,
        };
        Ok(Self { key: key.to_owned(), datasets, target, live: Live::new(database), options })
    }

    pub(super) fn plan(&self, kind: &IdentityKind) -> Result<Option<LookupPlan>, PlanError> {
        LookupPlan::new(&self.datasets, &self.target, kind)
    }
}

/// Without the database, whose URL can hold a password.
impl fmt::Debug for OwnedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedDirectory").field("key", &self.key).field("target", &self.target).finish_non_exhaustive()
    }
}

#[async_trait]
impl SubjectDirectory for OwnedDirectory {
    #[tracing::instrument(name = "owned.user_ids", skip_all, fields(dataset = %self.key, kind = %identity.kind()))]
    async fn user_ids(&self, identity: &Identity, limit: usize) -> Result<DirectoryAnswer, DirectoryError> {
        let Some(plan) = self.plan(identity.kind()).map_err(|error| DirectoryError::Schema(with_cause(&error)))? else {
            return Ok(DirectoryAnswer::default());
        };
        let spellings = spellings(identity);
        let mut lookup = Lookup::new(&self.live, self.options.max_rows);
        let mut answer = DirectoryAnswer { searched: true, ..DirectoryAnswer::default() };
        let mut seen = HashSet::new();
        for route in plan.routes() {
            for user_id in lookup.follow(route, &spellings, *identity.kind() == IdentityKind::Email).await? {
                if seen.insert(user_id.clone()) {
                    answer.user_ids.push(Pii::new(user_id));
                }
            }
            if answer.user_ids.len() > limit {
                break;
            }
        }
        answer.mismatched = lookup.mismatched;
        answer.truncated = lookup.truncated || answer.user_ids.len() > limit;
        answer.user_ids.truncate(limit);
        Ok(answer)
    }

    #[tracing::instrument(name = "owned.describe", skip_all, fields(dataset = %self.key))]
    async fn describe(&self) -> Vec<DirectoryCheck> {
        describe::checks(self).await
    }
}

/// As given and, for e-mail, in lower case.
fn spellings(identity: &Identity) -> Vec<String> {
    // Exposed to become a bind parameter.
    let given = identity.value().expose().clone();
    let lower = given.to_ascii_lowercase();
    if *identity.kind() == IdentityKind::Email && lower != given { vec![given, lower] } else { vec![given] }
}

/// A plan's error with the error below it; there are no values in either.
pub(super) fn with_cause(error: &PlanError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
