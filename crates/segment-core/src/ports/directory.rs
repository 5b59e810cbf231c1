//! The owned database: who is it, by the customer's own tables.

use std::collections::BTreeSet;

use async_trait::async_trait;
use thiserror::Error;

use crate::{Identity, IdentityKind, Pii, RowStep};

/// Finds a person's Segment user ids in the customer's own tables.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SubjectDirectory: Send + Sync + std::fmt::Debug {
    /// Every Segment user id that the tables know for one identity, from the collections that hold such an identity
    /// along the references to the configured field. At most `limit` are returned, then `truncated` is set.
    async fn user_ids(&self, identity: &Identity, limit: usize) -> Result<DirectoryAnswer, DirectoryError>;

    /// The look-ups for identities of these kinds, in their order.
    async fn steps(&self, kinds: &BTreeSet<IdentityKind>) -> Result<Vec<RowStep>, DirectoryError>;

    /// Compares the dataset with the live tables: one check for the connection, and one for each collection, field and
    /// index that look-ups rest on. A failed check is an answer, not an error.
    async fn describe(&self) -> Vec<DirectoryCheck>;
}

/// What the tables know for one identity.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DirectoryAnswer {
    /// User ids in the spelling of the tables, without repetition.
    pub user_ids: Vec<Pii<String>>,
    /// Whether a collection holds identities of this kind at all.
    pub searched: bool,
    /// Rows that the database found equal although the key differs (`'12abc'` and 12, accents, case); they are left out.
    pub mismatched: u64,
    /// Whether there were more user ids, or more rows on the way, than the limits allow.
    pub truncated: bool,
}

/// One check of the owned database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryCheck {
    /// What was checked, such as `dataset shop: collection customer`.
    pub name: String,
    /// How it went: what was seen, or what is wrong.
    pub result: Result<String, DirectoryProblem>,
}

/// What a check found, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryProblem {
    /// Whether look-ups work all the same, only slower.
    pub warning: bool,
    /// A sentence with what to do.
    pub message: String,
}

/// Why a look-up failed. Messages hold no values of people.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The database cannot be reached, or is busy: again later.
    #[error("the owned database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The tables are not as the dataset says: again only after a change.
    #[error("{0}")]
    Schema(String),
    /// The database refused or broke off the query, or it took too long.
    #[error("the look-up in collection {collection} failed")]
    Query {
        /// `dataset.collection`
        collection: String,
        /// without values
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
