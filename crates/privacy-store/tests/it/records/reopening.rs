//! The suite with the file closed and opened again for every single step: nothing lives in memory only.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use segment_core::{
    AuditEntry, Backlog, ClaimScope, Claimed, ConnectionKey, Decision, Due, Expired, HoldId, Intake, Intended,
    IntentPlan, Lease, Ledger, LedgerFilter, LedgerUpdate, LegalHold, LogChain, NewRequest, QuotaCategory,
    RegulationId, Request, RequestFilter, RequestId, RequestSummary, RequestUpdate, Retention, Standing, Tally,
    TallyFilter, Task,
    ports::{RequestStore, StoreError},
};

use super::Place;

#[derive(Debug)]
struct Reopening(Place);

/// One step on a store of its own.
macro_rules! on_fresh {
    ($this:ident, $($call:tt)+) => {{
        let store = $this.0.open().await;
        let answer = store.$($call)+.await;
        store.close().await;
        answer
    }};
}

#[async_trait]
impl RequestStore for Reopening {
    async fn intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        on_fresh!(self, intake(requests))
    }

    async fn request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        on_fresh!(self, request(id))
    }

    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError> {
        on_fresh!(self, requests(filter))
    }

    async fn count_requests(&self, filter: &RequestFilter, most: u64) -> Result<u64, StoreError> {
        on_fresh!(self, count_requests(filter, most))
    }

    async fn standings(&self, at: Timestamp, soon: Timestamp) -> Result<Vec<Standing>, StoreError> {
        on_fresh!(self, standings(at, soon))
    }

    async fn tally(&self, filter: &TallyFilter) -> Result<Vec<Tally>, StoreError> {
        on_fresh!(self, tally(filter))
    }

    async fn log(&self, id: &RequestId) -> Result<Vec<AuditEntry>, StoreError> {
        on_fresh!(self, log(id))
    }

    async fn chains(&self, id: &RequestId) -> Result<Vec<LogChain>, StoreError> {
        on_fresh!(self, chains(id))
    }

    async fn note(&self, id: &RequestId, entry: &AuditEntry) -> Result<bool, StoreError> {
        on_fresh!(self, note(id, entry))
    }

    async fn decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        on_fresh!(self, decide(id, decision, by, at))
    }

    async fn claim_requests(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        limit: u32,
        at: Timestamp,
    ) -> Result<Vec<Claimed<Request>>, StoreError> {
        on_fresh!(self, claim_requests(scope, owner, lease, limit, at))
    }

    async fn save_request(&self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError> {
        on_fresh!(self, save_request(lease, update))
    }

    async fn save_task(&self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        on_fresh!(self, save_task(lease, task, at))
    }

    async fn backlog(&self, scope: &ClaimScope, at: Timestamp) -> Result<Vec<Backlog>, StoreError> {
        on_fresh!(self, backlog(scope, at))
    }

    async fn intend(&self, plan: &IntentPlan) -> Result<Intended, StoreError> {
        on_fresh!(self, intend(plan))
    }

    async fn claim_regulation(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError> {
        on_fresh!(self, claim_regulation(scope, owner, lease, at))
    }

    async fn save_regulation(&self, lease: &Lease, update: &LedgerUpdate) -> Result<(), StoreError> {
        on_fresh!(self, save_regulation(lease, update))
    }

    async fn is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError> {
        on_fresh!(self, is_known(connection, id))
    }

    async fn regulations(&self, filter: &LedgerFilter) -> Result<Vec<Ledger>, StoreError> {
        on_fresh!(self, regulations(filter))
    }

    async fn submitted(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        on_fresh!(self, submitted(connection, category, since))
    }

    async fn place_hold(&self, hold: &LegalHold, told: &AuditEntry) -> Result<(), StoreError> {
        on_fresh!(self, place_hold(hold, told))
    }

    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        on_fresh!(self, holds())
    }

    async fn lift_hold(&self, id: &HoldId, told: &AuditEntry) -> Result<Option<LegalHold>, StoreError> {
        on_fresh!(self, lift_hold(id, told))
    }

    async fn expired(&self, retention: &Retention, at: Timestamp, limit: u32) -> Result<Vec<Expired>, StoreError> {
        on_fresh!(self, expired(retention, at, limit))
    }

    async fn package_deleted(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        on_fresh!(self, package_deleted(id, at))
    }

    async fn destroy_identities(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        on_fresh!(self, destroy_identities(id, at))
    }

    async fn forget(&self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError> {
        on_fresh!(self, forget(id, at))
    }

    async fn drop_holds(&self, lifted_before: Timestamp) -> Result<u64, StoreError> {
        on_fresh!(self, drop_holds(lifted_before))
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        on_fresh!(self, sweep())
    }

    async fn next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError> {
        on_fresh!(self, next_due(scope))
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError> {
        on_fresh!(self, extend(lease, by))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        on_fresh!(self, release(lease))
    }
}

fn fresh() -> Ready<Box<Reopening>> {
    ready(Box::new(Reopening(Place::new())))
}

segment_core::request_store_conformance!(fresh);
