//! Steps of a regulation.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    BASIC, HELD, OVER, UNIFY, accepted, assert_misuse, at, awaiting, claim_regulation, closed, erasure, get, id, ids,
    intend, ledger, ledger_update, on_both, only, plan, sending, state, steps, wait_with,
};
use crate::{
    Claimed, ConnectionKey, DestinationReport, IntentPlan, Ledger, LedgerState, LedgerUpdate, MemberChange, Outcome,
    Pii, RegulationId, RegulationStatus, RequestStatus, TaskEvent, TaskState, ports::RequestStore,
};

/// An accepted regulation is tracked from its time on, and everybody in it awaits Segment.
pub async fn an_accepted_regulation_is_tracked(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 2, "rin_1").await;
    store.save_regulation(&lease, &accepted(item, "reg_1", at(310))).await.unwrap();
    for number in [1, 2] {
        let request = get(store, number).await;
        assert_eq!(request.tasks[0].state, TaskState::Awaiting);
        assert_eq!(request.status, RequestStatus::AwaitingProcessor);
        assert!(steps(store, number).await.contains(&"accepted".to_owned()));
    }
    let scope = crate::ClaimScope::All;
    assert!(store.claim_regulation(&scope, "worker", HELD, at(309)).await.unwrap().is_none());
    let item = store.claim_regulation(&scope, "worker", HELD, at(310)).await.unwrap().unwrap().item;
    assert_eq!((item.state, item.regulation), (LedgerState::Tracking, Some(RegulationId::new("reg_1"))));
    assert_eq!((item.accepted_at, item.next_at), (Some(at(300)), Some(at(310))));
    assert_eq!((item.subjects, item.members.len()), (ids(["u1", "u2"]), 2));
}

/// A sender that is gone leaves a regulation that may exist: whatever the caller's time, it comes back as unknown, but not
/// before the lease is over.
pub async fn a_regulation_whose_sender_is_gone_is_unknown(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1"]).await;
    wait_with(store, erasure(2), ["u2"]).await;
    intend(store, &IntentPlan { scope: only(1), ..plan("rin_1") }).await;
    assert!(claim_regulation(store, HELD).await.is_none());
    intend(store, &IntentPlan { lease: OVER, ..plan("rin_2") }).await;
    let found = store.claim_regulation(&crate::ClaimScope::All, "worker", HELD, at(0)).await.unwrap().unwrap();
    assert_eq!((found.item.intent.as_str(), found.item.state), ("rin_2", LedgerState::Unknown));
    assert_eq!(ledger(store, "rin_2").await.state, LedgerState::Unknown);
    assert_eq!(state(store, 2).await, TaskState::Sending);
}

/// Whoever looks for it can be gone as well: it is found again.
pub async fn a_regulation_whose_searcher_is_gone_is_found_again(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1"]).await;
    intend(store, &IntentPlan { lease: OVER, ..plan("rin_1") }).await;
    claim_regulation(store, OVER).await.unwrap();
    let again = claim_regulation(store, HELD).await.expect("it is still due");
    assert_eq!(again.item.state, LedgerState::Unknown);
    store.release(&again.lease).await.unwrap();
    assert!(claim_regulation(store, HELD).await.is_some());
}

/// The step is read back: status, times, counts and what destinations said. The ids are not written by a step.
pub async fn a_step_of_a_regulation_is_read_back(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 1, "rin_1").await;
    let destination = DestinationReport {
        stream: "src_1".into(),
        id: "dst_1".into(),
        name: "Braze".into(),
        status: RegulationStatus::Other("PAUSED".into()),
        message: Pii::from("user u1 unknown"),
    };
    let step = Ledger {
        state: LedgerState::Looking,
        regulation: Some(RegulationId::new("reg_1")),
        status: Some(RegulationStatus::PartialSuccess),
        accepted_at: Some(at(301)),
        finished_at: Some(at(302)),
        next_at: Some(at(303)),
        attempts: 4,
        looks: 2,
        destinations: vec![destination],
        subjects: ids(["another"]),
        subject_count: 99,
        ..item.clone()
    };
    let update = ledger_update(step.clone(), MemberChange::All(TaskEvent::Accept));
    store.save_regulation(&lease, &update).await.unwrap();
    let read = claim_regulation(store, HELD).await.unwrap().item;
    assert_eq!(read, Ledger { subjects: item.subjects, subject_count: 1, ..step });
}

/// That a complete listing did not show it is noted once, by the store's own clock.
pub async fn the_first_absence_is_noted(store: &dyn RequestStore) {
    let Claimed { lease, item, store_now, .. } = sending(store, 1, "rin_1").await;
    let unknown = Ledger { state: LedgerState::Unknown, next_at: Some(at(300)), ..item };
    let step = LedgerUpdate { absent: true, ..ledger_update(unknown, MemberChange::None) };
    store.save_regulation(&lease, &step).await.unwrap();
    let first = claim_regulation(store, HELD).await.unwrap();
    let noted = first.item.absent_at.expect("noted");
    assert!(noted >= store_now && noted <= first.store_now);
    store.save_regulation(&first.lease, &step).await.unwrap();
    let second = claim_regulation(store, HELD).await.unwrap();
    assert_eq!(second.item.absent_at, Some(noted));
    store.save_regulation(&second.lease, &LedgerUpdate { absent: false, ..step }).await.unwrap();
    assert_eq!(ledger(store, "rin_1").await.absent_at, Some(noted));
}

/// An event that cannot happen is refused, and nothing of the step is written: not the regulation, not the people for whom
/// it could happen, not the log. The lease is still good.
pub async fn a_refused_step_writes_nothing(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 2, "rin_1").await;
    let told = |store| async move { (get(store, 1).await, steps(store, 1).await, ledger(store, "rin_1").await) };
    let before = told(store).await;
    let mut step = accepted(item.clone(), "reg_1", at(300));
    let leap = TaskEvent::Complete(Outcome::Deleted);
    step.notes = vec![crate::MemberNote { event: Some(leap), ..super::sample::note(2) }];
    assert_misuse(store.save_regulation(&lease, &step).await);
    assert_eq!(told(store).await, before);
    assert!(claim_regulation(store, HELD).await.is_none(), "the lease still holds");
    store.save_regulation(&lease, &accepted(item, "reg_1", at(300))).await.unwrap();
}

/// A regulation of Segment's belongs to one intent of a connection. Another connection may see the same id.
pub async fn an_id_of_segments_belongs_to_one_intent(store: &dyn RequestStore) {
    awaiting(store, 1, "1").await;
    wait_with(store, on_both(erasure(2)), ["u2"]).await;
    let second = intend(store, &plan("rin_2")).await;
    let before = (get(store, 2).await, steps(store, 2).await, ledger(store, "rin_2").await);
    assert!(store.save_regulation(&second.lease, &accepted(second.item.clone(), "reg_1", at(300))).await.is_err());
    assert_eq!((get(store, 2).await, steps(store, 2).await, ledger(store, "rin_2").await), before);
    store.save_regulation(&second.lease, &accepted(second.item, "reg_2", at(300))).await.unwrap();
    let elsewhere = IntentPlan { connection: ConnectionKey::new(UNIFY), ..plan("rin_3") };
    let third = intend(store, &elsewhere).await;
    store.save_regulation(&third.lease, &accepted(third.item, "reg_1", at(300))).await.unwrap();
}

/// Whether an id of Segment's is one of ours is asked per connection.
pub async fn known_ids_are_known_per_connection(store: &dyn RequestStore) {
    awaiting(store, 1, "1").await;
    let known =
        async |connection, id| store.is_known(&ConnectionKey::new(connection), &RegulationId::new(id)).await.unwrap();
    assert!(known(BASIC, "reg_1").await);
    assert!(!known(UNIFY, "reg_1").await);
    assert!(!known(BASIC, "reg_2").await && !known(BASIC, "1").await);
}

/// What is due first is claimed first; what is closed or halted is not claimed at all, and neither is what is out of scope.
pub async fn regulations_are_claimed_when_due(store: &dyn RequestStore) {
    for (number, next) in [(1, 320), (2, 310), (3, 330), (4, 340)] {
        wait_with(store, erasure(number), [&format!("u{number}")]).await;
        let Claimed { lease, item, .. } = intend(store, &plan(&format!("rin_{number}"))).await;
        store.save_regulation(&lease, &accepted(item, &format!("reg_{number}"), at(next))).await.unwrap();
    }
    for (intent, state) in [(3, LedgerState::Closed), (4, LedgerState::Halted)] {
        let found = store.claim_regulation(&only(intent), "worker", HELD, at(1_000)).await.unwrap().unwrap();
        let update = ledger_update(Ledger { state, ..found.item }, MemberChange::None);
        store.save_regulation(&found.lease, &update).await.unwrap();
    }
    assert!(store.claim_regulation(&only(9), "worker", HELD, at(1_000)).await.unwrap().is_none());
    let mut order = Vec::new();
    while let Some(claimed) = claim_regulation(store, HELD).await {
        order.push(claimed.item.intent.as_str().to_owned());
    }
    assert_eq!(order, ["rin_2", "rin_1"]);
}

/// An attempt that ended without a regulation leaves Segment's id empty and the people waiting, or halted.
pub async fn a_closed_attempt_is_over(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 1, "rin_1").await;
    store.save_regulation(&lease, &closed(item, MemberChange::Requeue { max_people: None })).await.unwrap();
    let over = ledger(store, "rin_1").await;
    assert_eq!((over.state, over.regulation), (LedgerState::Closed, None));
    assert_eq!(get(store, 1).await.status, RequestStatus::InProcessing);
    assert!(claim_regulation(store, HELD).await.is_none());
    assert_eq!(
        store.backlog(&crate::ClaimScope::All, at(1_000)).await.unwrap()[0].since,
        at(100),
        "it waits as before"
    );
    assert_eq!(intend(store, &plan("rin_2")).await.item.members[0].request, id(1));
}
