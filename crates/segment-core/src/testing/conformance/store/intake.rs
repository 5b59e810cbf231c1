//! Recording requests, each at most once.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{access, at, erasure, get, id, new, on_both, pending, people, put, record, steps, with_rows};
use crate::{
    Action, ClaimScope, ConnectionKey, Decision, Gate, Holder, Intake, LedgerFilter, NewRequest, Outcome, Pii,
    Recipient, Regime, RegulationId, Request, RequestFilter, RequestStatus, Task, TaskState,
    ports::{RequestStore, StoreError},
};

fn with_external_id(request: NewRequest, external_id: &str) -> NewRequest {
    NewRequest { external_id: Some(Pii::from(external_id)), ..request }
}

/// A new request is recorded with all that was given, its deadline, and a queued task for each connection, in the order of
/// their keys.
pub async fn a_new_request_is_recorded_whole(store: &dyn RequestStore) {
    let new = NewRequest {
        regime: Regime::Ccpa,
        left_out: vec![ConnectionKey::new("off")],
        recipient: Some(Recipient::Passphrase("a b".into())),
        identities: people(["ann", "ann.work"]),
        ..with_rows(on_both(with_external_id(erasure(1), "CASE-7")))
    };
    record(store, std::slice::from_ref(&new)).await;
    let request = get(store, 1).await;
    let without_keys = Request { staging_key: None, masking_key: None, evidence_salt: None, ..request.clone() };
    assert_eq!(without_keys, new.recorded(), "who asks may be told without reading it");
    assert_eq!((request.id.clone(), request.external_id.clone()), (id(1), new.external_id));
    assert_eq!((request.action, request.regime, request.gate), (Action::Erasure, Regime::Ccpa, Gate::Open));
    assert_eq!((request.identities, request.recipient), (Some(new.identities), new.recipient));
    assert_eq!((request.begun, request.status), (false, RequestStatus::Approved));
    assert_eq!((request.received_at, request.due_at), (at(1), Regime::Ccpa.due_at(at(1))));
    assert_eq!((request.completed_at, request.verified_at, request.denied_reason), (None, None, None));
    let [basic, unify, shop] = ["segment_basic", "segment_unify", "shop"].map(ConnectionKey::new);
    assert_eq!(request.tasks, [Task::new(basic), Task::new(unify), Task::of(Holder::Dataset, shop)]);
    assert!(request.package.is_none() && request.staging_key.is_some() && request.masking_key.is_some());
    assert!(request.evidence_salt.is_some());
    assert_eq!(steps(store, 1).await, ["received"]);
    let facts = store.log(&id(1)).await.unwrap().remove(0).facts;
    assert_eq!(facts["left_out"], serde_json::json!(["off"]), "whose data are not part of it");
}

/// Every request has a staging key of its own, the same each time it is read.
pub async fn staging_keys_differ_between_requests(store: &dyn RequestStore) {
    record(store, &[access(1), access(2)]).await;
    let (first, second) = (get(store, 1).await.staging_key, get(store, 2).await.staging_key);
    assert!(first.is_some() && first != second);
    assert_eq!(first, get(store, 1).await.staging_key);
}

/// An external id names one request for ever: the same action and identities are linked, in whatever state it is.
pub async fn an_external_id_is_linked_for_ever(store: &dyn RequestStore) {
    record(store, &[with_external_id(access(1), "CASE-7")]).await;
    let again = NewRequest { id: id(2), ..with_external_id(access(1), "CASE-7") };
    assert_eq!(store.intake(std::slice::from_ref(&again)).await.unwrap(), [Intake::Linked(id(1))]);
    put(store, 1, TaskState::Complete(Outcome::Collected)).await;
    assert_eq!(store.intake(&[again]).await.unwrap(), [Intake::Linked(id(1))]);
    assert!(store.request(&id(2)).await.unwrap().is_none());
    let links = steps(store, 1).await.iter().filter(|step| *step == "linked").count();
    assert_eq!(links, 2, "each is told in the log");
}

/// An external id that comes back for another action or other identities is a conflict, and nothing is recorded.
pub async fn an_external_id_for_something_else_is_a_conflict(store: &dyn RequestStore) {
    record(store, &[with_external_id(access(1), "CASE-7")]).await;
    let other_action = NewRequest { identities: access(1).identities, ..with_external_id(erasure(2), "CASE-7") };
    let other_person = with_external_id(access(3), "CASE-7");
    let answers = store.intake(&[other_action, other_person]).await.unwrap();
    assert_eq!(answers, [Intake::ExternalIdConflict(id(1)), Intake::ExternalIdConflict(id(1))]);
    assert_eq!(store.requests(&RequestFilter::default()).await.unwrap().len(), 1);
}

/// Without an external id, an open request for the equal identity set and action is linked; sets compare whatever their
/// order and the case of their addresses.
pub async fn an_open_request_for_the_same_is_linked(store: &dyn RequestStore) {
    record(store, &[NewRequest { identities: people(["ann", "ben"]), ..erasure(1) }]).await;
    let ask = |number, action, identities| NewRequest { identities, ..new(number, action) };
    let answers = store
        .intake(&[
            ask(2, Action::Erasure, people(["BEN", "Ann"])),
            ask(3, Action::Access, people(["ann", "ben"])),
            ask(4, Action::Erasure, people(["ann"])),
        ])
        .await
        .unwrap();
    assert_eq!(answers, [Intake::Linked(id(1)), Intake::Created, Intake::Created]);
}

/// What is over links nobody: the same can be asked again. A human's attention is not the end.
pub async fn a_request_that_is_over_is_not_linked(store: &dyn RequestStore) {
    let ends = [
        (1, TaskState::Complete(Outcome::NoData)),
        (2, TaskState::Error(super::sample::halt(crate::Resume::Queued))),
        (3, TaskState::Canceled),
    ];
    for (number, end) in ends {
        record(store, &[access(number)]).await;
        put(store, number, end).await;
        record(store, &[NewRequest { id: id(10 + number), ..access(number) }]).await;
    }
    record(store, &[pending(access(4))]).await;
    store.decide(&id(4), &Decision::Deny { reason: "not theirs".into() }, "ops", at(5)).await.unwrap();
    record(store, &[NewRequest { id: id(14), ..access(4) }]).await;
    record(store, &[access(5)]).await;
    put(store, 5, TaskState::Attention(super::sample::halt(crate::Resume::Queued))).await;
    let again = NewRequest { id: id(15), ..access(5) };
    assert_eq!(store.intake(&[again]).await.unwrap(), [Intake::Linked(id(5))]);
}

/// A new external id is a new request, even if an open one asks for the same.
pub async fn a_new_external_id_is_a_new_request(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    record(store, &[NewRequest { id: id(2), ..with_external_id(access(1), "CASE-8") }]).await;
}

/// Requests of one call see each other, in their order.
pub async fn requests_of_one_call_see_each_other(store: &dyn RequestStore) {
    let twin = NewRequest { id: id(2), ..access(1) };
    let (named, conflict) = (with_external_id(access(3), "CASE-7"), with_external_id(access(4), "CASE-7"));
    let answers = store.intake(&[access(1), twin, named, conflict]).await.unwrap();
    assert_eq!(answers, [Intake::Created, Intake::Linked(id(1)), Intake::Created, Intake::ExternalIdConflict(id(3))]);
    assert_eq!(store.intake(&[]).await.unwrap(), []);
}

/// So do thousands, wherever a store cuts them.
pub async fn thousands_of_one_call_see_each_other(store: &dyn RequestStore) {
    let again = |number, earlier| NewRequest { id: id(number), ..access(earlier) };
    let named = |number, earlier| with_external_id(again(number, earlier), "CASE-7");
    let mut call: Vec<_> = (1..=4_500).map(access).collect();
    call[0] = named(1, 1);
    call.extend([again(4_501, 2), again(4_502, 2_500), again(4_503, 4_500), named(4_504, 1), named(4_505, 2)]);
    let answers = store.intake(&call).await.unwrap();
    assert!(answers[..4_500].iter().all(|answer| *answer == Intake::Created));
    let linked = [2, 2_500, 4_500, 1].map(|earlier| Intake::Linked(id(earlier)));
    assert_eq!(answers[4_500..4_504], linked);
    assert_eq!(answers[4_504..], [Intake::ExternalIdConflict(id(1))]);
    assert_eq!(store.requests(&RequestFilter::default()).await.unwrap().len(), 4_500);
    assert_eq!(steps(store, 2_500).await, ["received", "linked"]);
}

/// Requests are recorded all or none: one whose id is taken undoes the others, and their external ids stay free.
pub async fn intake_is_all_or_nothing(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let taken = NewRequest { id: id(1), ..access(3) };
    let link = NewRequest { id: id(9), ..access(1) };
    assert!(store.intake(&[with_external_id(access(2), "CASE-7"), link, taken]).await.is_err());
    assert!(store.request(&id(2)).await.unwrap().is_none());
    assert_eq!(steps(store, 1).await, ["received"]);
    record(store, &[with_external_id(access(4), "CASE-7")]).await;
}

/// What nobody recorded is not found, and that is no error.
pub async fn unknown_ids_are_not_found(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    assert!(store.request(&id(9)).await.unwrap().is_none());
    assert!(store.log(&id(9)).await.unwrap().is_empty());
    assert!(store.decide(&id(9), &Decision::Cancel, "ops", at(1)).await.unwrap().is_none());
    assert!(!store.is_known(&ConnectionKey::new("none"), &RegulationId::new("none")).await.unwrap());
    let filter = LedgerFilter { id: Some("none".into()), ..LedgerFilter::default() };
    assert!(store.regulations(&filter).await.unwrap().is_empty());
    let scope = ClaimScope::Requests(vec![id(9)]);
    assert!(store.claim_requests(&scope, "worker", super::sample::HELD, 9, at(1_000)).await.unwrap().is_empty());
    assert!(store.claim_regulation(&scope, "worker", super::sample::HELD, at(1_000)).await.unwrap().is_none());
    assert!(store.backlog(&scope, at(1_000)).await.unwrap().is_empty());
    assert_eq!(store.next_due(&scope).await.unwrap().earliest(), None);
}

/// Of requests that belong together all are new, or all were recorded before; of another call nothing is recorded.
pub async fn what_belongs_together_is_taken_together(store: &dyn RequestStore) {
    let one = |number, external_id| NewRequest { all_or_none: true, ..with_external_id(access(number), external_id) };
    let call = [one(1, "a"), one(2, "b")];
    assert_eq!(store.intake(&call).await.unwrap(), [Intake::Created, Intake::Created]);
    let linked = [Intake::Linked(id(1)), Intake::Linked(id(2))];
    assert_eq!(store.intake(&call).await.unwrap(), linked, "the same call again");
    let alone = access(3);
    for other in [
        vec![one(1, "a"), one(2, "b"), one(4, "c")],
        vec![NewRequest { all_or_none: true, ..with_external_id(access(5), "a") }],
        vec![alone.clone(), one(1, "a"), one(6, "d")],
    ] {
        assert!(matches!(store.intake(&other).await, Err(StoreError::NotTogether)));
    }
    assert_eq!(store.requests(&RequestFilter::default()).await.unwrap().len(), 2);
    assert_eq!(store.intake(&[alone, one(1, "a")]).await.unwrap(), [Intake::Created, Intake::Linked(id(1))]);
}
