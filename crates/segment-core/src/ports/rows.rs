//! The owned databases: a person's rows, to be handed out and to be masked.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::{DirectoryCheck, DirectoryError, PackageError, PackageWriter};
use crate::{ConnectionKey, DatasetRows, MaskOrder, MaskReport, RowStep, RowTrace, Subject};

/// Reads a person's rows in all owned databases, along the references of their datasets. Never writes.
#[async_trait]
pub trait SubjectRows: Send + Sync + std::fmt::Debug {
    /// Copies the rows of the databases that are `wanted` into a package, as they come: sources are datasets, records are objects of
    /// columns. Rows of the other databases only lead on. What could not be read is a hole of the answer; an error is the package's.
    async fn copy(
        &self,
        subject: &Subject,
        wanted: &BTreeSet<ConnectionKey>,
        writer: &dyn PackageWriter,
    ) -> Result<Vec<DatasetRows>, PackageError>;

    /// Counts the rows that masking would change, in the databases that are masked.
    async fn preview(&self, subject: &Subject) -> Result<Vec<DatasetRows>, DirectoryError>;

    /// The look-ups of one database, in their order.
    async fn steps(&self, dataset: &ConnectionKey) -> Result<Vec<RowStep>, DirectoryError>;

    /// Compares one dataset with the live tables, and what is to be masked with what their columns can hold. A failed check is
    /// an answer, not an error.
    async fn describe(&self, dataset: &ConnectionKey) -> Vec<DirectoryCheck>;
}

/// Masks a person's rows in the owned databases.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SubjectMasker: Send + Sync + std::fmt::Debug {
    /// How the rows in each database that is masked are found again once rows in others are masked. To be stored before the first
    /// masking begins.
    async fn trace(&self, subject: &Subject) -> Result<BTreeMap<ConnectionKey, RowTrace>, DirectoryError>;

    /// Masks the rows of one database in one transaction, and leaves it open.
    async fn begin(&self, order: &MaskOrder) -> Result<Begun, DirectoryError>;
}

/// What has become of the beginning of a masking.
#[derive(Debug)]
#[non_exhaustive]
pub enum Begun {
    /// It was committed before: one of the order's marks is there.
    Before,
    /// It is done, and waits to be committed.
    Open(Box<dyn Masking>),
}

/// A masking that is not committed yet; dropped, it is rolled back.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Masking: Send + Sync + std::fmt::Debug {
    /// What it does.
    fn report(&self) -> &MaskReport;

    /// Makes it last. After an error it may have been committed or not: the next beginning finds out by the marks.
    async fn commit(self: Box<Self>) -> Result<(), DirectoryError>;
}
