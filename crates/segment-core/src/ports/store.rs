//! The record database: requests, the ledger of regulations, who works on what.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use crate::{
    AuditEntry, Backlog, ClaimScope, Claimed, ConnectionKey, Decision, Due, Expired, HoldId, Intake, Intended,
    IntentPlan, Lease, Ledger, LedgerFilter, LedgerUpdate, LegalHold, LogChain, NewRequest, QuotaCategory,
    RegulationId, Request, RequestFilter, RequestId, RequestSummary, RequestUpdate, Retention, Standing, Tally,
    TallyFilter, Task,
};

/// Keeps everything that must survive. Each method is one durable step: one transaction that checks the fence, writes
/// state, and appends to the log. Leases run on the database's clock, everything else on the caller's.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait RequestStore: Send + Sync + std::fmt::Debug {
    /// Records requests, all or none; each answer stands at its request's place.
    async fn intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError>;

    /// One request with its tasks.
    async fn request(&self, id: &RequestId) -> Result<Option<Request>, StoreError>;

    /// A list of requests, newest first.
    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError>;

    /// How many requests a list would have without its `skip` and `limit`; it is not counted further than `most`.
    async fn count_requests(&self, filter: &RequestFilter, most: u64) -> Result<u64, StoreError>;

    /// How many requests stand where, at `at`. What is due before `soon` is due soon.
    async fn standings(&self, at: Timestamp, soon: Timestamp) -> Result<Vec<Standing>, StoreError>;

    /// Counts requests.
    async fn tally(&self, filter: &TallyFilter) -> Result<Vec<Tally>, StoreError>;

    /// The log of one request, oldest first.
    async fn log(&self, id: &RequestId) -> Result<Vec<AuditEntry>, StoreError>;

    /// The same as chains of hashes: the request's own, and those of the regulations that it was part of.
    async fn chains(&self, id: &RequestId) -> Result<Vec<LogChain>, StoreError>;

    /// Adds to the log of a request what happened beside its work, such as that somebody looked at who it is about. `false` if
    /// there is no such request.
    async fn note(&self, id: &RequestId, entry: &AuditEntry) -> Result<bool, StoreError>;

    /// Applies a human's decision and answers with the request as it is then. Tasks that it cannot reach stay as they are.
    /// The log says who it was.
    async fn decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError>;

    /// Claims up to `limit` requests with queued tasks that may be worked at `at`, the earliest deadline first.
    async fn claim_requests(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        limit: u32,
        at: Timestamp,
    ) -> Result<Vec<Claimed<Request>>, StoreError>;

    /// Saves a step of a claimed request and gives the lease back.
    async fn save_request(&self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError>;

    /// Saves one task of a claimed request in the middle of a step, and keeps the lease: what must be known, should the rest of
    /// the step be done and never be recorded.
    async fn save_task(&self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError>;

    /// What waits for a regulation.
    async fn backlog(&self, scope: &ClaimScope, at: Timestamp) -> Result<Vec<Backlog>, StoreError>;

    /// Closes a batch: picks resolved tasks by deadline, records the intent with the exact ids, and moves the tasks to
    /// sending. People whose batch was refused go with nobody else, the larger parts first.
    ///
    /// What was sent and what may have been sent counts against the quota, in the same transaction.
    async fn intend(&self, plan: &IntentPlan) -> Result<Intended, StoreError>;

    /// Claims one regulation that is due at `at`, or whose sender is gone; the latter comes back as
    /// [`Unknown`](crate::LedgerState::Unknown).
    async fn claim_regulation(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError>;

    /// Saves a step of a claimed regulation and of the people in it, and gives the lease back. An erasure whose last task was
    /// accepted by that, and which has rows to mask, is due.
    async fn save_regulation(&self, lease: &Lease, update: &LedgerUpdate) -> Result<(), StoreError>;

    /// Whether this regulation of Segment's already belongs to an intent of ours.
    async fn is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError>;

    /// The ledger, newest first; subjects and members are left out.
    async fn regulations(&self, filter: &LedgerFilter) -> Result<Vec<Ledger>, StoreError>;

    /// User ids sent, or perhaps sent, since `since`, by quota category.
    async fn submitted(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        since: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Places a legal hold, and tells it in the journal. It stops erasures that have not left; the engine asks for it before it
    /// sends.
    async fn place_hold(&self, hold: &LegalHold, told: &AuditEntry) -> Result<(), StoreError>;

    /// Every legal hold that was ever placed, newest first.
    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError>;

    /// Lifts a hold at the time of the entry, tells it in the journal, and answers with it as it is then; `None` if there is
    /// none. One that is lifted already stays as it is, and nothing is told.
    async fn lift_hold(&self, id: &HoldId, told: &AuditEntry) -> Result<Option<LegalHold>, StoreError>;

    /// Up to `limit` requests of which something is due to go at `at`, the longest ended first. What somebody still works on is
    /// not among them.
    async fn expired(&self, retention: &Retention, at: Timestamp, limit: u32) -> Result<Vec<Expired>, StoreError>;

    /// Notes that the package was deleted.
    async fn package_deleted(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError>;

    /// Destroys what names the person of a request that is over, for good. That the same was asked before is still recognised.
    async fn destroy_identities(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError>;

    /// Destroys what recognises the same again, of a request whose identities are destroyed. `false` if there is no such request.
    async fn forget(&self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError>;

    /// Drops the holds that were lifted before this moment; how many.
    async fn drop_holds(&self, lifted_before: Timestamp) -> Result<u64, StoreError>;

    /// Lets nothing of what was destroyed stay behind in the database's own logs, as far as that is in its hands.
    async fn sweep(&self) -> Result<(), StoreError>;

    /// When the next things in the scope are due.
    async fn next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError>;

    /// Lengthens a lease.
    async fn extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError>;

    /// Gives a lease back without a step.
    async fn release(&self, lease: &Lease) -> Result<(), StoreError>;
}

/// Why a step did not happen. Nothing of it was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Somebody else holds the lock or the connection is gone: again later.
    #[error("the record database is busy or not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk is full or the database read-only.
    #[error("the record database cannot be written")]
    NotWritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Of requests that are taken all or none, some were recorded before, or one is another's: nothing was recorded.
    #[error("of requests that belong together only a part was recorded before")]
    NotTogether,
    /// The lease is another's by now.
    #[error("the lease was lost to another worker")]
    StaleLease,
    /// The step does not fit the state of things, such as a transition that does not exist: a bug of the caller.
    #[error("the record database refused the step: {0}")]
    Misuse(String),
    /// What was read is not what was written.
    #[error("the record database holds something unexpected in {place}")]
    Corrupt {
        /// table, column and row
        place: String,
    },
    /// Anything else that the database says.
    #[error("the record database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}
