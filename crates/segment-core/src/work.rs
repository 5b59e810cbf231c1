//! Work and how it is shared: leases, the ledger of regulations, and the steps that the store makes durable.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use crate::{
    AuditEntry, ConnectionKey, DestinationReport, Finding, IdentitySet, IntentId, PackageReceipt, Pii, ProfileRef,
    RegulationId, RegulationStatus, RegulationType, RequestId, Resolution, Task, TaskEvent,
};

/// What a worker may work on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimScope {
    /// Everything.
    All,
    /// These requests and the regulations that they are part of.
    Requests(Vec<RequestId>),
}

/// What a lease is on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeaseSubject {
    /// A request: finding out who it is, collecting.
    Request(RequestId),
    /// A regulation: sending, looking for it, tracking, reading back.
    Regulation(IntentId),
}

/// The right to work on something for a while. Every write carries it and is refused once it is another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// On what.
    pub subject: LeaseSubject,
    /// Grows with every claim: the fencing token.
    pub fence: i64,
}

/// Something claimed, with the right to work on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed<T> {
    /// The right.
    pub lease: Lease,
    /// The thing, as it is.
    pub item: T,
    /// The database's time at the claim; `send_by` and listings are compared in it.
    pub store_now: Timestamp,
    /// How often it was claimed since a step of it was last saved or given back, this time included: more than once where a
    /// worker crashed over it, or lost it.
    pub tries: u32,
}

/// A step of a request: its tasks as they are now.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestUpdate {
    /// The tasks that changed.
    pub tasks: Vec<Task>,
    /// The package, if one was written.
    pub package: Option<PackageReceipt>,
    /// When to go on; `None` when nothing is left to do for a worker on the request itself.
    pub next_at: Option<Timestamp>,
    /// What to tell in the log.
    pub audit: Vec<AuditEntry>,
    /// The clock's time of the step.
    pub at: Timestamp,
}

/// Resolved tasks that wait for a regulation, of one connection, type and source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The connection.
    pub connection: ConnectionKey,
    /// What they order.
    pub kind: RegulationType,
    /// The source that they are for; `None` for the whole workspace.
    pub source: Option<String>,
    /// How many people.
    pub people: u64,
    /// How many user ids.
    pub subjects: u64,
    /// Since when the first waits.
    pub since: Timestamp,
    /// Whether requests of the connection are still to be resolved now, so that waiting would fill the batch.
    pub resolvable: bool,
    /// When Segment's own count of the month's quota has room again, if it turned a regulation of this category away until a
    /// moment that lies ahead.
    pub rests_until: Option<Timestamp>,
}

/// When the next things are due, perhaps in the past where somebody else holds them; `None` when nothing is planned. What
/// waits for a regulation is not among them but in the [`Backlog`]: its time depends on its batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// Requests to be worked, and regulations that are being sent or looked for. An erasure that waits for an access is not
    /// planned.
    pub before_acceptance: Option<Timestamp>,
    /// Regulations that are followed or read back.
    pub after_acceptance: Option<Timestamp>,
}

impl Due {
    /// The earliest of all.
    #[must_use]
    pub fn earliest(self) -> Option<Timestamp> {
        [self.before_acceptance, self.after_acceptance].into_iter().flatten().min()
    }
}

/// How to close a batch into an intent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentPlan {
    /// The intent's id.
    pub intent: IntentId,
    /// The connection.
    pub connection: ConnectionKey,
    /// What is ordered.
    pub kind: RegulationType,
    /// The source that it is for; `None` for the whole workspace.
    pub source: Option<String>,
    /// Whose tasks.
    pub scope: ClaimScope,
    /// User ids, at most; a person with more goes alone.
    pub max_subjects: u64,
    /// Bytes of the ids as a JSON list, at most; a person with more goes alone.
    pub max_bytes: u64,
    /// What the connection may send of this category.
    pub quota: MonthlyQuota,
    /// How long the lease runs; the call must end before.
    pub lease: Duration,
    /// How long the call may take; shorter than the lease.
    pub send_within: Duration,
    /// Who sends.
    pub owner: String,
    /// The clock's time.
    pub at: Timestamp,
}

/// How many users a connection may send in a month, of one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlyQuota {
    /// Users.
    pub users: u64,
    /// When the month began.
    pub since: Timestamp,
    /// Of those, so many are at most kept for people whose deadline lies before `urgent_before` and who are not found yet: one
    /// for each of them.
    pub reserve: u64,
    /// Who is due before this moment cannot wait for the next month.
    pub urgent_before: Timestamp,
}

/// What became of closing a batch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Intended {
    /// The intent is recorded, and leased to its sender.
    Recorded(Box<Claimed<Ledger>>),
    /// The next person by deadline has more user ids than the month has left for them.
    OverQuota,
    /// Nothing waits any more.
    Nothing,
}

/// Where a regulation of ours stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LedgerState {
    /// The intent is recorded; the call may be under way.
    Sending,
    /// The answer is lost: it is looked for.
    Unknown,
    /// Accepted; Segment is working.
    Tracking,
    /// Ended with success; it is read back.
    Looking,
    /// Over: read back, refused, not sent, or ended without success.
    Closed,
    /// A human must decide.
    Halted,
}

impl LedgerState {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Sending, "sending"),
        (Self::Unknown, "unknown"),
        (Self::Tracking, "tracking"),
        (Self::Looking, "looking"),
        (Self::Closed, "closed"),
        (Self::Halted, "halted"),
    ];

    /// What it is for a worker that takes it over: of a sender that is gone nobody knows whether it has sent.
    #[must_use]
    pub fn taken_over(self) -> Self {
        if self == Self::Sending { Self::Unknown } else { self }
    }

    /// The name in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }
}

/// One regulation of ours, from its intent on: the ledger that outlives Segment's 90 days.
#[derive(Debug, Clone, PartialEq)]
pub struct Ledger {
    /// Our id of the attempt.
    pub intent: IntentId,
    /// The connection.
    pub connection: ConnectionKey,
    /// What it orders.
    pub kind: RegulationType,
    /// The source that it is for; `None` for the whole workspace. It is kept, since the configuration may change.
    pub source: Option<String>,
    /// Where it stands with us.
    pub state: LedgerState,
    /// Segment's id, once it is accepted.
    pub regulation: Option<RegulationId>,
    /// Segment's status, as last read.
    pub status: Option<RegulationStatus>,
    /// The exact user ids; empty in lists, and once the data key is destroyed.
    pub subjects: BTreeSet<Pii<String>>,
    /// How many user ids.
    pub subject_count: u64,
    /// The intent's time, by the clock.
    pub created_at: Timestamp,
    /// Until when it may have been sent, by the database's clock.
    pub send_by: Timestamp,
    /// When a complete listing first did not show it, by the database's clock.
    pub absent_at: Option<Timestamp>,
    /// When it was accepted, by the clock.
    pub accepted_at: Option<Timestamp>,
    /// When it ended, by the clock.
    pub finished_at: Option<Timestamp>,
    /// When to go on.
    pub next_at: Option<Timestamp>,
    /// When the month's quota has room again, as Segment said when it turned this attempt away.
    pub rests_until: Option<Timestamp>,
    /// How often a step failed in a row.
    pub attempts: u32,
    /// Read-backs done.
    pub looks: u32,
    /// Per destination, as last read.
    pub destinations: Vec<DestinationReport>,
    /// The people in it; empty in lists.
    pub members: Vec<Member>,
}

/// Which part of the ledger to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    /// Only what any of these requests was part of; empty: all.
    pub requests: Vec<RequestId>,
    /// Only the one of this id, ours or Segment's.
    pub id: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// One person of a regulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person's request.
    pub request: RequestId,
    /// What the person was asked for by; gone with the request's data key.
    pub given: Option<IdentitySet>,
    /// What was found of the person at all connections of the request.
    pub known: Resolution,
    /// The person's share of the user ids.
    pub subjects: BTreeSet<Pii<String>>,
    /// What a read-back asks for.
    pub identifiers: BTreeSet<ProfileRef>,
    /// Whether an earlier read-back confirmed it.
    pub verified: bool,
    /// Whether the person's rows in owned databases are masked, too.
    pub masks: bool,
    /// How many regulations of the person before this one were looked for and not found, since the person was resolved or
    /// somebody retried: whoever sent them may have crashed over them.
    pub lost: u32,
}

/// A step of a regulation.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerUpdate {
    /// The regulation as it is now; `subjects` and `members` are not written.
    pub ledger: Ledger,
    /// Set when a complete listing did not show it: the store notes its own time, the first time.
    pub absent: bool,
    /// What it means for the people in it.
    pub members: MemberChange,
    /// What it means for single people.
    pub notes: Vec<MemberNote>,
    /// What to tell in the log of every person's request.
    pub audit: Vec<AuditEntry>,
    /// The clock's time of the step.
    pub at: Timestamp,
}

/// What a step of a regulation means for the tasks in it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum MemberChange {
    /// Nothing.
    None,
    /// This happens to all of them.
    All(TaskEvent),
    /// They wait again, to be sent with at most so many people at once.
    Requeue {
        /// People in their next regulation, at most; `None` leaves it as it is.
        max_people: Option<u64>,
    },
}

/// What a step of a regulation means for one person.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberNote {
    /// The person's request.
    pub request: RequestId,
    /// What a person has to know.
    pub findings: Vec<Finding>,
    /// Set when a read-back confirmed it.
    pub verified_at: Option<Timestamp>,
    /// What happens to the task, instead of [`LedgerUpdate::members`].
    pub event: Option<TaskEvent>,
}

/// What a human decides on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It may be worked.
    Approve,
    /// It will not be worked.
    Deny {
        /// Why; the person is told.
        reason: Pii<String>,
    },
    /// What has not left yet is called off.
    Cancel,
    /// What was halted goes on. What an access has collected is then
    /// collected again, into one package; a request without anything halted stays as it is.
    Retry,
    /// The same, and the person's next regulation holds nobody else: what Segment does not take is then this person's doing, and
    /// does not keep back others.
    RetryAlone,
    /// What was halted was settled by hand.
    Settle {
        /// The task's connection.
        connection: ConnectionKey,
        /// How it was settled.
        note: Pii<String>,
    },
    /// The deadline is lengthened once, as the law allows.
    Extend {
        /// Why; the person is told.
        reason: Pii<String>,
    },
}

impl Decision {
    /// Whether what was halted goes on.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry | Self::RetryAlone)
    }
}
