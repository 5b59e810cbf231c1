//! Lists, sums and the next due moment.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    BASIC, HELD, OVER, UNIFY, accepted, access, at, awaiting, claim_only, claim_regulation, closed, erasure, get, halt,
    id, intend, ledger_update, on_both, only, pending, plan, put, record, sending, update, wait_with,
};
use crate::{
    Action, AuditEntry, ChainEnd, ClaimScope, Claimed, ConnectionKey, Decision, Due, IntentPlan, Ledger, LedgerFilter,
    LedgerState, LogChain, MemberChange, NewRequest, Outcome, QuotaCategory, Regime, RegulationType, RequestFilter,
    RequestStatus, RequestUpdate, Resume, TallyFilter, Task, TaskState, ports::RequestStore,
};

async fn listed(store: &dyn RequestStore, filter: RequestFilter) -> Vec<crate::RequestId> {
    store.requests(&filter).await.unwrap().into_iter().map(|request| request.id).collect()
}

/// What is noted stands in the log of its request, changes nothing else, and takes no lease.
pub async fn a_note_stands_in_the_log(store: &dyn RequestStore) {
    record(store, &[erasure(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let before = get(store, 1).await;
    let entry = AuditEntry::new(at(7), "revealed", serde_json::json!({"by": "ops"}));
    assert!(store.note(&id(1), &entry).await.unwrap());
    assert_eq!(store.log(&id(1)).await.unwrap().last(), Some(&entry));
    assert_eq!(get(store, 1).await, before);
    store.release(&claimed.lease).await.unwrap();
    assert!(!store.note(&id(2), &entry).await.unwrap(), "there is no such request");
    assert!(store.log(&id(2)).await.unwrap().is_empty());
}

/// Requests are listed newest first, whatever their deadlines, and no more than asked for.
pub async fn requests_are_listed_newest_first(store: &dyn RequestStore) {
    let old = NewRequest { received_at: at(-5), ..access(9) };
    record(store, &[access(2), old, access(1), access(3)]).await;
    assert_eq!(listed(store, RequestFilter::default()).await, [id(3), id(2), id(1), id(9)]);
    let two = RequestFilter { limit: Some(2), ..RequestFilter::default() };
    assert_eq!(listed(store, two).await, [id(3), id(2)]);
}

/// Pages follow each other without a gap, and what is counted is what a list without pages has.
pub async fn lists_have_pages(store: &dyn RequestStore) {
    record(store, &[access(1), access(2), erasure(3), access(4), access(5)]).await;
    let page = |skip| RequestFilter { action: Some(Action::Access), skip, limit: Some(3), ..RequestFilter::default() };
    assert_eq!(listed(store, page(0)).await, [id(5), id(4), id(2)]);
    assert_eq!(listed(store, page(3)).await, [id(1)]);
    assert!(listed(store, page(4)).await.is_empty());
    assert_eq!(store.count_requests(&page(3), 100).await.unwrap(), 4);
    assert_eq!(store.count_requests(&page(0), 3).await.unwrap(), 3, "it is not counted further");
}

/// Requests are found by the caller's reference, by an identity however it is written, and by when they were received.
pub async fn requests_are_searched(store: &dyn RequestStore) {
    let named = NewRequest { external_id: Some("ticket-7".into()), ..access(1) };
    let later = NewRequest { received_at: at(5), ..access(2) };
    record(store, &[named, later]).await;
    let all = RequestFilter::default;
    assert_eq!(listed(store, RequestFilter { external_id: Some("ticket-7".into()), ..all() }).await, [id(1)]);
    assert!(listed(store, RequestFilter { external_id: Some("ticket-8".into()), ..all() }).await.is_empty());
    let identity = get(store, 2).await.identities.unwrap().iter().next().cloned();
    assert_eq!(listed(store, RequestFilter { identity, ..all() }).await, [id(2)]);
    let received = get(store, 1).await.received_at;
    assert_eq!(listed(store, RequestFilter { received_after: Some(received), ..all() }).await, [id(2)]);
    assert_eq!(listed(store, RequestFilter { received_before: Some(at(5)), ..all() }).await, [id(1)]);
}

/// Where requests stand is counted by action and status, with what is late and what will be.
pub async fn standings_are_counted(store: &dyn RequestStore) {
    let old = NewRequest { received_at: at(-5), ..access(3) };
    record(store, &[access(1), old, erasure(2), pending(erasure(4))]).await;
    put(store, 2, TaskState::Complete(Outcome::NoData)).await;
    let due = get(store, 1).await.due_at;
    let found = store.standings(due, due.checked_add(jiff::SignedDuration::from_mins(2)).unwrap()).await.unwrap();
    let line = |one: &crate::Standing| (one.action, one.status, one.requests, one.overdue, one.due_soon, one.oldest);
    let (complete, waits) = (get(store, 2).await.received_at, get(store, 4).await);
    assert_eq!(waits.due_at, due.checked_add(jiff::SignedDuration::from_mins(3)).unwrap());
    assert_eq!(
        found.iter().map(line).collect::<Vec<_>>(),
        [
            (Action::Access, RequestStatus::Approved, 2, 1, 1, at(-5)),
            (Action::Erasure, RequestStatus::Complete, 1, 0, 0, complete),
            (Action::Erasure, RequestStatus::Pending, 1, 0, 0, waits.received_at),
        ]
    );
}

/// A line of the list says what the request says.
pub async fn a_line_agrees_with_its_request(store: &dyn RequestStore) {
    record(store, &[on_both(erasure(1))]).await;
    put(store, 1, TaskState::Complete(Outcome::NoData)).await;
    let (line, request) = (store.requests(&RequestFilter::default()).await.unwrap().remove(0), get(store, 1).await);
    assert_eq!((line.id, line.action, line.status), (id(1), Action::Erasure, RequestStatus::Complete));
    assert_eq!((line.received_at, line.due_at, line.tasks), (request.received_at, request.due_at, 2));
    assert_eq!((line.completed_at, line.verified_at), (Some(at(100)), request.verified_at));
}

/// Requests are found by ids, status and action; filters add up.
pub async fn requests_are_filtered(store: &dyn RequestStore) {
    record(store, &[access(1), erasure(2), erasure(3), pending(erasure(4))]).await;
    put(store, 3, TaskState::Complete(Outcome::NoData)).await;
    let all = RequestFilter::default;
    assert_eq!(listed(store, RequestFilter { ids: vec![id(1), id(3), id(8)], ..all() }).await, [id(3), id(1)]);
    assert_eq!(listed(store, RequestFilter { statuses: vec![RequestStatus::Pending], ..all() }).await, [id(4)]);
    assert_eq!(listed(store, RequestFilter { action: Some(Action::Erasure), ..all() }).await, [id(4), id(3), id(2)]);
    let both = RequestFilter { action: Some(Action::Access), statuses: vec![RequestStatus::Complete], ..all() };
    assert!(listed(store, both).await.is_empty());
}

/// Overdue is what is due before the moment and not yet over; what was given up is still owed.
pub async fn overdue_requests_are_those_still_owed(store: &dyn RequestStore) {
    let late = NewRequest { regime: Regime::Ccpa, ..access(5) };
    record(store, &[access(1), access(2), pending(access(3)), access(4), late]).await;
    put(store, 1, TaskState::Complete(Outcome::Collected)).await;
    put(store, 2, TaskState::Error(halt(Resume::Queued))).await;
    store.decide(&id(4), &Decision::Cancel, "ops", at(5)).await.unwrap();
    let overdue = |moment| RequestFilter { overdue_at: Some(moment), ..RequestFilter::default() };
    let first = Regime::Gdpr.due_at(at(2));
    assert!(listed(store, overdue(first)).await.is_empty(), "due then is not yet overdue");
    assert_eq!(listed(store, overdue(Regime::Gdpr.due_at(at(10)))).await, [id(3), id(2)]);
}

/// Regulations are listed newest first, without subjects and members, and found by our id, by Segment's and by a person.
pub async fn regulations_are_listed_and_found(store: &dyn RequestStore) {
    for (number, minute) in [(1, 210), (2, 230), (3, 220)] {
        wait_with(store, erasure(number), [&format!("u{number}")]).await;
        let plan = IntentPlan { at: at(minute), ..plan(&format!("rin_{number}")) };
        let Claimed { lease, item, .. } = intend(store, &plan).await;
        store.save_regulation(&lease, &accepted(item, &format!("reg_{number}"), at(300))).await.unwrap();
    }
    let list = async |filter: LedgerFilter| -> Vec<_> {
        let found = store.regulations(&filter).await.unwrap();
        assert!(found.iter().all(|ledger| ledger.subjects.is_empty() && ledger.members.is_empty()));
        assert!(found.iter().all(|ledger| ledger.subject_count == 1));
        found.into_iter().map(|ledger| ledger.intent.as_str().to_owned()).collect()
    };
    let all = LedgerFilter::default;
    assert_eq!(list(all()).await, ["rin_2", "rin_3", "rin_1"]);
    assert_eq!(list(LedgerFilter { limit: Some(1), ..all() }).await, ["rin_2"]);
    assert_eq!(list(LedgerFilter { id: Some("rin_3".into()), ..all() }).await, ["rin_3"]);
    assert_eq!(list(LedgerFilter { id: Some("reg_1".into()), ..all() }).await, ["rin_1"]);
    assert_eq!(list(LedgerFilter { requests: vec![id(2)], ..all() }).await, ["rin_2"]);
    assert_eq!(list(LedgerFilter { requests: vec![id(1), id(2)], ..all() }).await, ["rin_2", "rin_1"]);
    assert!(list(LedgerFilter { requests: vec![id(2)], id: Some("rin_1".into()), ..all() }).await.is_empty());
}

/// User ids count against the quota from the intent on, as long as they were or may have been sent: what was refused, or
/// never left, is closed without Segment's id and does not count.
pub async fn what_was_or_may_have_been_sent_is_counted(store: &dyn RequestStore) {
    let count = async || {
        let basic = ConnectionKey::new(BASIC);
        store.submitted(&basic, QuotaCategory::SegmentOnly, at(0)).await.unwrap()
    };
    assert_eq!(count().await, 0);
    let sent = sending(store, 2, "rin_1").await;
    assert_eq!(count().await, 2, "it may have been sent");
    let refused = closed(sent.item, MemberChange::Requeue { max_people: None });
    store.save_regulation(&sent.lease, &refused).await.unwrap();
    assert_eq!(count().await, 0, "it was refused");
    intend(store, &IntentPlan { lease: OVER, ..plan("rin_2") }).await;
    let lost = claim_regulation(store, HELD).await.unwrap();
    assert_eq!(count().await, 2, "it is unknown");
    let halted = Ledger { state: LedgerState::Halted, ..lost.item };
    store.save_regulation(&lost.lease, &ledger_update(halted, MemberChange::None)).await.unwrap();
    assert_eq!(count().await, 2, "a human must decide");
}

/// What Segment accepted counts, also after it is over.
pub async fn what_was_accepted_stays_counted(store: &dyn RequestStore) {
    let basic = ConnectionKey::new(BASIC);
    awaiting(store, 2, "rin_1").await;
    let claimed = claim_regulation(store, HELD).await.unwrap();
    store.save_regulation(&claimed.lease, &closed(claimed.item, MemberChange::None)).await.unwrap();
    assert_eq!(store.submitted(&basic, QuotaCategory::SegmentOnly, at(0)).await.unwrap(), 2);
}

/// The count is of one connection and category, since a moment: that of the intent, and the moment itself is in it.
pub async fn the_count_is_of_a_connection_a_category_and_a_time(store: &dyn RequestStore) {
    wait_with(store, on_both(erasure(1)), ["u1", "u2"]).await;
    record(store, &[erasure(2)]).await;
    let Claimed { lease, item, .. } = claim_only(store, 2, HELD).await;
    let kind = Some(RegulationType::SuppressWithDelete);
    let task = Task { kind, ..super::sample::resolved(item.tasks[0].clone(), ["u3"]) };
    store.save_request(&lease, &update(vec![task])).await.unwrap();
    intend(store, &plan("rin_1")).await;
    intend(store, &IntentPlan { kind: RegulationType::SuppressWithDelete, ..plan("rin_2") }).await;
    let count = async |connection: &str, category, since| {
        store.submitted(&ConnectionKey::new(connection), category, since).await.unwrap()
    };
    assert_eq!(count(BASIC, QuotaCategory::SegmentOnly, at(200)).await, 2);
    assert_eq!(count(BASIC, QuotaCategory::SegmentAndDestination, at(200)).await, 1);
    assert_eq!(count(BASIC, QuotaCategory::SegmentOnly, at(201)).await, 0);
    assert_eq!(count(UNIFY, QuotaCategory::SegmentOnly, at(0)).await, 0);
}

/// The next due moment is the earliest of what is planned: a request, or a regulation. It is asked by scope. A resolved task
/// is in the backlog: its time depends on its batch.
pub async fn the_next_due_moment_is_the_earliest(store: &dyn RequestStore) {
    let next = async |scope: &ClaimScope| store.next_due(scope).await.unwrap();
    let before = |at| Due { before_acceptance: Some(at), after_acceptance: None };
    assert_eq!(next(&ClaimScope::All).await, Due::default());
    record(store, &[access(30)]).await;
    assert_eq!(next(&ClaimScope::All).await, before(at(30)));
    let claimed = claim_only(store, 30, HELD).await;
    let pause = RequestUpdate { next_at: Some(at(250)), ..update(vec![]) };
    store.save_request(&claimed.lease, &pause).await.unwrap();
    wait_with(store, erasure(1), ["u1"]).await;
    assert_eq!(next(&ClaimScope::All).await, before(at(250)), "it is resolved");
    assert_eq!(next(&only(1)).await, Due::default());
    let Claimed { lease, item, .. } = intend(store, &plan("rin_1")).await;
    assert_eq!(next(&only(1)).await, before(at(200)), "it is being sent");
    store.save_regulation(&lease, &accepted(item, "reg_1", at(310))).await.unwrap();
    let tracked = Due { before_acceptance: None, after_acceptance: Some(at(310)) };
    assert_eq!(next(&only(1)).await, tracked);
    assert_eq!(next(&ClaimScope::All).await, Due { before_acceptance: Some(at(250)), ..tracked });
    assert_eq!(next(&only(9)).await, Due::default());
}

/// Nothing is planned for what waits for approval, is denied or over, nor for a regulation that is closed or halted.
pub async fn nothing_is_planned_for_what_is_over(store: &dyn RequestStore) {
    record(store, &[pending(access(1)), pending(access(2))]).await;
    store.decide(&id(2), &Decision::Deny { reason: "not theirs".into() }, "ops", at(5)).await.unwrap();
    for (number, state) in [(3, LedgerState::Closed), (4, LedgerState::Halted)] {
        wait_with(store, erasure(number), [&format!("u{number}")]).await;
        let Claimed { lease, item, .. } = intend(store, &plan(&format!("rin_{number}"))).await;
        let over = Ledger { state, next_at: Some(at(300)), ..item };
        store.save_regulation(&lease, &ledger_update(over, MemberChange::None)).await.unwrap();
    }
    assert_eq!(store.next_due(&ClaimScope::All).await.unwrap().earliest(), None);
}

/// Requests are counted by what was asked, under which law, where they stand, what was done, how long it took and whether that
/// was too long; of those that were received in the time.
pub async fn requests_are_counted(store: &dyn RequestStore) {
    record(store, &[erasure(1), access(2), pending(erasure(3)), NewRequest { regime: Regime::Ccpa, ..erasure(4) }])
        .await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let done = Task { state: TaskState::Complete(Outcome::NoData), ..item.tasks[0].clone() };
    let late = item.due_at + std::time::Duration::from_hours(30);
    store.save_request(&lease, &RequestUpdate { at: late, ..update(vec![done]) }).await.unwrap();
    let Claimed { lease, item, .. } = claim_only(store, 2, HELD).await;
    let done = Task { state: TaskState::Complete(Outcome::Collected), ..item.tasks[0].clone() };
    store.save_request(&lease, &RequestUpdate { at: at(2 + 3 * 1_440), ..update(vec![done]) }).await.unwrap();
    store.decide(&id(3), &Decision::Deny { reason: "not them".into() }, "ops", at(10)).await.unwrap();
    let counted = async |from, to, now| {
        let filter = TallyFilter { from, to, at: now };
        let mut all: Vec<_> = store
            .tally(&filter)
            .await
            .unwrap()
            .into_iter()
            .map(|one| {
                (
                    one.action.as_str(),
                    one.regime.as_str(),
                    one.status.as_str(),
                    one.outcome,
                    one.days,
                    one.late,
                    one.requests,
                )
            })
            .collect();
        all.sort_by_key(|one| (one.0, one.1, one.2));
        all
    };
    let took = late.duration_since(at(1)).as_secs().unsigned_abs() / 86_400;
    let [access, ccpa, complete, denied] = [
        ("access", "gdpr", "complete", Some(Outcome::Collected), Some(3), false, 1),
        ("erasure", "ccpa", "approved", None, None, false, 1),
        ("erasure", "gdpr", "complete", Some(Outcome::NoData), Some(took), true, 1),
        ("erasure", "gdpr", "denied", None, None, false, 1),
    ];
    assert_eq!(counted(None, None, at(100)).await, [access, ccpa, complete, denied]);
    let overdue = (ccpa.0, ccpa.1, ccpa.2, ccpa.3, ccpa.4, true, 1);
    assert_eq!(counted(None, None, at(1_000_000)).await, [access, overdue, complete, denied]);
    assert_eq!(counted(Some(at(2)), Some(at(4)), at(100)).await, [access, denied]);
}

/// The log is kept as chains, of the request and of its regulations. They hold every entry in its order, each hash follows
/// from the one before it, and they only grow.
pub async fn a_log_is_kept_as_chains(store: &dyn RequestStore) {
    let mut earlier: Vec<Vec<LogChain>> = Vec::new();
    let look = async |store: &dyn RequestStore, earlier: &mut Vec<Vec<LogChain>>| {
        let mut all = Vec::new();
        for number in [1, 2] {
            let chains = store.chains(&id(number)).await.unwrap();
            for chain in &chains {
                let mut end = ChainEnd::of(&chain.subject);
                for (entry, hash) in &chain.entries {
                    end.append(entry);
                    assert_eq!(end.hash, *hash, "{} of {}", entry.step, chain.subject);
                }
            }
            let told: Vec<_> = chains.iter().flat_map(|chain| chain.entries.iter().map(|(entry, _)| entry)).collect();
            let log = store.log(&id(number)).await.unwrap();
            assert_eq!(told.len(), log.len());
            assert!(log.iter().all(|entry| told.contains(&entry)));
            all.extend(chains);
        }
        let grown = |before: &LogChain| {
            all.iter().any(|now| now.subject == before.subject && now.entries.starts_with(&before.entries))
        };
        assert!(earlier.iter().flatten().all(grown));
        earlier.push(all);
    };
    record(store, &[erasure(1)]).await;
    look(store, &mut earlier).await;
    record_again(store, &erasure(1)).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let step = RequestUpdate {
        audit: vec![AuditEntry::new(at(50), "resolved", serde_json::json!({"user_ids": 1, "of": ["a", "b"]}))],
        ..update(vec![super::sample::resolved(item.tasks[0].clone(), ["u1"])])
    };
    store.save_request(&lease, &step).await.unwrap();
    look(store, &mut earlier).await;
    wait_with(store, erasure(2), ["u2"]).await;
    let claimed = intend(store, &plan("rin_1")).await;
    look(store, &mut earlier).await;
    let mut step = accepted(claimed.item, "reg_1", at(400));
    step.audit = vec![AuditEntry::new(at(300), "accepted", serde_json::json!({"regulation": "reg_1"}))];
    store.save_regulation(&claimed.lease, &step).await.unwrap();
    look(store, &mut earlier).await;
    store.note(&id(2), &AuditEntry::new(at(301), "revealed", serde_json::json!({"by": "ops"}))).await.unwrap();
    store.decide(&id(1), &Decision::Cancel, "ops", at(302)).await.unwrap();
    look(store, &mut earlier).await;
    assert!(store.chains(&id(9)).await.unwrap().is_empty());
}

/// Somebody asks for the same once more.
async fn record_again(store: &dyn RequestStore, request: &NewRequest) {
    let again = NewRequest { id: id(90), ..request.clone() };
    assert_eq!(store.intake(&[again]).await.unwrap(), [crate::Intake::Linked(request.id.clone())]);
}
