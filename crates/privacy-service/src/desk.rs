//! What the service needs of the process that it runs in.

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;
use privacy_engine::Engine;
use segment_core::{IdentitySet, Recipient, RequestId, Tally, ports::Accounts};

use crate::{
    RequestPolicy,
    shapes::{ConnectionChecksShape, ConnectionShape, DryRunShape, FieldShape, QuotaShape},
};

/// Everything by one configuration: the engine, and what only the composition root can do. When the configuration changes there
/// is another one; a call keeps the one that it began with.
#[async_trait]
pub trait Desk: Send + Sync + fmt::Debug {
    /// Records, decides and reads requests.
    fn engine(&self) -> &Arc<Engine>;

    /// Keeps tokens and sessions.
    fn accounts(&self) -> Arc<dyn Accounts>;

    /// The policies that requests may name, beside the default ones.
    fn policies(&self) -> &[RequestPolicy];

    /// Whether a package can be encrypted for somebody.
    fn check_recipient(&self, recipient: &Recipient) -> Result<(), Refusal>;

    /// What an erasure of these people would do. It is composed without anything that can write.
    async fn plan(&self, people: &[IdentitySet]) -> Result<DryRunShape, Refusal>;

    /// Every connection that is configured, without its fields.
    async fn connections(&self) -> Result<Vec<ConnectionShape>, Refusal>;

    /// One connection with its fields; `None` if there is none of this key.
    async fn connection(&self, key: &str) -> Result<Option<ConnectionShape>, Refusal>;

    /// The fields that a kind of connection has; `None` if there is no such kind.
    fn connection_fields(&self, kind: &str) -> Option<Vec<FieldShape>>;

    /// Changes a connection of the record database.
    async fn change_connection(&self, change: ConnectionChange, by: &str) -> Result<(), Refusal>;

    /// Tests a connection or dataset, and keeps the outcome; `None` if there is none of this key.
    async fn test(&self, key: &str, by: &str) -> Result<Option<ConnectionChecksShape>, Refusal>;

    /// How far each quota is used.
    async fn quotas(&self) -> Result<Vec<QuotaShape>, Refusal>;

    /// The package at a location that a receipt names.
    async fn package(&self, location: &str) -> Result<Option<PackageFile>, Refusal>;

    /// The signed evidence of a request; `None` if there is none. With `reveal` it holds the salt by which ids can be checked.
    async fn evidence(&self, id: &RequestId, reveal: bool, by: &str) -> Result<Option<String>, Refusal>;

    /// Counts requests by how they ended.
    async fn tally(&self) -> Result<Vec<Tally>, Refusal>;

    /// A number that is another one as soon as something has happened.
    async fn pulse(&self) -> Result<i64, Refusal>;

    /// Whether the tables are those that this version works on.
    async fn is_migrated(&self) -> Result<bool, Refusal>;

    /// Whether somebody in this process works on requests.
    fn works(&self) -> bool;
}

/// A change of the connections in the record database. Fields are as the command line calls them; one that is empty has its
/// default, and a secret that is empty stays as it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum ConnectionChange {
    /// A new one.
    Add {
        /// Its key.
        key: String,
        /// `segment` or `segment_unify`.
        kind: String,
        /// Its fields.
        typed: BTreeMap<String, String>,
    },
    /// Other fields.
    Edit {
        /// Its key.
        key: String,
        /// Those that change.
        typed: BTreeMap<String, String>,
    },
    /// Whether it takes new work.
    Enable {
        /// Its key.
        key: String,
        /// Whether.
        enabled: bool,
    },
    /// It goes, and its secrets with it, unless somebody has something open there.
    Remove {
        /// Its key.
        key: String,
    },
}

/// Fields can be secrets.
impl fmt::Debug for ConnectionChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionChange")
    }
}

/// A package on its way to somebody.
pub struct PackageFile {
    /// Its length.
    pub bytes: u64,
    /// Its content. It ends with an error where it breaks off.
    pub content: Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>,
}

impl fmt::Debug for PackageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageFile").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// Why something was not done. Nothing of it is half-done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whose turn it is.
    pub kind: RefusalKind,
    /// A stable code.
    pub code: &'static str,
    /// What is wrong; it holds no personal data and no secret.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Whose turn it is after a [`Refusal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// The caller's: it asks for something that is not possible.
    NotPossible,
    /// Nobody's: it may be possible a little later.
    Unavailable,
    /// Whoever runs the service.
    Unexpected,
}
