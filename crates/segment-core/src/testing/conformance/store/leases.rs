//! Leases: who may write.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    HELD, OVER, accepted, access, assert_misuse, assert_stale, at, awaiting, claim, claim_only, claim_regulation,
    erasure, get, id, intend, ledger, plan, record, sending, state, steps, update, wait_with,
};
use crate::{
    AuditEntry, Claimed, Decision, IntentId, IntentPlan, Lease, LeaseSubject, LedgerState, Outcome, RequestStatus,
    RequestUpdate, Task, TaskState, ports::RequestStore,
};

/// A step that would complete a request and tell so.
fn done(claimed: &Claimed<crate::Request>) -> RequestUpdate {
    let tasks = claimed.item.tasks.iter().cloned();
    let tasks = tasks.map(|task| Task { state: TaskState::Complete(Outcome::Collected), ..task });
    let audit = vec![AuditEntry::new(at(100), "done", serde_json::Value::Null)];
    RequestUpdate { audit, ..update(tasks.collect()) }
}

/// A saved step gives the lease back, and so does a release: a lease is good for one step.
pub async fn a_step_gives_the_lease_back(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let again = RequestUpdate { next_at: Some(at(1)), ..update(claimed.item.tasks) };
    store.save_request(&claimed.lease, &again).await.unwrap();
    assert_stale(store.save_request(&claimed.lease, &again).await);
    assert_stale(store.extend(&claimed.lease, HELD).await);
    assert_stale(store.release(&claimed.lease).await);
    let claimed = claim_only(store, 1, HELD).await;
    store.release(&claimed.lease).await.unwrap();
    claim_only(store, 1, HELD).await;
}

/// How often something was claimed is counted until a step of it is saved, it is given back, or somebody decides.
pub async fn claims_without_a_step_are_counted(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    assert_eq!(claim_only(store, 1, OVER).await.tries, 1);
    assert_eq!(claim_only(store, 1, OVER).await.tries, 2);
    let third = claim_only(store, 1, OVER).await;
    assert_eq!(third.tries, 3);
    store.save_task(&third.lease, &third.item.tasks[0], at(100)).await.unwrap();
    let fourth = claim_only(store, 1, OVER).await;
    assert_eq!(fourth.tries, 4, "the middle of a step is not its end");
    let again = RequestUpdate { next_at: Some(at(1)), ..update(fourth.item.tasks) };
    store.save_request(&fourth.lease, &again).await.unwrap();
    assert_eq!(claim_only(store, 1, OVER).await.tries, 1);
    let second = claim_only(store, 1, OVER).await;
    assert_eq!(second.tries, 2);
    store.release(&second.lease).await.unwrap();
    assert_eq!(claim_only(store, 1, OVER).await.tries, 1);
    store.decide(&id(1), &Decision::Extend { reason: "complex".into() }, "ops", at(5)).await.unwrap();
    assert_eq!(claim_only(store, 1, OVER).await.tries, 1);
    wait_with(store, erasure(2), ["u2"]).await;
    assert_eq!(intend(store, &IntentPlan { lease: OVER, ..plan("rin_1") }).await.tries, 1);
    assert_eq!(claim_regulation(store, OVER).await.unwrap().tries, 2);
}

/// Whoever comes late may still save, as long as nobody else took the work.
pub async fn a_lease_that_nobody_took_is_still_good(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, OVER).await;
    store.save_request(&claimed.lease, &done(&claimed)).await.unwrap();
    assert_eq!(get(store, 1).await.status, RequestStatus::Complete);
}

/// A lengthened lease keeps others out.
pub async fn an_extended_lease_keeps_others_out(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, OVER).await;
    store.extend(&claimed.lease, HELD).await.unwrap();
    assert!(claim(store, HELD).await.is_empty());
    store.save_request(&claimed.lease, &done(&claimed)).await.unwrap();
}

/// After somebody else took a request, the lease before can neither save, nor lengthen, nor give back; nothing of what it
/// tried is written, and the new lease is whole.
pub async fn a_stale_lease_of_a_request_is_refused(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let old = claim_only(store, 1, OVER).await;
    let new = claim_only(store, 1, HELD).await;
    let (before, log) = (get(store, 1).await, steps(store, 1).await);
    assert_stale(store.save_request(&old.lease, &done(&old)).await);
    assert_stale(store.extend(&old.lease, OVER).await);
    assert_stale(store.release(&old.lease).await);
    assert_eq!((get(store, 1).await, steps(store, 1).await), (before, log));
    assert!(claim(store, HELD).await.is_empty(), "the new lease still holds");
    store.save_request(&new.lease, &done(&new)).await.unwrap();
}

/// After somebody else took a regulation, the same holds.
pub async fn a_stale_lease_of_a_regulation_is_refused(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1"]).await;
    let old = intend(store, &IntentPlan { lease: OVER, ..plan("rin_1") }).await;
    let new = claim_regulation(store, HELD).await.unwrap();
    assert!(new.lease.fence > old.lease.fence);
    let before = (get(store, 1).await, steps(store, 1).await, ledger(store, "rin_1").await);
    let late = accepted(old.item, "reg_1", at(300));
    assert_stale(store.save_regulation(&old.lease, &late).await);
    assert_stale(store.extend(&old.lease, OVER).await);
    assert_stale(store.release(&old.lease).await);
    assert_eq!((get(store, 1).await, steps(store, 1).await, ledger(store, "rin_1").await), before);
    assert!(claim_regulation(store, HELD).await.is_none(), "the new lease still holds");
    store.save_regulation(&new.lease, &accepted(new.item, "reg_1", at(300))).await.unwrap();
    assert_eq!(state(store, 1).await, TaskState::Awaiting);
}

/// A human's decision takes the lease from whoever works on the request: the worker must not overwrite it.
pub async fn a_decision_takes_the_lease_away(store: &dyn RequestStore) {
    let extend = Decision::Extend { reason: "complex".into() };
    for (number, decision) in [(1, Decision::Cancel), (2, extend), (3, Decision::Retry)] {
        record(store, &[access(number)]).await;
        let claimed = claim_only(store, number, HELD).await;
        store.decide(&id(number), &decision, "ops", at(5)).await.unwrap().unwrap();
        let before = get(store, number).await;
        assert_stale(store.save_request(&claimed.lease, &done(&claimed)).await);
        assert_stale(store.extend(&claimed.lease, HELD).await);
        assert_stale(store.release(&claimed.lease).await);
        assert_eq!(get(store, number).await, before);
    }
    claim_only(store, 2, HELD).await;
}

/// A lease is for what it is on: a step of a request needs the lease of a request, a step of a regulation that of this
/// regulation and no other.
pub async fn a_lease_is_for_its_subject(store: &dyn RequestStore) {
    let regulation = sending(store, 1, "rin_1").await;
    record(store, &[access(2)]).await;
    let request = claim_only(store, 2, HELD).await;
    assert_misuse(store.save_request(&regulation.lease, &done(&request)).await);
    let step = accepted(regulation.item.clone(), "reg_1", at(300));
    assert_misuse(store.save_regulation(&request.lease, &step).await);
    wait_with(store, erasure(3), ["u3"]).await;
    let other = intend(store, &plan("rin_2")).await;
    assert_misuse(store.save_regulation(&other.lease, &step).await);
    assert_eq!(ledger(store, "rin_1").await.state, LedgerState::Sending);
    store.save_regulation(&regulation.lease, &step).await.unwrap();
}

/// A lease on something that is not there is stale.
pub async fn a_lease_on_nothing_is_stale(store: &dyn RequestStore) {
    for subject in [LeaseSubject::Request(id(9)), LeaseSubject::Regulation(IntentId::new("rin_9"))] {
        let lease = Lease { subject, fence: 1 };
        assert_stale(store.extend(&lease, HELD).await);
        assert_stale(store.release(&lease).await);
    }
    let lease = Lease { subject: LeaseSubject::Request(id(9)), fence: 0 };
    assert_stale(store.save_request(&lease, &update(vec![])).await);
}

/// A regulation is one worker's at a time too; a lease that is over is claimed again and can be lengthened.
pub async fn a_regulation_is_one_workers_at_a_time(store: &dyn RequestStore) {
    awaiting(store, 1, "rin_1").await;
    let first = claim_regulation(store, OVER).await.unwrap();
    let second = claim_regulation(store, OVER).await.unwrap();
    assert!(second.lease.fence > first.lease.fence);
    store.extend(&second.lease, HELD).await.unwrap();
    assert!(claim_regulation(store, HELD).await.is_none());
    store.release(&second.lease).await.unwrap();
    assert!(claim_regulation(store, HELD).await.is_some());
}
