//! What a step of a regulation means for the people in it.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    HELD, UNIFY, at, awaiting, claim_only, claim_regulation, erasure, get, halt, id, intend, ledger_update, note,
    on_both, plan, record, resolved, sending, state, steps, update, wait_with,
};
use crate::{
    AuditEntry, Claimed, ConnectionKey, Decision, Finding, FindingCode, IntentPlan, Ledger, LedgerState, LedgerUpdate,
    MemberChange, MemberNote, Outcome, RequestStatus, Resume, Task, TaskEvent, TaskState, ports::RequestStore,
};

fn finding() -> Finding {
    Finding::new(FindingCode::OutOfReach, "copies in S3")
}

fn suppressed() -> MemberChange {
    MemberChange::All(TaskEvent::Complete(Outcome::Suppressed))
}

/// The step that ends a regulation with success and reads it back later.
fn finished(ledger: Ledger) -> LedgerUpdate {
    let ledger = Ledger { state: LedgerState::Looking, finished_at: Some(at(300)), ..ledger };
    ledger_update(ledger, suppressed())
}

/// What happens to all happens to everybody, is told in each log, and completes their requests.
pub async fn what_happens_to_all_happens_to_everybody(store: &dyn RequestStore) {
    awaiting(store, 3, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let audit = vec![AuditEntry::new(at(300), "finished", serde_json::json!({"status": "FINISHED"}))];
    store.save_regulation(&claimed.lease, &LedgerUpdate { audit, ..finished(claimed.item) }).await.unwrap();
    for number in 1..=3 {
        let request = get(store, number).await;
        assert_eq!(request.tasks[0].state, TaskState::Complete(Outcome::Suppressed));
        assert_eq!((request.status, request.completed_at), (RequestStatus::Complete, Some(at(300))));
        assert_eq!(steps(store, number).await[4..], ["status", "finished", "status"].map(str::to_owned)[..]);
    }
}

/// A note's event happens to its person instead of what happens to all.
pub async fn a_note_speaks_for_its_person(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 2, "rin_1").await;
    let event = Some(TaskEvent::NeedHuman(halt(Resume::Resolved)));
    let mut step = super::sample::closed(item, MemberChange::Requeue { max_people: None });
    step.notes = vec![MemberNote { event, ..note(1) }];
    store.save_regulation(&lease, &step).await.unwrap();
    assert_eq!(state(store, 1).await, TaskState::Attention(halt(Resume::Resolved)));
    assert_eq!(get(store, 1).await.status, RequestStatus::RequiresAttention);
    assert_eq!(state(store, 2).await, TaskState::Resolved);
}

/// Findings are added to what was found before, and a note about somebody who is not in the regulation is about nobody.
pub async fn findings_add_up(store: &dyn RequestStore) {
    record(store, &[erasure(1), erasure(2)]).await;
    let known = Finding::new(FindingCode::CaseUnconfirmed, "u1");
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let task = Task { findings: [known.clone()].into(), ..resolved(item.tasks[0].clone(), ["u1"]) };
    store.save_request(&lease, &update(vec![task])).await.unwrap();
    let Claimed { lease, item, .. } = intend(store, &plan("rin_1")).await;
    let stranger = get(store, 2).await;
    let mut step = ledger_update(item, MemberChange::None);
    let note = |number| MemberNote { findings: vec![finding(), finding()], ..note(number) };
    step.notes = vec![note(1), note(2)];
    store.save_regulation(&lease, &step).await.unwrap();
    assert_eq!(get(store, 1).await.tasks[0].findings, [known, finding()].into());
    assert_eq!(get(store, 2).await, stranger);
}

/// The first read-back that confirms a person counts. A request is verified when the last of its regulated tasks is.
pub async fn a_request_is_verified_with_its_last_task(store: &dyn RequestStore) {
    wait_with(store, on_both(erasure(1)), ["u1"]).await;
    let elsewhere = IntentPlan { connection: ConnectionKey::new(UNIFY), ..plan("rin_2") };
    for (plan, minute, verified) in [(plan("rin_1"), 400, None), (elsewhere, 410, Some(at(410)))] {
        let Claimed { lease, item, .. } = intend(store, &plan).await;
        let regulation = format!("reg_{}", plan.intent);
        let step = super::sample::accepted(item, &regulation, at(300));
        store.save_regulation(&lease, &step).await.unwrap();
        let claimed = claim_regulation(store, HELD).await.unwrap();
        store.save_regulation(&claimed.lease, &finished(claimed.item)).await.unwrap();
        for minute in [minute, minute + 50] {
            let claimed = claim_regulation(store, HELD).await.unwrap();
            assert_eq!(claimed.item.members[0].verified, claimed.item.looks > 0);
            let looked = Ledger { looks: claimed.item.looks + 1, ..claimed.item };
            let mut step = ledger_update(looked, MemberChange::None);
            step.notes = vec![MemberNote { verified_at: Some(at(minute)), ..note(1) }];
            store.save_regulation(&claimed.lease, &step).await.unwrap();
        }
        let claimed = claim_regulation(store, HELD).await.unwrap();
        store.save_regulation(&claimed.lease, &super::sample::closed(claimed.item, MemberChange::None)).await.unwrap();
        assert_eq!(get(store, 1).await.verified_at, verified);
    }
    let tasks = get(store, 1).await.tasks;
    assert_eq!(tasks.iter().map(|task| task.verified_at).collect::<Vec<_>>(), [Some(at(400)), Some(at(410))]);
}

/// What a read-back saw after one regulation says nothing of the next one.
pub async fn another_regulation_is_verified_anew(store: &dyn RequestStore) {
    awaiting(store, 1, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let mut step = ledger_update(claimed.item, MemberChange::All(TaskEvent::NeedHuman(halt(Resume::Resolved))));
    step.notes = vec![MemberNote { verified_at: Some(at(400)), ..note(1) }];
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    assert_eq!(get(store, 1).await.tasks[0].verified_at, Some(at(400)));
    store.decide(&id(1), &Decision::Retry, "ops", at(410)).await.unwrap();
    let again = intend(store, &plan("rin_2")).await;
    assert_eq!(get(store, 1).await.tasks[0].verified_at, None);
    assert!(!again.item.members[0].verified);
}

/// Somebody whom a human settled meanwhile stays settled; the others go on. The log of each tells it all the same.
pub async fn a_settled_task_stays_as_it_is(store: &dyn RequestStore) {
    awaiting(store, 3, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let mut step = ledger_update(claimed.item, MemberChange::None);
    let event = Some(TaskEvent::NeedHuman(halt(Resume::Awaiting)));
    step.notes = vec![MemberNote { event: event.clone(), ..note(1) }, MemberNote { event, ..note(2) }];
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    let settle = Decision::Settle { connection: ConnectionKey::new(super::sample::BASIC), note: "by hand".into() };
    store.decide(&id(1), &settle, "ops", at(310)).await.unwrap().unwrap();
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let audit = vec![AuditEntry::new(at(320), "finished", serde_json::Value::Null)];
    let notes = vec![MemberNote { findings: vec![finding()], ..note(1) }];
    let step = LedgerUpdate { notes, audit, ..finished(claimed.item) };
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    assert_eq!(state(store, 1).await, TaskState::Complete(Outcome::Settled));
    assert!(get(store, 1).await.tasks[0].findings.contains(&finding()));
    assert_eq!(state(store, 2).await, TaskState::Attention(halt(Resume::Awaiting)), "a halted one waits for its human");
    assert_eq!(state(store, 3).await, TaskState::Complete(Outcome::Suppressed));
    for number in 1..=3 {
        assert!(steps(store, number).await.contains(&"finished".to_owned()));
    }
}

/// A step that means nothing to the people leaves them as they are, log and all.
pub async fn a_step_can_leave_everybody_alone(store: &dyn RequestStore) {
    awaiting(store, 1, "rin_1").await;
    let before = (get(store, 1).await, steps(store, 1).await);
    let claimed = claim_regulation(store, HELD).await.unwrap();
    let polled = Ledger { attempts: 1, ..claimed.item };
    store.save_regulation(&claimed.lease, &ledger_update(polled, MemberChange::None)).await.unwrap();
    assert_eq!((get(store, 1).await, steps(store, 1).await), before);
}

/// Regulations of a person that were looked for and not found are counted while the next one is looked for, until somebody
/// retries; one that Segment refused is none of them.
pub async fn what_was_lost_is_counted_by_person(store: &dyn RequestStore) {
    let again = |item, absent| LedgerUpdate {
        absent,
        ..super::sample::closed(item, MemberChange::Requeue { max_people: None })
    };
    let lost = async |store: &dyn RequestStore, intent| {
        let claimed = intend(store, &IntentPlan { lease: super::sample::OVER, ..plan(intent) }).await;
        assert!(claimed.item.members.iter().all(|member| member.lost == 0), "nothing is looked for yet");
        let claimed = claim_regulation(store, HELD).await.unwrap();
        let counts: Vec<_> = claimed.item.members.iter().map(|member| member.lost).collect();
        (claimed, counts)
    };
    let Claimed { lease, item, .. } = sending(store, 1, "rin_1").await;
    store.save_regulation(&lease, &again(item, false)).await.unwrap();
    let (claimed, counts) = lost(store, "rin_2").await;
    assert_eq!(counts, [0], "the first was refused");
    store.save_regulation(&claimed.lease, &again(claimed.item, true)).await.unwrap();
    wait_with(store, erasure(2), ["u2"]).await;
    let (claimed, counts) = lost(store, "rin_3").await;
    assert_eq!(counts, [1, 0]);
    let mut parked = again(claimed.item, true);
    parked.notes = vec![MemberNote { event: Some(TaskEvent::NeedHuman(halt(Resume::Resolved))), ..note(1) }];
    store.save_regulation(&claimed.lease, &parked).await.unwrap();
    store.decide(&id(1), &Decision::Retry, "ops", at(400)).await.unwrap();
    let (_, counts) = lost(store, "rin_4").await;
    assert_eq!(counts, [0, 1], "the first was retried");
}
