//! A privacy request and its tasks, as the record database keeps them.

use std::{collections::BTreeMap, collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    ConnectionKey, EvidenceSalt, Finding, Gate, Identity, IdentitySet, IntentId, MaskingKey, Outcome, PackageReceipt,
    Pii, ProfileRef, Recipient, Regime, RegulationType, RequestId, RequestStatus, RowTrace, StagingKey, TaskEvent,
    TaskState,
};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Everything that is held on the person, as a package.
    Access,
    /// Suppression or deletion at Segment, and masking of owned rows.
    Erasure,
    /// Suppression of a user id, by an operator.
    Suppression,
    /// The end of a suppression.
    Unsuppression,
}

impl Action {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Access, "access"),
        (Self::Erasure, "erasure"),
        (Self::Suppression, "suppression"),
        (Self::Unsuppression, "unsuppression"),
    ];

    /// The name in JSON and in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(action, _)| *action == self).map_or("", |(_, name)| name)
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(action, _)| *action)
    }

    /// Whether it ends in a regulation.
    #[must_use]
    pub fn regulates(self) -> bool {
        self != Self::Access
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who holds the data that a task is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Holder {
    /// A workspace at Segment.
    Connection,
    /// An owned database.
    Dataset,
}

impl Holder {
    /// The name in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Dataset => "dataset",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Connection, Self::Dataset].into_iter().find(|holder| holder.as_str() == name)
    }
}

/// A request as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The caller's own reference; `None` also once the data key is destroyed.
    pub external_id: Option<Pii<String>>,
    /// What was asked for.
    pub action: Action,
    /// Who the person is known as; `None` once the data key is destroyed.
    pub identities: Option<IdentitySet>,
    /// The law that set the deadline.
    pub regime: Regime,
    /// The decision before any work.
    pub gate: Gate,
    /// Whether a worker has taken it up.
    pub begun: bool,
    /// Where it stands: follows from the gate and the tasks.
    pub status: RequestStatus,
    /// When it was received.
    pub received_at: Timestamp,
    /// The law's deadline.
    pub due_at: Timestamp,
    /// When it became complete.
    pub completed_at: Option<Timestamp>,
    /// When the last of its tasks was confirmed by a read-back.
    pub verified_at: Option<Timestamp>,
    /// Why it was denied.
    pub denied_reason: Option<Pii<String>>,
    /// One per connection and owned database, in the order of their keys.
    pub tasks: Vec<Task>,
    /// What the person receives.
    pub package: Option<PackageReceipt>,
    /// Encrypts staging files; `None` once the data key is destroyed.
    pub staging_key: Option<StagingKey>,
    /// Masks rows; `None` once the data key is destroyed.
    pub masking_key: Option<MaskingKey>,
    /// For whom the package is encrypted; gone with the data key.
    pub recipient: Option<Recipient>,
    /// By which ids of the person are hashed in the log; gone with the data key.
    pub evidence_salt: Option<EvidenceSalt>,
}

impl Request {
    /// Whether rows may be masked now: Segment has accepted, or has nothing to do with, every other task of the erasure, and no
    /// owned database is missing from which rows in another might have to be found.
    #[must_use]
    pub fn may_mask(&self) -> bool {
        let is_ready = |task: &Task| match task.holder {
            Holder::Connection => task.state.is_accepted(),
            Holder::Dataset => task.state.halt().is_none() || task.resolution.is_some(),
        };
        self.action == Action::Erasure && self.tasks.iter().all(is_ready)
    }

    /// The state of a task once somebody has called off ([`TaskEvent::Cancel`]) or taken up again ([`TaskEvent::Retry`]) the request;
    /// `None` if the task stays as it is.
    #[must_use]
    pub fn decided(&self, task: &Task, event: &TaskEvent) -> Option<TaskState> {
        let passes_over = match event {
            // Like an order that may have left.
            TaskEvent::Cancel => task.may_be_masked(),
            // Who is not known is asked for again as long as nothing is deleted.
            TaskEvent::Retry => self.action != Action::Access && task.state == TaskState::Complete(Outcome::NoData),
            _ => false,
        };
        if passes_over { None } else { task.state.apply(event.clone()).ok() }
    }
}

/// The share of one connection, or of one owned database, in a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The connection, or the dataset of the owned database.
    pub connection: ConnectionKey,
    /// Which of the two.
    pub holder: Holder,
    /// Where it stands.
    pub state: TaskState,
    /// Who the person is there; `None` before it is known, and once the data key is destroyed.
    pub resolution: Option<Resolution>,
    /// What the regulation orders, set when the task is resolved.
    pub kind: Option<RegulationType>,
    /// The source that the regulation is for, set with it; `None` for the whole workspace.
    pub source: Option<String>,
    /// How many user ids were found.
    pub user_ids: u64,
    /// How many other ids were found that regulations cannot reach.
    pub unreachable: u64,
    /// Records collected, or rows masked, by collection; those of an owned database by `dataset.collection`.
    pub collections: BTreeMap<String, u64>,
    /// What a person has to know.
    pub findings: BTreeSet<Finding>,
    /// How often it was tried without success.
    pub attempts: u32,
    /// The regulation that it is, or was last, part of.
    pub regulation: Option<IntentId>,
    /// When a read-back confirmed it.
    pub verified_at: Option<Timestamp>,
}

impl Resolution {
    /// Adds what was found elsewhere under which the person is known.
    pub fn learn(&mut self, other: &Self) {
        self.user_ids.extend(other.user_ids.iter().cloned());
        self.identifiers.extend(other.identifiers.iter().cloned());
    }
}

impl Task {
    /// A connection's task that nobody has begun.
    #[must_use]
    pub fn new(connection: ConnectionKey) -> Self {
        Self::of(Holder::Connection, connection)
    }

    /// Whether a masking of its rows may have been committed without being recorded. It is seen through.
    #[must_use]
    pub fn may_be_masked(&self) -> bool {
        self.resolution.as_ref().is_some_and(|resolution| !resolution.rows.marks.is_empty())
    }

    /// A task that nobody has begun.
    #[must_use]
    pub fn of(holder: Holder, key: ConnectionKey) -> Self {
        Self {
            connection: key,
            holder,
            state: TaskState::Queued,
            resolution: None,
            kind: None,
            source: None,
            user_ids: 0,
            unreachable: 0,
            collections: BTreeMap::new(),
            findings: BTreeSet::new(),
            attempts: 0,
            regulation: None,
            verified_at: None,
        }
    }
}

/// Who a person is at one connection. Stored once per request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolution {
    /// Every user id, as the caller, the owned database or an event spells it.
    pub user_ids: BTreeSet<Pii<String>>,
    /// The person's profiles, as they are addressed.
    pub profiles: Vec<ProfileRef>,
    /// Everything under which a profile could be found again: a read-back asks for each.
    pub identifiers: BTreeSet<ProfileRef>,
    /// Ids that regulations cannot reach.
    pub unreachable: u64,
    /// In an owned database: how the person's rows are found again.
    pub rows: RowTrace,
}

/// One line of a list of requests: nothing in it names a person.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestSummary {
    /// Its id.
    pub id: RequestId,
    /// What was asked for.
    pub action: Action,
    /// Where it stands.
    pub status: RequestStatus,
    /// When it was received.
    pub received_at: Timestamp,
    /// The law's deadline.
    pub due_at: Timestamp,
    /// When it became complete.
    pub completed_at: Option<Timestamp>,
    /// When it was verified.
    pub verified_at: Option<Timestamp>,
    /// How many tasks it has.
    pub tasks: u64,
}

/// Which requests to list: newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// Only these; an empty list means all.
    pub ids: Vec<RequestId>,
    /// Only of these statuses; an empty list means all.
    pub statuses: Vec<RequestStatus>,
    /// Only of this action.
    pub action: Option<Action>,
    /// Only the one with this reference of the caller's.
    pub external_id: Option<Pii<String>>,
    /// Only those that name this identity.
    pub identity: Option<Identity>,
    /// Only those received after this moment.
    pub received_after: Option<Timestamp>,
    /// Only those received before this moment.
    pub received_before: Option<Timestamp>,
    /// Only those due before this moment and still open.
    pub overdue_at: Option<Timestamp>,
    /// Without so many of the newest.
    pub skip: u64,
    /// At most so many.
    pub limit: Option<u32>,
}

/// One step in the life of a request, in words that hold no personal data.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The stable name of the step, such as `accepted`.
    pub step: String,
    /// Facts about it: counts, ids, statuses, codes.
    pub facts: Value,
}

impl AuditEntry {
    /// An entry.
    pub fn new(at: Timestamp, step: impl Into<String>, facts: Value) -> Self {
        Self { at, step: step.into(), facts }
    }

    /// Whether the package that a log (oldest first) tells of is still there; `None` if it tells of none.
    #[must_use]
    pub fn package_is_kept(log: &[Self]) -> Option<bool> {
        log.iter().rev().find_map(|entry| match entry.step.as_str() {
            "packaged" => Some(true),
            "package_deleted" => Some(false),
            _ => None,
        })
    }
}
