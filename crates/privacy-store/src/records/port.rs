//! The port, method by method: each is one step, under a span that names it and holds ids only.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use segment_core::{
    AuditEntry, Backlog, ClaimScope, Claimed, ConnectionKey, Decision, Due, Expired, HoldId, Intake, Intended,
    IntentPlan, Lease, Ledger, LedgerFilter, LedgerUpdate, LegalHold, LogChain, NewRequest, QuotaCategory,
    RegulationId, Request, RequestFilter, RequestId, RequestSummary, RequestUpdate, Retention, Standing, Tally,
    TallyFilter, Task,
    ports::{RequestStore, StoreError},
};
use tracing::instrument;

use super::{RecordStore, errors};

/// How often a step is made that clashes with another worker's; the last time its error is told.
const TRIES: u32 = 20;

/// Makes a step again when its transaction clashed with another one: nothing of it was written.
macro_rules! again {
    ($store:ident.$step:ident($($arg:expr),*)) => {{
        let mut tries = 1;
        loop {
            match $store.$step($($arg),*).await {
                Err(error) if tries < TRIES && errors::is_clash(&error) => {
                    tracing::debug!(tries, "clashed with another worker's step; made again");
                    // Not all at the same moment again.
                    tokio::time::sleep($store.jitter(tries)).await;
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}

impl RecordStore {
    fn jitter(&self, tries: u32) -> Duration {
        let mut byte = [0];
        self.keys.random.fill(&mut byte);
        Duration::from_millis(1) * tries * u32::from(byte[0]) / 128
    }
}

#[async_trait]
impl RequestStore for RecordStore {
    #[instrument(name = "db.intake", skip_all, fields(requests = requests.len()), err(level = "debug"))]
    async fn intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        again!(self.do_intake(requests))
    }

    #[instrument(name = "db.request", skip_all, fields(%id), err(level = "debug"))]
    async fn request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        self.do_request(id).await
    }

    #[instrument(name = "db.requests", skip_all, err(level = "debug"))]
    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError> {
        self.do_requests(filter).await
    }

    #[instrument(name = "db.count_requests", skip_all, err(level = "debug"))]
    async fn count_requests(&self, filter: &RequestFilter, most: u64) -> Result<u64, StoreError> {
        self.do_count_requests(filter, most).await
    }

    #[instrument(name = "db.standings", skip_all, err(level = "debug"))]
    async fn standings(&self, at: Timestamp, soon: Timestamp) -> Result<Vec<Standing>, StoreError> {
        self.do_standings(at, soon).await
    }

    #[instrument(name = "db.tally", skip_all, err(level = "debug"))]
    async fn tally(&self, filter: &TallyFilter) -> Result<Vec<Tally>, StoreError> {
        self.do_tally(filter).await
    }

    #[instrument(name = "db.log", skip_all, fields(%id), err(level = "debug"))]
    async fn log(&self, id: &RequestId) -> Result<Vec<AuditEntry>, StoreError> {
        self.do_log(id).await
    }

    #[instrument(name = "db.chains", skip_all, fields(%id), err(level = "debug"))]
    async fn chains(&self, id: &RequestId) -> Result<Vec<LogChain>, StoreError> {
        self.do_chains(id).await
    }

    #[instrument(name = "db.note", skip_all, fields(%id), err(level = "debug"))]
    async fn note(&self, id: &RequestId, entry: &AuditEntry) -> Result<bool, StoreError> {
        again!(self.do_note(id, entry))
    }

    #[instrument(name = "db.decide", skip_all, fields(%id), err(level = "debug"))]
    async fn decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        again!(self.do_decide(id, decision, by, at))
    }

    #[instrument(name = "db.claim_requests", skip_all, err(level = "debug"))]
    async fn claim_requests(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        limit: u32,
        at: Timestamp,
    ) -> Result<Vec<Claimed<Request>>, StoreError> {
        again!(self.do_claim_requests(scope, owner, lease, limit, at))
    }

    #[instrument(name = "db.save_request", skip_all, err(level = "debug"))]
    async fn save_request(&self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError> {
        again!(self.do_save_request(lease, update))
    }

    #[instrument(name = "db.save_task", skip_all, err(level = "debug"))]
    async fn save_task(&self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        again!(self.do_save_task(lease, task, at))
    }

    #[instrument(name = "db.backlog", skip_all, err(level = "debug"))]
    async fn backlog(&self, scope: &ClaimScope, at: Timestamp) -> Result<Vec<Backlog>, StoreError> {
        self.do_backlog(scope, at).await
    }

    #[instrument(name = "db.intend", skip_all, fields(intent = %plan.intent), err(level = "debug"))]
    async fn intend(&self, plan: &IntentPlan) -> Result<Intended, StoreError> {
        again!(self.do_intend(plan))
    }

    #[instrument(name = "db.claim_regulation", skip_all, err(level = "debug"))]
    async fn claim_regulation(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError> {
        again!(self.do_claim_regulation(scope, owner, lease, at))
    }

    #[instrument(name = "db.save_regulation", skip_all, fields(intent = %update.ledger.intent), err(level = "debug"))]
    async fn save_regulation(&self, lease: &Lease, update: &LedgerUpdate) -> Result<(), StoreError> {
        again!(self.do_save_regulation(lease, update))
    }

    #[instrument(name = "db.is_known", skip_all, err(level = "debug"))]
    async fn is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError> {
        self.do_is_known(connection, id).await
    }

    #[instrument(name = "db.regulations", skip_all, err(level = "debug"))]
    async fn regulations(&self, filter: &LedgerFilter) -> Result<Vec<Ledger>, StoreError> {
        self.do_regulations(filter).await
    }

    #[instrument(name = "db.submitted", skip_all, err(level = "debug"))]
    async fn submitted(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        self.do_submitted(connection, category, since).await
    }

    #[instrument(name = "db.place_hold", skip_all, err(level = "debug"))]
    async fn place_hold(&self, hold: &LegalHold, told: &AuditEntry) -> Result<(), StoreError> {
        again!(self.do_place_hold(hold, told))
    }

    #[instrument(name = "db.holds", skip_all, err(level = "debug"))]
    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        self.do_holds().await
    }

    #[instrument(name = "db.lift_hold", skip_all, err(level = "debug"))]
    async fn lift_hold(&self, id: &HoldId, told: &AuditEntry) -> Result<Option<LegalHold>, StoreError> {
        again!(self.do_lift_hold(id, told))
    }

    #[instrument(name = "db.expired", skip_all, err(level = "debug"))]
    async fn expired(&self, retention: &Retention, at: Timestamp, limit: u32) -> Result<Vec<Expired>, StoreError> {
        self.do_expired(retention, at, limit).await
    }

    #[instrument(name = "db.package_deleted", skip_all, fields(%id), err(level = "debug"))]
    async fn package_deleted(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        again!(self.do_package_deleted(id, at))
    }

    #[instrument(name = "db.destroy_identities", skip_all, fields(%id), err(level = "debug"))]
    async fn destroy_identities(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        again!(self.do_destroy_identities(id, at))
    }

    #[instrument(name = "db.forget", skip_all, fields(%id), err(level = "debug"))]
    async fn forget(&self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError> {
        again!(self.do_forget(id, at))
    }

    #[instrument(name = "db.drop_holds", skip_all, err(level = "debug"))]
    async fn drop_holds(&self, lifted_before: Timestamp) -> Result<u64, StoreError> {
        again!(self.do_drop_holds(lifted_before))
    }

    #[instrument(name = "db.sweep", skip_all, err(level = "debug"))]
    async fn sweep(&self) -> Result<(), StoreError> {
        self.do_sweep().await
    }

    #[instrument(name = "db.next_due", skip_all, err(level = "debug"))]
    async fn next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError> {
        self.do_next_due(scope).await
    }

    #[instrument(name = "db.extend", skip_all, err(level = "debug"))]
    async fn extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError> {
        again!(self.do_extend(lease, by))
    }

    #[instrument(name = "db.release", skip_all, err(level = "debug"))]
    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        again!(self.do_release(lease))
    }
}
