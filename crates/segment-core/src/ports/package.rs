//! Where an access package goes.

use async_trait::async_trait;
use thiserror::Error;

use crate::{NewPackage, PackageReceipt, Records, RequestId};

/// Writes the package that a person receives.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait PackageSink: Send + Sync + std::fmt::Debug {
    /// Begins a package. Until [`PackageWriter::finish`] nothing of it is visible at the destination; dropping the writer
    /// leaves nothing behind.
    async fn begin(&self, package: NewPackage) -> Result<Box<dyn PackageWriter>, PackageError>;

    /// Checks that the destination can be written; the answer describes it, such as `folder packages`.
    async fn check(&self) -> Result<String, PackageError>;

    /// Where a package of a request is, or would be, encrypted or not: one may be there of which the record does not know.
    fn locations(&self, request: &RequestId) -> Vec<String>;

    /// Deletes a finished package; one that is not there is deleted.
    async fn remove(&self, location: &str) -> Result<(), PackageError>;
}

/// A package in the making. Collections may be written side by side; the records of one keep their order.
#[async_trait]
pub trait PackageWriter: Send + Sync + std::fmt::Debug {
    /// Adds records to a collection, which begins with its first call: `source` is a connection or dataset key,
    /// `collection` a name such as `traits`. An empty collection is begun by a call without records.
    async fn append(&self, source: &str, collection: &str, records: Records) -> Result<(), PackageError>;

    /// Says that a collection has a hole, and why; the manifest labels it.
    async fn incomplete(&self, source: &str, collection: &str, reason: &str) -> Result<(), PackageError>;

    /// Adds a sentence on what is not in the package.
    async fn limit(&self, sentence: &str) -> Result<(), PackageError>;

    /// Writes the package as a whole and makes it visible.
    async fn finish(self: Box<Self>) -> Result<PackageReceipt, PackageError>;
}

/// Why a package could not be written. Messages hold no values of people.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackageError {
    /// It cannot be encrypted for its recipient: a sentence that does not show who that is.
    #[error("the package cannot be encrypted for its recipient: {0}")]
    Recipient(String),
    /// The staging area or the destination cannot be written: full, read-only, not there.
    #[error("cannot write {what}")]
    Write {
        /// what could not be written, such as `the package` or `the staging file`
        what: &'static str,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The destination is not one that is understood.
    #[error("{0}")]
    Destination(String),
}
