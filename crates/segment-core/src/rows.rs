//! A person's rows in the owned databases.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ConnectionKey, Finding, IdentitySet, MaskingKey, Pii};

/// Whose rows are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What the person was asked for by.
    pub identities: IdentitySet,
    /// The Segment user ids that were found, by connection: each connection says in which field its own stand.
    pub user_ids: BTreeMap<ConnectionKey, BTreeSet<Pii<String>>>,
}

/// What was read of one owned database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetRows {
    /// The key of its dataset in the configuration.
    pub dataset: ConnectionKey,
    /// Rows by `dataset.collection`; a collection in which nothing was found is there with 0.
    pub collections: BTreeMap<String, u64>,
    /// What a person has to know, such as rows that are equal to the database alone.
    pub findings: BTreeSet<Finding>,
    /// Why a collection has a hole, by `dataset.collection`. Sentences without values of people.
    pub holes: BTreeMap<String, String>,
    /// Whether a hole may close by asking again later.
    pub passing: bool,
    /// What masking would leave as it is, and why: sentences. Empty where nothing is to be masked.
    pub warnings: Vec<String>,
}

/// How the rows of a person in one owned database are found again, also once what led to them is masked. Stored once per
/// request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowTrace {
    /// Values that come from other databases, by the `dataset.collection.field` that is asked by them; each with whether it
    /// belongs to the person alone.
    pub entered_by: BTreeMap<String, BTreeMap<Pii<String>, bool>>,
    /// How many rows of the person in other databases refer to a row by a value, by the `dataset.collection.field` that refers.
    pub referring: BTreeMap<String, BTreeMap<Pii<String>, u64>>,
    /// The `dataset.collection.field`s that are asked by what rows of other databases hold of which others have a share: what they
    /// lead to is theirs, too.
    pub shared: BTreeSet<String>,
    /// Segment user ids that no task of the request knows: of the connections that it does not ask.
    pub user_ids: BTreeMap<ConnectionKey, BTreeSet<Pii<String>>>,
    /// By what a masking is recognised whose end was never recorded.
    pub marks: Vec<RowMark>,
}

/// A masked row. Whoever finds one so, and none as it was before, knows that the masking was committed, since that is one
/// transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowMark {
    /// `dataset.collection`
    pub collection: String,
    /// The values of its primary key, in the key's order.
    pub key: Vec<Pii<String>>,
    /// SHA-256 of the values before, hex.
    pub before: Pii<String>,
    /// SHA-256 of the masked values, hex.
    pub digest: Pii<String>,
}

/// What to mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaskOrder {
    /// The owned database, by the key of its dataset.
    pub dataset: ConnectionKey,
    /// Whose rows.
    pub subject: Subject,
    /// What was stored of them.
    pub trace: RowTrace,
    /// From which keys and salts come.
    pub key: MaskingKey,
}

/// What a masking does, once it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskReport {
    /// Masked rows by `dataset.collection`; a collection in which there was nothing to mask is there with 0.
    pub collections: BTreeMap<String, u64>,
    /// What a person has to know, such as rows that others share.
    pub findings: BTreeSet<Finding>,
    /// By what it is recognised.
    pub marks: Vec<RowMark>,
}

/// One look-up on the way through the owned databases, with what the database says it costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowStep {
    /// `dataset.collection`
    pub collection: String,
    /// The column that is asked by.
    pub by: String,
    /// Where its values come from: `identity email`, `user ids of segment_prod`, or a `dataset.collection.field`.
    pub values_of: String,
    /// How many rows one value has, as the database estimates; `None` where it does not say.
    pub expected_rows: Option<u64>,
    /// Whether an index serves it; `None` where that is not known.
    pub index: Option<bool>,
}
