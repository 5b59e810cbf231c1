//! A regulation as tests see it.

use jiff::Timestamp;
use serde::Serialize;

use crate::state::regulation::{Regulation, Scope};

/// A regulation the mock holds, also when get and list no longer show it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RegulationView {
    /// Its id, the `regulateId` of the create answer.
    pub id: String,
    /// Such as `SUPPRESS_WITH_DELETE`.
    pub regulation_type: String,
    /// Such as `USER_ID`.
    pub subject_type: String,
    /// The ids it is about, as they were sent.
    pub subjects: Vec<String>,
    /// The status at this moment.
    pub status: String,
    /// The source, unless it was created for the whole workspace.
    pub source_id: Option<String>,
    /// The collection of a cloud source.
    pub collection: Option<String>,
    /// When it was created, in virtual time.
    pub created_at: Timestamp,
    /// When it ended, in virtual time.
    pub finished_at: Option<Timestamp>,
    /// Whether get and list show it: not yet with an eventual delay, no more after 90 days.
    pub shown: bool,
}

impl RegulationView {
    pub(crate) fn of(regulation: &Regulation, now: Timestamp) -> Self {
        let (source_id, collection) = match regulation.what.scope.clone() {
            Scope::Workspace => (None, None),
            Scope::Source(source) => (Some(source), None),
            Scope::CloudSource { source, collection } => (Some(source), Some(collection)),
        };
        Self {
            id: regulation.id.clone(),
            regulation_type: regulation.what.kind.clone(),
            subject_type: regulation.what.subject_type.clone(),
            subjects: regulation.what.subjects.clone(),
            status: regulation.status(now).to_owned(),
            source_id,
            collection,
            created_at: regulation.created_at,
            finished_at: regulation.finished_at(now),
            shown: regulation.shown(now),
        }
    }
}
