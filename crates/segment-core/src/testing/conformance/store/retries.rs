//! Retries: what was halted goes on where it stopped.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    BASIC, HELD, access, at, awaiting, claim_only, claim_regulation, due, erasure, get, halt, id, ids, intend, ledger,
    ledger_update, on_both, only, plan, record, resolved, sending, state, steps, update, wait_with, with_rows,
};
use crate::{
    Claimed, Decision, Ledger, LedgerState, MemberChange, MemberNote, Outcome, RequestStatus, RequestUpdate, Resume,
    Task, TaskEvent, TaskState, ports::RequestStore,
};

async fn retry(store: &dyn RequestStore, number: u32) -> crate::Request {
    store.decide(&id(number), &Decision::Retry, "ops", at(500)).await.unwrap().unwrap()
}

/// Halts a claimed regulation and everybody in it.
async fn stop(store: &dyn RequestStore, claimed: Claimed<Ledger>, event: TaskEvent) {
    let halted = Ledger { state: LedgerState::Halted, next_at: None, attempts: 5, ..claimed.item };
    store.save_regulation(&claimed.lease, &ledger_update(halted, MemberChange::All(event))).await.unwrap();
}

/// What stopped before anything was sent begins anew at once, with a clean count of attempts.
pub async fn a_retry_begins_anew_what_was_not_sent(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let task = Task { state: TaskState::Error(halt(Resume::Queued)), attempts: 7, ..claimed.item.tasks[0].clone() };
    store.save_request(&claimed.lease, &update(vec![task])).await.unwrap();
    assert!(due(store).await.is_empty());
    let retried = retry(store, 1).await;
    assert_eq!((&retried.tasks[0].state, retried.tasks[0].attempts), (&TaskState::Queued, 0));
    assert_eq!(retried.status, RequestStatus::InProcessing);
    assert_eq!(store.next_due(&only(1)).await.unwrap().earliest(), Some(at(500)));
    assert_eq!(due(store).await, [id(1)]);
    assert!(steps(store, 1).await.contains(&"retried".to_owned()));
}

/// What Segment refused, or ended without success, waits for a new regulation with the resolution that it has; the old one
/// stays in the history and is not looked at again.
pub async fn a_retry_sends_a_refused_one_anew(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 2, "rin_1").await;
    let halted = MemberChange::All(TaskEvent::NeedHuman(halt(Resume::Resolved)));
    store.save_regulation(&lease, &super::sample::closed(item, halted)).await.unwrap();
    let retried = retry(store, 1).await;
    assert_eq!(retried.tasks[0].state, TaskState::Resolved);
    assert!(retried.tasks[0].resolution.is_some());
    assert_eq!(state(store, 2).await, TaskState::Attention(halt(Resume::Resolved)), "each has its own new regulation");
    assert_eq!(ledger(store, "rin_1").await.state, LedgerState::Closed);
    assert!(due(store).await.is_empty(), "it is not resolved again");
    let again = intend(store, &plan("rin_2")).await.item;
    assert_eq!((again.subjects, again.members.len()), (ids(["u1"]), 1));
    assert!(claim_regulation(store, HELD).await.is_none());
}

/// Whoever is retried alone is sent with nobody else, whoever is retried at the same time.
pub async fn a_retry_alone_is_sent_with_nobody_else(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 4, "rin_1").await;
    let halted = MemberChange::All(TaskEvent::NeedHuman(halt(Resume::Resolved)));
    store.save_regulation(&lease, &super::sample::closed(item, halted)).await.unwrap();
    for (number, decision) in
        [(1, Decision::Retry), (2, Decision::RetryAlone), (3, Decision::RetryAlone), (4, Decision::Retry)]
    {
        let retried = store.decide(&id(number), &decision, "ops", at(500)).await.unwrap().unwrap();
        assert_eq!(retried.tasks[0].state, TaskState::Resolved);
    }
    let mut sent = Vec::new();
    for intent in ["rin_2", "rin_3", "rin_4"] {
        sent.push(intend(store, &plan(intent)).await.item.subjects);
    }
    sent.sort();
    assert_eq!(sent, [ids(["u1", "u4"]), ids(["u2"]), ids(["u3"])]);
    assert!(store.backlog(&crate::ClaimScope::All, at(1_000)).await.unwrap().is_empty());
}

/// It stays so where the regulation was only looked for once more, and also where it was then halved: a part holds no more people
/// than anybody in it may be with.
pub async fn a_retry_alone_is_not_forgotten_meanwhile(store: &dyn RequestStore) {
    let claimed = sending(store, 3, "rin_1").await;
    look_again_in_vain(store, claimed, 2, None).await;
    let claimed = intend(store, &plan("rin_2")).await;
    assert_eq!(claimed.item.subjects, ids(["u1", "u3"]));
    look_again_in_vain(store, claimed, 3, Some(2)).await;
    let mut sent = Vec::new();
    for intent in ["rin_3", "rin_4", "rin_5"] {
        sent.push(intend(store, &plan(intent)).await.item.subjects);
    }
    sent.sort();
    assert_eq!(sent, [ids(["u1"]), ids(["u2"]), ids(["u3"])]);
}

/// Halts a regulation, lets one of its people go on alone, and gives everybody back.
async fn look_again_in_vain(store: &dyn RequestStore, claimed: Claimed<Ledger>, alone: u32, max_people: Option<u64>) {
    stop(store, claimed, TaskEvent::NeedHuman(halt(Resume::Sending))).await;
    store.decide(&id(alone), &Decision::RetryAlone, "ops", at(500)).await.unwrap();
    let again = claim_regulation(store, HELD).await.unwrap();
    let requeued = super::sample::closed(again.item, MemberChange::Requeue { max_people });
    store.save_regulation(&again.lease, &requeued).await.unwrap();
}

/// A regulation that could not be found is looked for again, for everybody in it: it is one regulation at Segment.
pub async fn a_retry_looks_again_for_a_lost_one(store: &dyn RequestStore) {
    let claimed = sending(store, 3, "rin_1").await;
    stop(store, claimed, TaskEvent::NeedHuman(halt(Resume::Sending))).await;
    assert!(claim_regulation(store, HELD).await.is_none());
    assert_eq!(retry(store, 2).await.tasks[0].state, TaskState::Sending);
    for number in 1..=3 {
        let request = get(store, number).await;
        assert_eq!((&request.tasks[0].state, request.status), (&TaskState::Sending, RequestStatus::InProcessing));
    }
    let again = claim_regulation(store, HELD).await.unwrap().item;
    assert_eq!((again.state, again.next_at, again.attempts), (LedgerState::Unknown, Some(at(500)), 0));
    assert_eq!(again.members.len(), 3);
}

/// A regulation that exists is followed again, for everybody in it, and is not sent again.
pub async fn a_retry_goes_on_with_the_regulation_that_exists(store: &dyn RequestStore) {
    awaiting(store, 2, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    stop(store, claimed, TaskEvent::GiveUp(halt(Resume::Awaiting))).await;
    assert_eq!(get(store, 2).await.status, RequestStatus::Error);
    assert_eq!(retry(store, 1).await.tasks[0].state, TaskState::Awaiting);
    assert_eq!(get(store, 2).await.status, RequestStatus::AwaitingProcessor);
    let again = claim_regulation(store, HELD).await.unwrap();
    assert_eq!((again.item.state, again.item.next_at), (LedgerState::Tracking, Some(at(500))));
    assert!(store.backlog(&crate::ClaimScope::All, at(1_000)).await.unwrap().is_empty());
    let done = ledger_update(again.item, MemberChange::All(TaskEvent::Complete(Outcome::Suppressed)));
    store.save_regulation(&again.lease, &done).await.unwrap();
    assert_eq!(state(store, 2).await, TaskState::Complete(Outcome::Suppressed));
}

/// Somebody in the regulation whom a human settled, or who waits for a regulation of their own, is not taken along.
pub async fn a_retry_takes_along_only_who_goes_on_with_it(store: &dyn RequestStore) {
    awaiting(store, 3, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let own = TaskEvent::NeedHuman(halt(Resume::Resolved));
    let halted = Ledger { state: LedgerState::Halted, next_at: None, ..claimed.item };
    let mut step = ledger_update(halted, MemberChange::All(TaskEvent::NeedHuman(halt(Resume::Awaiting))));
    step.notes = vec![MemberNote { event: Some(own), ..super::sample::note(3) }];
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    let settle = Decision::Settle { connection: crate::ConnectionKey::new(BASIC), note: "by hand".into() };
    store.decide(&id(2), &settle, "ops", at(400)).await.unwrap();
    retry(store, 1).await;
    assert_eq!(state(store, 1).await, TaskState::Awaiting);
    assert_eq!(state(store, 2).await, TaskState::Complete(Outcome::Settled));
    assert_eq!(state(store, 3).await, TaskState::Attention(halt(Resume::Resolved)));
}

/// Only halted tasks are retried: what is complete, sent or called off stays, and nothing confirmed is sent again.
pub async fn a_retry_leaves_the_rest_alone(store: &dyn RequestStore) {
    record(store, &[on_both(erasure(1)), erasure(2)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let [basic, unify] = claimed.item.tasks.try_into().unwrap();
    let done = Task { state: TaskState::Complete(Outcome::NoData), ..basic };
    let failed = Task { state: TaskState::Error(halt(Resume::Queued)), ..unify };
    store.save_request(&claimed.lease, &RequestUpdate { ..update(vec![done, failed]) }).await.unwrap();
    let retried = retry(store, 1).await;
    assert_eq!(retried.tasks[0].state, TaskState::Complete(Outcome::NoData));
    assert_eq!(retried.tasks[1].state, TaskState::Queued);
    store.decide(&id(2), &Decision::Cancel, "ops", at(400)).await.unwrap();
    assert_eq!(retry(store, 2).await.status, RequestStatus::Canceled);
    assert_eq!(due(store).await, [id(1)]);
}

/// A package holds everybody's data: when one part of an access is collected again, so is everything that was asked before, also
/// where nothing was found. An access without anything halted stays as it is.
pub async fn a_retried_access_is_collected_as_a_whole(store: &dyn RequestStore) {
    record(store, &[with_rows(on_both(access(1))), access(2)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let [basic, unify, rows] = claimed.item.tasks.try_into().unwrap();
    let nothing = Task { state: TaskState::Complete(Outcome::NoData), ..rows };
    let done = |task| Task { state: TaskState::Complete(Outcome::Collected), ..task };
    let failed = Task { state: TaskState::Error(halt(Resume::Queued)), ..unify };
    store.save_request(&claimed.lease, &update(vec![done(basic), failed, nothing])).await.unwrap();
    assert!(retry(store, 1).await.tasks.iter().all(|task| task.state == TaskState::Queued));
    let claimed = claim_only(store, 2, HELD).await;
    let tasks = claimed.item.tasks.into_iter().map(done).collect();
    store.save_request(&claimed.lease, &update(tasks)).await.unwrap();
    assert_eq!(retry(store, 2).await.status, RequestStatus::Complete);
}

/// A request halted on one connection and in a regulation on the other goes on with both.
pub async fn a_retry_goes_on_with_every_halted_task(store: &dyn RequestStore) {
    record(store, &[on_both(erasure(1))]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let [basic, unify] = claimed.item.tasks.try_into().unwrap();
    let stopped = Task { state: TaskState::Error(halt(Resume::Queued)), ..unify };
    store.save_request(&claimed.lease, &update(vec![resolved(basic, ["u1"]), stopped])).await.unwrap();
    let claimed = intend(store, &plan("rin_1")).await;
    stop(store, claimed, TaskEvent::NeedHuman(halt(Resume::Sending))).await;
    let retried = retry(store, 1).await;
    assert_eq!(
        retried.tasks.iter().map(|task| &task.state).collect::<Vec<_>>(),
        [&TaskState::Sending, &TaskState::Queued]
    );
    assert_eq!(due(store).await, [id(1)]);
    assert_eq!(claim_regulation(store, HELD).await.unwrap().item.state, LedgerState::Unknown);
}

/// A retry that finds its regulation still followed leaves it as it is.
pub async fn a_retry_does_not_disturb_a_regulation_that_is_followed(store: &dyn RequestStore) {
    awaiting(store, 2, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let followed = Ledger { next_at: Some(at(900)), attempts: 2, ..claimed.item };
    let mut step = ledger_update(followed, MemberChange::None);
    let event = Some(TaskEvent::NeedHuman(halt(Resume::Awaiting)));
    step.notes = vec![MemberNote { event, ..super::sample::note(1) }];
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    assert_eq!(retry(store, 1).await.tasks[0].state, TaskState::Awaiting);
    let kept = ledger(store, "rin_1").await;
    assert_eq!((kept.state, kept.next_at, kept.attempts), (LedgerState::Tracking, Some(at(900)), 2));
    wait_with(store, erasure(9), ["u9"]).await;
}
