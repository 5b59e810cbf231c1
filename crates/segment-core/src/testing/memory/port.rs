//! The port, method by method.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;

use super::state::{State, misuse};
use crate::{
    AuditEntry, Backlog, ChainEnd, ClaimScope, Claimed, ConnectionKey, Decision, Due, Expired, HoldId, Intake,
    Intended, IntentPlan, Lease, Ledger, LedgerFilter, LedgerUpdate, LegalHold, LogChain, NewRequest, QuotaCategory,
    RegulationId, Request, RequestFilter, RequestId, RequestSummary, RequestUpdate, Retention, Standing, Tally,
    TallyFilter, Task,
    ports::{Clock, RequestStore, StoreError},
    testing::ManualClock,
};

/// Keeps requests in memory. Clones share what they keep, as several workers share a database.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl MemoryStore {
    /// An empty store. `clock` stands for the database's own: leases, `send_by` and listings run on it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Arc::default() }
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All of a step or nothing.
    fn step<T>(&self, step: impl FnOnce(&mut State, Timestamp) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = state.clone();
        let done = step(&mut next, self.clock.now())?;
        *state = next;
        Ok(done)
    }
}

impl Default for MemoryStore {
    /// With a [`ManualClock`] that nobody moves: leases end only if they are given back or taken away.
    fn default() -> Self {
        Self::new(Arc::new(ManualClock::default()))
    }
}

#[async_trait]
impl RequestStore for MemoryStore {
    async fn intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        self.step(|state, _| state.intake(requests))
    }

    async fn request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        Ok(self.read(|state| state.find(id).map(|entry| entry.request.clone())))
    }

    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError> {
        Ok(self.read(|state| state.list_requests(filter)))
    }

    async fn count_requests(&self, filter: &RequestFilter, most: u64) -> Result<u64, StoreError> {
        Ok(self.read(|state| state.count_requests(filter).min(most)))
    }

    async fn standings(&self, at: Timestamp, soon: Timestamp) -> Result<Vec<Standing>, StoreError> {
        Ok(self.read(|state| state.standings(at, soon)))
    }

    async fn tally(&self, filter: &TallyFilter) -> Result<Vec<Tally>, StoreError> {
        Ok(self.read(|state| state.tally(filter)))
    }

    async fn log(&self, id: &RequestId) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(self.read(|state| state.find(id).map(|entry| entry.log.clone()).unwrap_or_default()))
    }

    /// One chain: what is told of a regulation stands in the log of each person here.
    async fn chains(&self, id: &RequestId) -> Result<Vec<LogChain>, StoreError> {
        let mut end = ChainEnd::of(id.as_str());
        let link = |entry: AuditEntry| {
            end.append(&entry);
            (entry, end.hash)
        };
        let entries: Vec<_> = self.log(id).await?.into_iter().map(link).collect();
        let chain = LogChain { subject: id.as_str().to_owned(), entries };
        Ok(Some(chain).filter(|chain| !chain.entries.is_empty()).into_iter().collect())
    }

    async fn note(&self, id: &RequestId, entry: &AuditEntry) -> Result<bool, StoreError> {
        self.step(|state, _| {
            let found = state.entry(id);
            Ok(found.map(|request| request.log.push(entry.clone())).is_some())
        })
    }

    async fn decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        self.step(|state, _| state.decide(id, decision, by, at))
    }

    async fn claim_requests(
        &self,
        scope: &ClaimScope,
        _owner: &str,
        lease: Duration,
        limit: u32,
        at: Timestamp,
    ) -> Result<Vec<Claimed<Request>>, StoreError> {
        self.step(|state, now| Ok(state.claim_requests(scope, lease, limit, at, now)))
    }

    async fn save_request(&self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError> {
        self.step(|state, _| state.save_request(lease, update))
    }

    async fn save_task(&self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        self.step(|state, _| state.save_task(lease, task, at))
    }

    async fn backlog(&self, scope: &ClaimScope, at: Timestamp) -> Result<Vec<Backlog>, StoreError> {
        Ok(self.read(|state| state.backlog(scope, at)))
    }

    async fn intend(&self, plan: &IntentPlan) -> Result<Intended, StoreError> {
        self.step(|state, now| state.intend(plan, now))
    }

    async fn claim_regulation(
        &self,
        scope: &ClaimScope,
        _owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError> {
        self.step(|state, now| Ok(state.claim_regulation(scope, lease, at, now)))
    }

    async fn save_regulation(&self, lease: &Lease, update: &LedgerUpdate) -> Result<(), StoreError> {
        self.step(|state, now| state.save_regulation(lease, update, now))
    }

    async fn is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError> {
        Ok(self.read(|state| state.is_known(connection, id)))
    }

    async fn regulations(&self, filter: &LedgerFilter) -> Result<Vec<Ledger>, StoreError> {
        Ok(self.read(|state| state.list_regulations(filter)))
    }

    async fn submitted(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        Ok(self.read(|state| state.submitted(connection, category, since)))
    }

    async fn place_hold(&self, hold: &LegalHold, _: &AuditEntry) -> Result<(), StoreError> {
        self.step(|state, _| match state.holds.insert(hold.id.clone(), hold.clone()) {
            None => Ok(()),
            Some(_) => Err(misuse("a legal hold of this id is recorded already")),
        })
    }

    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        Ok(self.read(|state| state.holds.values().rev().cloned().collect()))
    }

    async fn lift_hold(&self, id: &HoldId, told: &AuditEntry) -> Result<Option<LegalHold>, StoreError> {
        self.step(|state, _| {
            let hold = state.holds.get_mut(id);
            Ok(hold.map(|hold| {
                hold.lifted_at.get_or_insert(told.at);
                hold.clone()
            }))
        })
    }

    async fn expired(&self, retention: &Retention, at: Timestamp, limit: u32) -> Result<Vec<Expired>, StoreError> {
        Ok(self.read(|state| state.expired(retention, at, limit)))
    }

    async fn package_deleted(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        self.step(|state, _| {
            state.package_deleted(id, at);
            Ok(())
        })
    }

    async fn destroy_identities(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        self.step(|state, _| state.destroy_identities(id, at))
    }

    async fn forget(&self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError> {
        self.step(|state, _| state.forget(id, at))
    }

    async fn drop_holds(&self, lifted_before: Timestamp) -> Result<u64, StoreError> {
        self.step(|state, _| {
            let before = state.holds.len();
            state.holds.retain(|_, hold| hold.lifted_at.is_none_or(|lifted| lifted >= lifted_before));
            Ok((before - state.holds.len()) as u64)
        })
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError> {
        Ok(self.read(|state| state.next_due(scope)))
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError> {
        self.step(|state, now| state.extend(lease, by, now))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.step(|state, _| state.give_back(lease))
    }
}
