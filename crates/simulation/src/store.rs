//! The record database as one process sees it: each step can be broken off before and after, and is checked.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use segment_core::{
    AuditEntry, Backlog, ClaimScope, Claimed, ConnectionKey, Decision, Due, Expired, HoldId, Intake, Intended,
    IntentPlan, Lease, Ledger, LedgerFilter, LedgerUpdate, LegalHold, LogChain, NewRequest, QuotaCategory,
    RegulationId, Request, RequestFilter, RequestId, RequestSummary, RequestUpdate, Retention, Standing, Tally,
    TallyFilter, Task,
    ports::{RequestStore, StoreError},
    testing::MemoryStore,
};

use crate::{crashes::When, invariants, process::Process};

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) process: Arc<Process>,
}

impl Store {
    fn inner(&self) -> &MemoryStore {
        &self.process.world.store
    }

    /// A step: it is made or not, its answer arrives or not, and after it the invariants hold.
    async fn step<T>(
        &self,
        name: &'static str,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.process.at_store(When::Before, name).await?;
        let done = step.await;
        if done.is_ok() {
            self.process.tell(name);
        }
        invariants::check(&self.process.world);
        self.process.at_store(When::After, name).await?;
        done
    }

    /// A step under a lease, which must be the newest on its subject.
    async fn guarded<T>(
        &self,
        name: &'static str,
        lease: &Lease,
        step: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let world = &self.process.world;
        let step = async {
            let done = step.await;
            if done.is_ok() && world.fences.is_stale(lease) {
                let what =
                    format!("{} wrote {name} of {:?} with the token {}", self.process.name, lease.subject, lease.fence);
                world.trace.violation("a stale worker's writes are refused", what);
            }
            done
        };
        self.step(name, step).await
    }

    fn given<T>(&self, claimed: &Claimed<T>) {
        self.process.tell(format!("holds {:?} with the token {}", claimed.lease.subject, claimed.lease.fence));
        self.process.world.fences.given(&claimed.lease);
    }
}

#[async_trait]
impl RequestStore for Store {
    async fn intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        self.step("intake", self.inner().intake(requests)).await
    }

    async fn request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        self.inner().request(id).await
    }

    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError> {
        self.inner().requests(filter).await
    }

    async fn count_requests(&self, filter: &RequestFilter, most: u64) -> Result<u64, StoreError> {
        self.inner().count_requests(filter, most).await
    }

    async fn standings(&self, at: Timestamp, soon: Timestamp) -> Result<Vec<Standing>, StoreError> {
        self.inner().standings(at, soon).await
    }

    async fn tally(&self, filter: &TallyFilter) -> Result<Vec<Tally>, StoreError> {
        self.inner().tally(filter).await
    }

    async fn log(&self, id: &RequestId) -> Result<Vec<AuditEntry>, StoreError> {
        self.inner().log(id).await
    }

    async fn chains(&self, id: &RequestId) -> Result<Vec<LogChain>, StoreError> {
        self.inner().chains(id).await
    }

    async fn note(&self, id: &RequestId, entry: &AuditEntry) -> Result<bool, StoreError> {
        self.inner().note(id, entry).await
    }

    async fn decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        let step = async {
            let before = self.inner().request(id).await?;
            let done = self.inner().decide(id, decision, by, at).await;
            if let (Some(before), Ok(Some(_))) = (before, &done) {
                self.process.world.history.decided(&before, decision);
            }
            done
        };
        self.step("decide", step).await
    }

    async fn claim_requests(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        limit: u32,
        at: Timestamp,
    ) -> Result<Vec<Claimed<Request>>, StoreError> {
        let claim = async {
            let claimed = self.inner().claim_requests(scope, owner, lease, limit, at).await?;
            for one in &claimed {
                self.given(one);
            }
            Ok(claimed)
        };
        self.process.at_store(When::Before, "claim_requests").await?;
        let claimed = claim.await?;
        if !claimed.is_empty() {
            self.process.at_store(When::After, "claim_requests").await?;
        }
        Ok(claimed)
    }

    async fn save_request(&self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError> {
        self.guarded("save_request", lease, self.inner().save_request(lease, update)).await
    }

    async fn save_task(&self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        self.guarded("save_task", lease, self.inner().save_task(lease, task, at)).await
    }

    async fn backlog(&self, scope: &ClaimScope, at: Timestamp) -> Result<Vec<Backlog>, StoreError> {
        self.inner().backlog(scope, at).await
    }

    async fn intend(&self, plan: &IntentPlan) -> Result<Intended, StoreError> {
        self.process.at_store(When::Before, "intend").await?;
        let intended = self.inner().intend(plan).await?;
        if let Intended::Recorded(claimed) = &intended {
            self.given(claimed);
            invariants::check(&self.process.world);
            self.process.at_store(When::After, "intend").await?;
        }
        Ok(intended)
    }

    async fn claim_regulation(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError> {
        self.process.at_store(When::Before, "claim_regulation").await?;
        let claimed = self.inner().claim_regulation(scope, owner, lease, at).await?;
        if let Some(claimed) = &claimed {
            self.given(claimed);
            self.process.at_store(When::After, "claim_regulation").await?;
        }
        Ok(claimed)
    }

    async fn save_regulation(&self, lease: &Lease, update: &LedgerUpdate) -> Result<(), StoreError> {
        self.process.tell(format!("will have {} {}", update.ledger.intent, update.ledger.state.as_str()));
        self.guarded("save_regulation", lease, self.inner().save_regulation(lease, update)).await
    }

    async fn is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError> {
        self.inner().is_known(connection, id).await
    }

    async fn regulations(&self, filter: &LedgerFilter) -> Result<Vec<Ledger>, StoreError> {
        self.inner().regulations(filter).await
    }

    async fn submitted(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        self.inner().submitted(connection, category, since).await
    }

    async fn place_hold(&self, hold: &LegalHold, told: &AuditEntry) -> Result<(), StoreError> {
        self.step("place_hold", self.inner().place_hold(hold, told)).await
    }

    async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        self.inner().holds().await
    }

    async fn lift_hold(&self, id: &HoldId, told: &AuditEntry) -> Result<Option<LegalHold>, StoreError> {
        self.step("lift_hold", self.inner().lift_hold(id, told)).await
    }

    async fn expired(&self, retention: &Retention, at: Timestamp, limit: u32) -> Result<Vec<Expired>, StoreError> {
        self.inner().expired(retention, at, limit).await
    }

    async fn package_deleted(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        self.step("package_deleted", self.inner().package_deleted(id, at)).await
    }

    async fn destroy_identities(&self, id: &RequestId, at: Timestamp) -> Result<(), StoreError> {
        self.step("destroy_identities", self.inner().destroy_identities(id, at)).await
    }

    async fn forget(&self, id: &RequestId, at: Timestamp) -> Result<bool, StoreError> {
        self.step("forget", self.inner().forget(id, at)).await
    }

    async fn drop_holds(&self, lifted_before: Timestamp) -> Result<u64, StoreError> {
        self.step("drop_holds", self.inner().drop_holds(lifted_before)).await
    }

    async fn sweep(&self) -> Result<(), StoreError> {
        self.inner().sweep().await
    }

    async fn next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError> {
        self.inner().next_due(scope).await
    }

    async fn extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError> {
        self.guarded("extend", lease, self.inner().extend(lease, by)).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.guarded("release", lease, self.inner().release(lease)).await
    }
}
