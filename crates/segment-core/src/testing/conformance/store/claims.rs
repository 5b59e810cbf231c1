//! What is claimed, and when.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    HELD, OVER, access, at, claim, claim_only, due, erasure, get, halt, id, only, pending, people, put, record, steps,
    update,
};
use crate::{
    ClaimScope, Decision, NewRequest, Outcome, Regime, RequestStatus, RequestUpdate, Resume, TaskState,
    ports::RequestStore,
};

/// The earliest deadline comes first, not the first to come; no more are claimed than asked for.
pub async fn the_earliest_deadline_is_claimed_first(store: &dyn RequestStore) {
    let ccpa = NewRequest { regime: Regime::Ccpa, ..access(1) };
    record(store, &[ccpa, access(3), access(2)]).await;
    let claimed = store.claim_requests(&ClaimScope::All, "worker", HELD, 2, at(1_000)).await.unwrap();
    let ids: Vec<_> = claimed.into_iter().map(|one| one.item.id).collect();
    assert_eq!(ids, [id(2), id(3)]);
    assert_eq!(due(store).await, [id(1)]);
}

/// What somebody holds nobody else gets.
pub async fn what_is_held_is_not_claimed_again(store: &dyn RequestStore) {
    record(store, &[access(1), access(2)]).await;
    assert_eq!(claim(store, HELD).await.len(), 2);
    assert!(claim(store, HELD).await.is_empty());
}

/// A lease that is over is claimed again, with a higher fence.
pub async fn a_lease_that_is_over_is_claimed_again(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let first = claim_only(store, 1, OVER).await;
    let second = claim_only(store, 1, OVER).await;
    assert!(second.lease.fence > first.lease.fence);
    assert!(second.store_now >= first.store_now);
}

/// The claim itself begins a request, and comes with it as it is then.
pub async fn a_claim_begins_the_request(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    assert!(claimed.item.begun && claimed.item.status == RequestStatus::InProcessing);
    assert_eq!(claimed.item, get(store, 1).await);
    assert_eq!(steps(store, 1).await, ["received", "status"]);
    store.release(&claimed.lease).await.unwrap();
    claim_only(store, 1, HELD).await;
    assert_eq!(steps(store, 1).await, ["received", "status"], "a status that stays is not told again");
}

/// Nothing is claimed before its time, which is the caller's: neither a new request nor one that has to pause.
pub async fn nothing_is_claimed_before_its_time(store: &dyn RequestStore) {
    record(store, &[access(10)]).await;
    let early = store.claim_requests(&ClaimScope::All, "worker", HELD, 9, at(9)).await.unwrap();
    assert!(early.is_empty());
    let claimed = store.claim_requests(&ClaimScope::All, "worker", HELD, 9, at(10)).await.unwrap().remove(0);
    let pause = RequestUpdate { next_at: Some(at(20)), ..update(claimed.item.tasks) };
    store.save_request(&claimed.lease, &pause).await.unwrap();
    assert!(store.claim_requests(&ClaimScope::All, "worker", HELD, 9, at(19)).await.unwrap().is_empty());
    assert_eq!(store.claim_requests(&ClaimScope::All, "worker", HELD, 9, at(20)).await.unwrap().len(), 1);
}

/// A worker gets only what is in its scope.
pub async fn only_the_scope_is_claimed(store: &dyn RequestStore) {
    record(store, &[access(1), access(2), access(3)]).await;
    let scope = ClaimScope::Requests(vec![id(3), id(2)]);
    let claimed = store.claim_requests(&scope, "worker", HELD, 9, at(1_000)).await.unwrap();
    assert_eq!(claimed.into_iter().map(|one| one.item.id).collect::<Vec<_>>(), [id(2), id(3)]);
    assert!(
        store.claim_requests(&ClaimScope::Requests(vec![]), "worker", HELD, 9, at(1_000)).await.unwrap().is_empty()
    );
}

/// What waits for approval, is denied, called off or done is never claimed.
pub async fn only_open_requests_are_claimed(store: &dyn RequestStore) {
    record(store, &[pending(access(1)), pending(access(2)), access(3), access(4)]).await;
    store.decide(&id(2), &Decision::Deny { reason: "not theirs".into() }, "ops", at(5)).await.unwrap();
    store.decide(&id(3), &Decision::Cancel, "ops", at(5)).await.unwrap();
    put(store, 4, TaskState::Complete(Outcome::Collected)).await;
    assert!(due(store).await.is_empty());
}

/// An erasure waits while an earlier access that shares an identity is open, for then the data are still to be sent. It
/// holds up nobody else, and it is not planned work.
pub async fn an_erasure_waits_for_an_earlier_access(store: &dyn RequestStore) {
    let access = NewRequest { identities: people(["ann", "ann.work"]), ..access(1) };
    let same = NewRequest { identities: people(["ANN", "ann.home"]), ..erasure(2) };
    record(store, &[access, same, erasure(3)]).await;
    assert_eq!(due(store).await, [id(1), id(3)]);
    assert_eq!(store.next_due(&only(2)).await.unwrap().earliest(), None);
    put(store, 1, TaskState::Complete(Outcome::Collected)).await;
    assert_eq!(due(store).await, [id(2), id(3)]);
    assert_eq!(store.next_due(&only(2)).await.unwrap().earliest(), Some(at(2)));
}

/// An access that a human must look at is still open, and one that is pending may yet be approved; one that was given up is
/// over.
pub async fn an_erasure_waits_until_the_access_is_over(store: &dyn RequestStore) {
    let erasure = NewRequest { identities: access(1).identities, ..erasure(2) };
    record(store, &[pending(access(1)), erasure]).await;
    assert!(due(store).await.is_empty());
    store.decide(&id(1), &Decision::Approve, "ops", at(3)).await.unwrap();
    put(store, 1, TaskState::Attention(halt(Resume::Queued))).await;
    assert!(due(store).await.is_empty());
    store.decide(&id(1), &Decision::Retry, "ops", at(4)).await.unwrap();
    put(store, 1, TaskState::Error(halt(Resume::Queued))).await;
    assert_eq!(due(store).await, [id(2)]);
}

/// Within one moment of the clock nobody knows which came first: the data are sent before they are deleted.
pub async fn what_came_in_the_same_moment_waits_too(store: &dyn RequestStore) {
    let same = access(2);
    let erasure = NewRequest { identities: same.identities.clone(), received_at: same.received_at, ..erasure(1) };
    record(store, &[erasure, same]).await;
    assert_eq!(due(store).await, [id(2)]);
}

/// Only erasures wait, and only for accesses that came before: neither an access, nor an erasure for a later access or for
/// another erasure.
pub async fn nothing_else_waits(store: &dyn RequestStore) {
    let ann = |request: NewRequest| NewRequest { identities: people(["ann"]), ..request };
    let both = NewRequest { identities: people(["ann", "ben"]), ..erasure(4) };
    record(store, &[ann(erasure(1)), ann(access(2))]).await;
    assert_eq!(due(store).await, [id(1), id(2)]);
    put(store, 2, TaskState::Complete(Outcome::Collected)).await;
    record(store, &[both]).await;
    assert_eq!(due(store).await, [id(1), id(4)]);
}
