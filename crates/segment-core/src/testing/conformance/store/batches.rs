//! What waits for a regulation, and closing it into an intent.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    BASIC, HELD, OVER, UNIFY, access, at, claim_only, closed, due, erasure, get, id, ids, intend, ledger, on_both,
    only, pending, people, plan, record, resolved, sending, state, steps, update, wait_with,
};
use crate::{
    Backlog, ClaimScope, Claimed, ConnectionKey, Intended, IntentPlan, Ledger, LedgerState, MemberChange, MonthlyQuota,
    NewRequest, Regime, RegulationType, RequestUpdate, Task, TaskState, ports::RequestStore,
};

async fn backlog(store: &dyn RequestStore) -> Vec<Backlog> {
    store.backlog(&ClaimScope::All, at(1_000)).await.unwrap()
}

fn members(ledger: &Ledger) -> Vec<crate::RequestId> {
    ledger.members.iter().map(|member| member.request.clone()).collect()
}

/// The backlog counts people and user ids by connection and type, with the time since when the first waits.
pub async fn the_backlog_counts_what_waits(store: &dyn RequestStore) {
    assert!(backlog(store).await.is_empty());
    wait_with(store, on_both(erasure(1)), ["u1", "U1"]).await;
    record(store, &[erasure(2)]).await;
    let Claimed { lease, item, .. } = claim_only(store, 2, HELD).await;
    let deleted = Task { kind: Some(RegulationType::DeleteOnly), ..resolved(item.tasks[0].clone(), ["u2"]) };
    store.save_request(&lease, &RequestUpdate { at: at(90), ..update(vec![deleted]) }).await.unwrap();
    record(store, &[erasure(3)]).await;
    let Claimed { lease, item, .. } = claim_only(store, 3, HELD).await;
    let later = resolved(item.tasks[0].clone(), ["u3"]);
    store.save_request(&lease, &RequestUpdate { at: at(110), ..update(vec![later]) }).await.unwrap();
    let mut all = backlog(store).await;
    all.sort_by(|a, b| (&a.connection, &a.kind).cmp(&(&b.connection, &b.kind)));
    let of = |connection, kind, people, subjects, since| Backlog {
        connection: ConnectionKey::new(connection),
        kind,
        source: None,
        people,
        subjects,
        since,
        resolvable: false,
        rests_until: None,
    };
    let expected = [
        of(BASIC, RegulationType::SuppressOnly, 2, 3, at(100)),
        of(BASIC, RegulationType::DeleteOnly, 1, 1, at(90)),
        of(UNIFY, RegulationType::SuppressOnly, 1, 2, at(100)),
    ];
    assert_eq!(all, expected);
    let scoped = store.backlog(&only(3), at(1_000)).await.unwrap();
    assert_eq!(scoped, [of(BASIC, RegulationType::SuppressOnly, 1, 1, at(110))]);
}

/// Until when Segment asked to wait is told of everything of its connection and category, and of nothing else, until then.
pub async fn a_backlog_knows_until_when_segment_asked_to_wait(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 1, "rin_1").await;
    let item = Ledger { rests_until: Some(at(5_000)), ..item };
    store.save_regulation(&lease, &closed(item, MemberChange::Requeue { max_people: None })).await.unwrap();
    assert_eq!(ledger(store, "rin_1").await.rests_until, Some(at(5_000)));
    wait_with(store, NewRequest { connections: vec![ConnectionKey::new(UNIFY)], ..erasure(2) }, ["u2"]).await;
    record(store, &[erasure(3)]).await;
    let Claimed { lease, item, .. } = claim_only(store, 3, HELD).await;
    let deleted = Task { kind: Some(RegulationType::SuppressWithDelete), ..resolved(item.tasks[0].clone(), ["u3"]) };
    store.save_request(&lease, &update(vec![deleted])).await.unwrap();
    let rests = async |minute| -> Vec<_> {
        let backlog = store.backlog(&ClaimScope::All, at(minute)).await.unwrap();
        backlog.into_iter().filter_map(|one| Some((one.connection, one.kind, one.rests_until?))).collect()
    };
    assert_eq!(rests(1_000).await, [(ConnectionKey::new(BASIC), RegulationType::SuppressOnly, at(5_000))]);
    assert_eq!(rests(5_000).await, []);
    store.decide(&id(1), &crate::Decision::Retry, "ops", at(400)).await.unwrap();
    assert_eq!(rests(1_000).await, [], "somebody says that there is room");
}

/// A batch could still grow while an erasure of its connection is queued and due, or being resolved; not by an access, one
/// of another connection, one that is not due, not approved, or waits for an access.
pub async fn a_backlog_knows_whether_it_can_grow(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1"]).await;
    let ann = |request: NewRequest| NewRequest { identities: people(["ann"]), ..request };
    let elsewhere = NewRequest { connections: vec![ConnectionKey::new(UNIFY)], ..erasure(4) };
    record(store, &[ann(access(2)), ann(erasure(3)), elsewhere, pending(erasure(5)), erasure(2_000)]).await;
    assert!(!backlog(store).await[0].resolvable);
    record(store, &[erasure(6)]).await;
    assert!(backlog(store).await[0].resolvable);
    assert!(!store.backlog(&only(1), at(1_000)).await.unwrap()[0].resolvable, "it is not in the scope");
    let claimed = claim_only(store, 6, HELD).await;
    assert!(backlog(store).await[0].resolvable, "it is being resolved");
    let step = resolved(claimed.item.tasks[0].clone(), ["u6"]);
    store.save_request(&claimed.lease, &update(vec![step])).await.unwrap();
    assert!(!backlog(store).await[0].resolvable);
}

/// An intent holds the exact ids and people; their tasks are sending in the same step, and it is leased to its sender.
pub async fn an_intent_is_recorded_whole(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1", "U1"]).await;
    wait_with(store, erasure(2), ["u2"]).await;
    let Claimed { lease, item, store_now, .. } = intend(store, &plan("rin_1")).await;
    assert!(lease.fence > 0);
    assert_eq!((item.intent.as_str(), item.connection.as_str()), ("rin_1", BASIC));
    assert_eq!((&item.kind, item.state), (&RegulationType::SuppressOnly, LedgerState::Sending));
    assert_eq!((item.subjects.clone(), item.subject_count), (ids(["u1", "U1", "u2"]), 3));
    assert_eq!((item.created_at, item.next_at, item.regulation.clone()), (at(200), None, None));
    assert!(item.send_by > store_now && item.send_by <= store_now + std::time::Duration::from_mins(30));
    assert_eq!(members(&item), [id(1), id(2)]);
    assert_eq!((item.members[0].subjects.clone(), item.members[0].verified), (ids(["u1", "U1"]), false));
    assert_eq!(item.members[0].identifiers.len(), 2);
    for number in [1, 2] {
        let task = get(store, number).await.tasks.remove(0);
        assert_eq!((task.state, task.regulation), (TaskState::Sending, Some(item.intent.clone())));
        assert_eq!(steps(store, number).await.last().unwrap(), "intended");
    }
    assert!(backlog(store).await.is_empty() && due(store).await.is_empty());
}

/// People are picked by deadline until the next one does not fit: a person's ids are not split.
pub async fn a_batch_closes_before_the_person_who_does_not_fit(store: &dyn RequestStore) {
    wait_with(store, NewRequest { regime: Regime::Ccpa, ..erasure(1) }, ["a1"]).await;
    wait_with(store, erasure(2), ["b1", "b2"]).await;
    wait_with(store, erasure(3), ["c1", "c2"]).await;
    let first = intend(store, &IntentPlan { max_subjects: 3, ..plan("rin_1") }).await.item;
    assert_eq!((members(&first), first.subjects), (vec![id(2)], ids(["b1", "b2"])));
    let second = intend(store, &IntentPlan { max_subjects: 3, ..plan("rin_2") }).await.item;
    assert_eq!(members(&second), [id(1), id(3)]);
}

/// The ids as a JSON list stay within the bytes of the plan, however they are escaped.
pub async fn a_batch_stays_within_its_bytes(store: &dyn RequestStore) {
    let quotes = "\"".repeat(100);
    for number in 1..=5 {
        wait_with(store, erasure(number), [&format!("{number}{quotes}")]).await;
    }
    let plan = IntentPlan { max_bytes: 700, ..plan("rin_1") };
    let item = intend(store, &plan).await.item;
    let list: Vec<_> = item.subjects.iter().map(|id| id.expose().as_str()).collect();
    let bytes = serde_json::Value::from(list).to_string().len();
    assert!(bytes <= 700, "{bytes} bytes");
    assert_eq!(item.members.len(), 3, "and as many as fit: 3 of them take 613 bytes");
}

/// A user id that two people share stands in the regulation once, and in the share of each.
pub async fn a_shared_user_id_is_sent_once(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1", "shared"]).await;
    wait_with(store, erasure(2), ["shared"]).await;
    let item = intend(store, &plan("rin_1")).await.item;
    assert_eq!((item.subjects, item.subject_count), (ids(["u1", "shared"]), 2));
    assert_eq!(item.members[1].subjects, ids(["shared"]));
}

/// Nothing that fits the plan is no intent: nothing waits, or only on another connection, of another type, or out of scope.
pub async fn without_anybody_there_is_no_intent(store: &dyn RequestStore) {
    record(store, &[erasure(2)]).await;
    assert_eq!(store.intend(&plan("rin_1")).await.unwrap(), Intended::Nothing);
    wait_with(store, erasure(1), ["u1"]).await;
    let plans = [
        IntentPlan { connection: ConnectionKey::new(UNIFY), ..plan("rin_1") },
        IntentPlan { kind: RegulationType::DeleteOnly, ..plan("rin_1") },
        IntentPlan { scope: only(2), ..plan("rin_1") },
    ];
    for plan in plans {
        assert_eq!(store.intend(&plan).await.unwrap(), Intended::Nothing);
    }
    assert_eq!(state(store, 1).await, TaskState::Resolved);
    assert_eq!(members(&intend(store, &IntentPlan { scope: only(1), ..plan("rin_1") }).await.item), [id(1)]);
}

/// An intent keeps the source that it was made for: the configuration may name another one by the time it is looked for.
pub async fn an_intent_keeps_its_source(store: &dyn RequestStore) {
    record(store, &[erasure(1)]).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let source = Some("qW3e".to_owned());
    let task = Task { source: source.clone(), ..resolved(item.tasks[0].clone(), ["u1"]) };
    store.save_request(&lease, &update(vec![task])).await.unwrap();
    let claimed = intend(store, &IntentPlan { source: source.clone(), ..plan("i1") }).await;
    assert_eq!(claimed.item.source, source);
    store.release(&claimed.lease).await.unwrap();
    assert_eq!(ledger(store, "i1").await.source, source);
}

/// An intent's id is used once; a second use writes nothing.
pub async fn an_intent_has_an_id_of_its_own(store: &dyn RequestStore) {
    sending(store, 1, "rin_1").await;
    wait_with(store, erasure(2), ["u2"]).await;
    let before = (get(store, 2).await, steps(store, 2).await, ledger(store, "rin_1").await);
    assert!(store.intend(&plan("rin_1")).await.is_err());
    assert_eq!((get(store, 2).await, steps(store, 2).await, ledger(store, "rin_1").await), before);
    assert_eq!(members(&intend(store, &plan("rin_2")).await.item), [id(2)]);
}

/// A person with more ids than a batch holds goes alone: whether it is too much is for Segment to say.
pub async fn who_exceeds_the_batch_goes_alone(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["a1", "a2", "a3"]).await;
    wait_with(store, erasure(2), ["b1"]).await;
    let small = |intent| IntentPlan { max_subjects: 2, ..plan(intent) };
    assert_eq!(members(&intend(store, &small("rin_1")).await.item), [id(1)]);
    assert_eq!(members(&intend(store, &small("rin_2")).await.item), [id(2)]);
    wait_with(store, erasure(3), [&"x".repeat(50)]).await;
    wait_with(store, erasure(4), ["d1"]).await;
    let small = |intent| IntentPlan { max_bytes: 40, ..plan(intent) };
    assert_eq!(members(&intend(store, &small("rin_3")).await.item), [id(3)]);
    assert_eq!(members(&intend(store, &small("rin_4")).await.item), [id(4)]);
}

/// What was sent, or may have been sent, since the month began leaves room for the rest. Who does not fit any more waits,
/// and whoever is due later waits too; another category and another month have their own.
pub async fn the_months_quota_is_kept(store: &dyn RequestStore) {
    let month = |users, since| MonthlyQuota { users, since: at(since), reserve: 0, urgent_before: at(0) };
    wait_with(store, erasure(1), ["a1", "a2"]).await;
    wait_with(store, erasure(2), ["b1", "b2"]).await;
    wait_with(store, erasure(3), ["c1"]).await;
    let plan = |intent, quota| IntentPlan { quota, ..plan(intent) };
    let none = plan("rin_1", month(0, 0));
    assert_eq!(store.intend(&none).await.unwrap(), Intended::OverQuota);
    let first = intend(store, &plan("rin_1", month(3, 0))).await;
    assert_eq!(members(&first.item), [id(1)]);
    assert_eq!(store.intend(&plan("rin_2", month(3, 0))).await.unwrap(), Intended::OverQuota, "it may have been sent");
    assert_eq!(state(store, 3).await, TaskState::Resolved);
    let deleting = IntentPlan { kind: RegulationType::DeleteOnly, ..plan("rin_2", month(3, 0)) };
    assert_eq!(store.intend(&deleting).await.unwrap(), Intended::Nothing);
    let update = closed(first.item, MemberChange::Requeue { max_people: None });
    store.save_regulation(&first.lease, &update).await.unwrap();
    let again = intend(store, &plan("rin_2", month(4, 0))).await;
    assert_eq!(members(&again.item), [id(1), id(2)], "what never left takes nothing");
    assert_eq!(members(&intend(store, &plan("rin_3", month(1, 300))).await.item), [id(3)], "another month");
}

/// A part of the month is kept for people who cannot wait for the next one and are not found yet: one for each.
pub async fn a_reserve_is_for_who_cannot_wait(store: &dyn RequestStore) {
    record(store, &[erasure(1)]).await;
    wait_with(store, erasure(2), ["b1"]).await;
    wait_with(store, erasure(3), ["c1"]).await;
    let soon = get(store, 1).await.due_at + std::time::Duration::from_millis(1);
    let plan = |intent, reserve, urgent_before| IntentPlan {
        quota: MonthlyQuota { users: 2, since: at(0), reserve, urgent_before },
        ..plan(intent)
    };
    let first = intend(store, &plan("rin_1", 2, soon)).await;
    assert_eq!(members(&first.item), [id(2)], "one is kept for the first, who is not found yet");
    assert_eq!(store.intend(&plan("rin_2", 2, soon)).await.unwrap(), Intended::OverQuota);
    let closed = closed(first.item, MemberChange::Requeue { max_people: None });
    store.save_regulation(&first.lease, &closed).await.unwrap();
    let urgent = get(store, 2).await.due_at + std::time::Duration::from_millis(1);
    assert_eq!(members(&intend(store, &plan("rin_2", 2, urgent)).await.item), [id(2)], "who is urgent takes it");
    assert_eq!(members(&intend(store, &plan("rin_3", 0, soon)).await.item), [id(3)], "nothing is kept");
}

/// After a refusal people wait again, with at most so many in their next regulation: the halves of a batch, and their
/// halves. They go with nobody else, the larger parts first.
pub async fn a_refused_batch_is_halved(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 4, "rin_1").await;
    let halve = |people| MemberChange::Requeue { max_people: Some(people) };
    store.save_regulation(&lease, &closed(item, halve(2))).await.unwrap();
    assert_eq!(state(store, 1).await, TaskState::Resolved);
    wait_with(store, erasure(9), ["u9"]).await;
    let first = intend(store, &plan("rin_2")).await;
    assert_eq!(members(&first.item), [id(1), id(2)]);
    store.save_regulation(&first.lease, &closed(first.item, halve(1))).await.unwrap();
    let second = intend(store, &plan("rin_3")).await;
    assert_eq!(members(&second.item), [id(3), id(4)]);
    store
        .save_regulation(&second.lease, &closed(second.item, MemberChange::Requeue { max_people: None }))
        .await
        .unwrap();
    assert_eq!(members(&intend(store, &plan("rin_4")).await.item), [id(3), id(4)], "the limit stays as it was");
    assert_eq!(members(&intend(store, &plan("rin_5")).await.item), [id(1)]);
    assert_eq!(members(&intend(store, &plan("rin_6")).await.item), [id(2)]);
    assert_eq!(members(&intend(store, &plan("rin_7")).await.item), [id(9)], "whose deadline is later");
}

/// A part of a refused batch for which the month has no room keeps back nobody who is in a smaller one and more urgent.
pub async fn a_part_without_room_keeps_back_nobody(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 3, "rin_1").await;
    let halve = |people| MemberChange::Requeue { max_people: Some(people) };
    store.save_regulation(&lease, &closed(item, halve(2))).await.unwrap();
    let first = intend(store, &plan("rin_2")).await;
    assert_eq!(members(&first.item), [id(1), id(2)]);
    store.save_regulation(&first.lease, &closed(first.item, halve(1))).await.unwrap();
    record(store, &[erasure(0)]).await;
    // What is left of the month is kept for the one who is not found yet; who is as urgent may take it all the same.
    let urgent_before = get(store, 1).await.due_at + std::time::Duration::from_millis(1);
    let quota = MonthlyQuota { users: 1, since: at(0), reserve: 1, urgent_before };
    assert_eq!(members(&intend(store, &IntentPlan { quota, ..plan("rin_3") }).await.item), [id(1)]);
    assert_eq!(state(store, 3).await, TaskState::Resolved);
}

/// A task that waits again has its first regulation in its history, and its last one in the task.
pub async fn a_task_can_be_in_two_regulations(store: &dyn RequestStore) {
    let Claimed { lease, item, .. } = sending(store, 2, "rin_1").await;
    store.save_regulation(&lease, &closed(item, MemberChange::Requeue { max_people: None })).await.unwrap();
    intend(store, &IntentPlan { at: at(400), scope: only(1), lease: OVER, ..plan("rin_2") }).await;
    let history = async |number| -> Vec<_> {
        let filter = crate::LedgerFilter { requests: vec![id(number)], ..crate::LedgerFilter::default() };
        store.regulations(&filter).await.unwrap().into_iter().map(|ledger| ledger.intent).collect()
    };
    assert_eq!(history(1).await, ["rin_2", "rin_1"].map(crate::IntentId::new));
    assert_eq!(history(2).await, [crate::IntentId::new("rin_1")]);
    assert_eq!(get(store, 1).await.tasks[0].regulation, Some(crate::IntentId::new("rin_2")));
    let claimed = super::sample::claim_regulation(store, HELD).await.unwrap().item;
    assert_eq!((claimed.intent.as_str(), members(&claimed)), ("rin_2", vec![id(1)]));
}
