//! What humans decide, but for retries.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    BASIC, HELD, UNIFY, access, assert_misuse, at, awaiting, claim_only, due, erasure, get, halt, id, on_both, only,
    pending, put, record, sending, state, steps, update, wait_with,
};
use crate::{
    ConnectionKey, Decision, FindingCode, Gate, NewRequest, Outcome, RequestStatus, RequestUpdate, Resume, Task,
    TaskState, ports::RequestStore,
};

fn deny() -> Decision {
    Decision::Deny { reason: "not theirs".into() }
}

fn settle(connection: &str) -> Decision {
    Decision::Settle { connection: ConnectionKey::new(connection), note: "done by post".into() }
}

async fn decide(store: &dyn RequestStore, number: u32, decision: &Decision) -> crate::Request {
    let decided = store.decide(&id(number), decision, "ops", at(500)).await.unwrap().expect("the request");
    assert_eq!(decided, get(store, number).await, "the answer is the request as it is then");
    decided
}

/// Decides what cannot be decided here, and nothing changes.
async fn refused(store: &dyn RequestStore, number: u32, decision: &Decision) {
    let before = (get(store, number).await, steps(store, number).await);
    assert_misuse(store.decide(&id(number), decision, "ops", at(500)).await);
    assert_eq!((get(store, number).await, steps(store, number).await), before);
}

/// Approval opens a request, once.
pub async fn approval_opens_a_request(store: &dyn RequestStore) {
    record(store, &[pending(erasure(1))]).await;
    assert_eq!((get(store, 1).await.status, due(store).await), (RequestStatus::Pending, vec![]));
    let approved = decide(store, 1, &Decision::Approve).await;
    assert_eq!((approved.gate, approved.status), (Gate::Open, RequestStatus::Approved));
    assert_eq!(steps(store, 1).await, ["received", "approved", "status"]);
    refused(store, 1, &Decision::Approve).await;
    refused(store, 1, &deny()).await;
    assert_eq!(due(store).await, [id(1)]);
}

/// A denial says why, and is final.
pub async fn a_denial_says_why(store: &dyn RequestStore) {
    record(store, &[pending(erasure(1)), access(2)]).await;
    let denied = decide(store, 1, &deny()).await;
    assert_eq!((denied.gate, denied.status), (Gate::Denied, RequestStatus::Denied));
    assert_eq!(denied.denied_reason, Some("not theirs".into()));
    assert_eq!(store.log(&id(1)).await.unwrap()[1].facts, serde_json::json!({"reason": "not theirs", "by": "ops"}));
    refused(store, 1, &Decision::Approve).await;
    refused(store, 2, &deny()).await;
    assert_eq!(decide(store, 1, &Decision::Retry).await.status, RequestStatus::Denied);
    assert_eq!(due(store).await, [id(2)]);
}

/// Cancel stops what has not left yet, whether queued, resolved or halted before it was sent, and says how much that was.
pub async fn cancel_stops_what_has_not_left(store: &dyn RequestStore) {
    record(store, &[on_both(erasure(1)), erasure(3), pending(erasure(4))]).await;
    wait_with(store, erasure(2), ["u2"]).await;
    put(store, 3, TaskState::Attention(halt(Resume::Queued))).await;
    for number in 1..=4 {
        let canceled = decide(store, number, &Decision::Cancel).await;
        assert_eq!(canceled.status, RequestStatus::Canceled, "{number}");
        assert!(canceled.tasks.iter().all(|task| task.state == TaskState::Canceled));
    }
    let log = store.log(&id(1)).await.unwrap();
    let told = log.iter().find(|entry| entry.step == "canceled").unwrap();
    assert_eq!((told.at, &told.facts), (at(500), &serde_json::json!({"tasks": 2, "of": 2, "by": "ops"})));
    assert!(due(store).await.is_empty());
    assert!(store.backlog(&crate::ClaimScope::All, at(1_000)).await.unwrap().is_empty());
    assert_eq!(store.next_due(&crate::ClaimScope::All).await.unwrap().earliest(), None);
}

/// What may have been sent cannot be canceled: neither in the sending, nor accepted, nor halted after that.
pub async fn cancel_does_not_stop_what_has_left(store: &dyn RequestStore) {
    awaiting(store, 1, "rin_1").await;
    wait_with(store, on_both(erasure(2)), ["u2"]).await;
    super::sample::intend(store, &super::sample::plan("rin_2")).await;
    record(store, &[erasure(3), erasure(4)]).await;
    put(store, 3, TaskState::Attention(halt(Resume::Sending))).await;
    put(store, 4, TaskState::Error(halt(Resume::Awaiting))).await;
    for number in [1, 3, 4] {
        let before = state(store, number).await;
        decide(store, number, &Decision::Cancel).await;
        assert_eq!(state(store, number).await, before);
    }
    let half = decide(store, 2, &Decision::Cancel).await;
    assert_eq!(
        half.tasks.iter().map(|task| &task.state).collect::<Vec<_>>(),
        [&TaskState::Sending, &TaskState::Canceled]
    );
    assert_eq!(half.status, RequestStatus::InProcessing);
}

/// A human settles a halted task: it is complete, and says so for ever.
pub async fn a_halted_task_can_be_settled(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    put(store, 1, TaskState::Attention(halt(Resume::Queued))).await;
    let settled = decide(store, 1, &settle(BASIC)).await;
    assert_eq!((settled.status, settled.completed_at), (RequestStatus::Complete, Some(at(500))));
    assert_eq!(settled.tasks[0].state, TaskState::Complete(Outcome::Settled));
    assert!(settled.tasks[0].findings.iter().any(|finding| finding.code == FindingCode::SettledByHand));
    let log = store.log(&id(1)).await.unwrap();
    let told = log.iter().find(|entry| entry.step == "settled").unwrap();
    assert_eq!(told.facts, serde_json::json!({"connection": BASIC, "note": "done by post", "by": "ops"}));
}

/// Only what waits for a human can be settled.
pub async fn only_a_halted_task_can_be_settled(store: &dyn RequestStore) {
    record(store, &[access(1), access(2)]).await;
    put(store, 2, TaskState::Error(halt(Resume::Queued))).await;
    refused(store, 1, &settle(BASIC)).await;
    refused(store, 1, &settle(UNIFY)).await;
    refused(store, 2, &settle(BASIC)).await;
}

/// What stood still because of a settled task goes on at once.
pub async fn settling_lets_the_others_go_on(store: &dyn RequestStore) {
    record(store, &[on_both(access(1))]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let halted = Task { state: TaskState::Attention(halt(Resume::Queued)), ..claimed.item.tasks[0].clone() };
    let waits = Task { attempts: 3, ..claimed.item.tasks[1].clone() };
    store.save_request(&claimed.lease, &RequestUpdate { next_at: None, ..update(vec![halted, waits]) }).await.unwrap();
    assert!(due(store).await.is_empty());
    let settled = decide(store, 1, &settle(BASIC)).await;
    assert_eq!((settled.status, settled.tasks[1].attempts), (RequestStatus::InProcessing, 0));
    assert_eq!(store.next_due(&only(1)).await.unwrap().earliest(), Some(at(500)));
    assert_eq!(due(store).await, [id(1)]);
}

/// The deadline is lengthened once, as its law allows, and the order of work follows it.
pub async fn a_deadline_is_lengthened_once(store: &dyn RequestStore) {
    record(store, &[erasure(1), NewRequest { regime: crate::Regime::Ccpa, ..erasure(2) }]).await;
    let due_at = get(store, 1).await.due_at;
    let extend = Decision::Extend { reason: "complex".into() };
    assert_eq!(decide(store, 1, &extend).await.due_at, crate::Regime::Gdpr.extended(due_at));
    assert_eq!(steps(store, 1).await, ["received", "extended"]);
    refused(store, 1, &extend).await;
    assert_eq!(due(store).await, [id(2), id(1)]);
}

/// A request that is over has no deadline to lengthen.
pub async fn what_is_over_is_not_lengthened(store: &dyn RequestStore) {
    record(store, &[access(1), pending(access(2))]).await;
    put(store, 1, TaskState::Complete(Outcome::Collected)).await;
    decide(store, 2, &Decision::Deny { reason: "not theirs".into() }).await;
    for number in [1, 2] {
        refused(store, number, &Decision::Extend { reason: "complex".into() }).await;
    }
}

/// A refused decision leaves the worker its lease.
pub async fn a_refused_decision_takes_no_lease(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    refused(store, 1, &Decision::Approve).await;
    store.save_request(&claimed.lease, &update(vec![])).await.unwrap();
}

/// A decision does not touch the lease on the regulation: its sender sees it through.
pub async fn a_decision_leaves_the_regulation_to_its_sender(store: &dyn RequestStore) {
    let claimed = sending(store, 1, "rin_1").await;
    decide(store, 1, &Decision::Cancel).await;
    let step = super::sample::accepted(claimed.item, "reg_1", at(300));
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    assert_eq!(state(store, 1).await, TaskState::Awaiting);
}
