//! The ports: a person's rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use privacy_dataset::Traversal;
use segment_core::{
    ConnectionKey, DatasetRows, MaskOrder, RowStep, RowTrace, Subject,
    ports::{Begun, DirectoryCheck, DirectoryError, PackageError, PackageWriter, Random, SubjectMasker, SubjectRows},
};

use super::{copy, describe, mask, survey, values::Values};
use crate::owned::{OwnedDatabases, directory::with_cause};

/// A person's rows in the owned databases.
pub struct OwnedRows {
    pub(super) databases: Arc<OwnedDatabases>,
    random: Arc<dyn Random>,
}

impl OwnedRows {
    /// The rows in these databases. `random` makes the values of `random_string_rewrite`.
    #[must_use]
    pub fn new(databases: Arc<OwnedDatabases>, random: Arc<dyn Random>) -> Self {
        Self { databases, random }
    }

    /// How the rows of a person are found, by what is known of the person.
    fn plan(&self, subject: &Subject) -> Result<Traversal, DirectoryError> {
        let known = |key: &ConnectionKey| subject.user_ids.get(key).is_some_and(|ids| !ids.is_empty());
        let targets: BTreeSet<_> =
            self.databases.targets.iter().filter(|(key, _)| known(key)).map(|(_, field)| field.clone()).collect();
        let targets: Vec<_> = targets.into_iter().collect();
        Traversal::new(&self.databases.datasets, &Values::kinds(subject), &targets)
            .map_err(|error| DirectoryError::Schema(with_cause(&error)))
    }
}

impl fmt::Debug for OwnedRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedRows").field("databases", &self.databases).finish_non_exhaustive()
    }
}

#[async_trait]
impl SubjectRows for OwnedRows {
    #[tracing::instrument(name = "owned.copy", skip_all)]
    async fn copy(
        &self,
        subject: &Subject,
        wanted: &BTreeSet<ConnectionKey>,
        writer: &dyn PackageWriter,
    ) -> Result<Vec<DatasetRows>, PackageError> {
        self.databases.forget();
        match self.plan(subject) {
            Ok(plan) => copy::copy(&self.databases, &plan, subject, wanted, writer).await,
            Err(error) => {
                // Nothing of it can be read: each database says so.
                let reason = with_cause(&error);
                let broken = |key: &ConnectionKey| DatasetRows {
                    holes: [(key.as_str().to_owned(), reason.clone())].into(),
                    ..copy::nothing(key)
                };
                Ok(wanted.iter().map(broken).collect())
            }
        }
    }

    #[tracing::instrument(name = "owned.preview", skip_all)]
    async fn preview(&self, subject: &Subject) -> Result<Vec<DatasetRows>, DirectoryError> {
        self.databases.forget();
        let plan = self.plan(subject)?;
        let mut values = Values::new(subject, &self.databases.targets, None);
        survey::preview(&self.databases, &plan, &mut values).await
    }

    #[tracing::instrument(name = "owned.steps", skip_all, fields(%dataset))]
    async fn steps(&self, dataset: &ConnectionKey) -> Result<Vec<RowStep>, DirectoryError> {
        describe::steps(&self.databases, dataset).await
    }

    #[tracing::instrument(name = "owned.describe_rows", skip_all, fields(%dataset))]
    async fn describe(&self, dataset: &ConnectionKey) -> Vec<DirectoryCheck> {
        describe::checks(&self.databases, dataset).await
    }
}

#[async_trait]
impl SubjectMasker for OwnedRows {
    #[tracing::instrument(name = "owned.trace", skip_all)]
    async fn trace(&self, subject: &Subject) -> Result<BTreeMap<ConnectionKey, RowTrace>, DirectoryError> {
        self.databases.forget();
        let plan = self.plan(subject)?;
        let mut values = Values::new(subject, &self.databases.targets, None);
        survey::traces(&self.databases, &plan, &mut values).await
    }

    #[tracing::instrument(name = "owned.mask", skip_all, fields(dataset = %order.dataset))]
    async fn begin(&self, order: &MaskOrder) -> Result<Begun, DirectoryError> {
        self.databases.forget();
        let plan = self.plan(&order.subject)?;
        mask::begin(&self.databases, &plan, order, self.random.as_ref()).await
    }
}
