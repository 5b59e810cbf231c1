//! People, steps and short cuts for the suite.

#![expect(clippy::unwrap_used, reason = "what fails in a test panics")]

use std::{cell::Cell, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    Action, AuditEntry, ClaimScope, Claimed, ConnectionKey, Halt, HaltKind, Identity, IdentityKind, IdentitySet,
    Intake, Intended, IntentId, IntentPlan, Ledger, LedgerFilter, LedgerState, LedgerUpdate, MemberChange, MemberNote,
    MonthlyQuota, NewRequest, Pii, ProfileRef, Regime, RegulationId, RegulationType, Request, RequestId, RequestUpdate,
    Resolution, Resume, RowTrace, Task, TaskEvent, TaskState,
    ports::{RequestStore, StoreError},
};

/// A lease that lasts.
pub(super) const HELD: Duration = Duration::from_hours(1);
/// A lease that is over at once.
pub(super) const OVER: Duration = Duration::ZERO;
pub(super) const BASIC: &str = "segment_basic";
pub(super) const UNIFY: &str = "segment_unify";
/// An owned database.
pub(super) const SHOP: &str = "shop";

thread_local! {
    /// In 2026.
    static START: Cell<Timestamp> = Cell::new(Timestamp::from_second(1_795_500_000).unwrap());
}

/// Sets when the caller's time begins in the rules that this thread runs: the clocks of a caller and of its database may
/// differ by whatever.
pub fn begin_at(start: Timestamp) {
    START.set(start);
}

/// The caller's time: so many minutes after the start.
pub(super) fn at(minute: i64) -> Timestamp {
    START.get() + SignedDuration::from_mins(minute)
}

pub(super) fn id(number: u32) -> RequestId {
    RequestId::new(format!("pri_{number:04}"))
}

pub(super) fn only(number: u32) -> ClaimScope {
    ClaimScope::Requests(vec![id(number)])
}

pub(super) fn people<const N: usize>(addresses: [&str; N]) -> IdentitySet {
    let email = |name: &str| Identity::new(IdentityKind::Email, &format!("{name}@example.com")).unwrap();
    IdentitySet::new(addresses.map(email)).unwrap()
}

/// A request for `person<number>@example.com` on one connection, received in minute `number`.
pub(super) fn new(number: u32, action: Action) -> NewRequest {
    NewRequest {
        id: id(number),
        external_id: None,
        action,
        identities: people([&format!("person{number}")]),
        regime: Regime::Gdpr,
        received_at: at(number.into()),
        needs_approval: false,
        by: None,
        all_or_none: false,
        recipient: None,
        left_out: Vec::new(),
        connections: vec![ConnectionKey::new(BASIC)],
        datasets: Vec::new(),
    }
}

/// With rows in an owned database, too.
pub(super) fn with_rows(request: NewRequest) -> NewRequest {
    NewRequest { datasets: vec![ConnectionKey::new(SHOP)], ..request }
}

pub(super) fn erasure(number: u32) -> NewRequest {
    new(number, Action::Erasure)
}

pub(super) fn access(number: u32) -> NewRequest {
    new(number, Action::Access)
}

/// On both connections.
pub(super) fn on_both(request: NewRequest) -> NewRequest {
    NewRequest { connections: vec![ConnectionKey::new(UNIFY), ConnectionKey::new(BASIC)], ..request }
}

pub(super) fn pending(request: NewRequest) -> NewRequest {
    NewRequest { needs_approval: true, ..request }
}

/// Records new requests.
pub(super) async fn record(store: &dyn RequestStore, requests: &[NewRequest]) {
    let answers = store.intake(requests).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Intake::Created), "{answers:?}");
}

pub(super) async fn get(store: &dyn RequestStore, number: u32) -> Request {
    store.request(&id(number)).await.unwrap().unwrap()
}

/// The state of a request's first task.
pub(super) async fn state(store: &dyn RequestStore, number: u32) -> TaskState {
    get(store, number).await.tasks[0].state.clone()
}

/// The steps in the log of a request.
pub(super) async fn steps(store: &dyn RequestStore, number: u32) -> Vec<String> {
    store.log(&id(number)).await.unwrap().into_iter().map(|entry| entry.step).collect()
}

/// Claims what is due in minute 1000, in its order.
pub(super) async fn claim(store: &dyn RequestStore, lease: Duration) -> Vec<Claimed<Request>> {
    store.claim_requests(&ClaimScope::All, "worker", lease, 100, at(1_000)).await.unwrap()
}

pub(super) async fn claim_only(store: &dyn RequestStore, number: u32, lease: Duration) -> Claimed<Request> {
    let mut claimed = store.claim_requests(&only(number), "worker", lease, 100, at(1_000)).await.unwrap();
    assert_eq!(claimed.len(), 1, "request {number} is not due");
    claimed.remove(0)
}

/// The numbers of the requests that can be claimed; they are given back.
pub(super) async fn due(store: &dyn RequestStore) -> Vec<RequestId> {
    let claimed = claim(store, HELD).await;
    let mut ids = Vec::new();
    for one in claimed {
        store.release(&one.lease).await.unwrap();
        ids.push(one.item.id);
    }
    ids
}

/// A step with these tasks after which nothing is left to do.
pub(super) fn update(tasks: Vec<Task>) -> RequestUpdate {
    RequestUpdate { tasks, package: None, next_at: None, audit: Vec::new(), at: at(100) }
}

/// Claims a request, puts all its tasks into a state and saves it.
pub(super) async fn put(store: &dyn RequestStore, number: u32, state: TaskState) {
    let Claimed { lease, item, .. } = claim_only(store, number, HELD).await;
    let tasks = item.tasks.into_iter().map(|task| Task { state: state.clone(), ..task });
    store.save_request(&lease, &update(tasks.collect())).await.unwrap();
}

pub(super) fn ids<const N: usize>(ids: [&str; N]) -> std::collections::BTreeSet<Pii<String>> {
    ids.into_iter().map(Pii::from).collect()
}

/// A task that is resolved to user ids, to be suppressed.
pub(super) fn resolved<const N: usize>(task: Task, user_ids: [&str; N]) -> Task {
    let profile = |id: &str| ProfileRef::external_id(IdentityKind::UserId, Pii::from(id));
    let resolution = Resolution {
        user_ids: ids(user_ids),
        profiles: user_ids.into_iter().map(profile).collect(),
        identifiers: user_ids.into_iter().map(profile).collect(),
        unreachable: 0,
        rows: RowTrace::default(),
    };
    Task {
        state: TaskState::Resolved,
        kind: Some(RegulationType::SuppressOnly),
        user_ids: N as u64,
        resolution: Some(resolution),
        ..task
    }
}

/// Records an erasure and resolves all its tasks to these user ids.
pub(super) async fn wait_with<const N: usize>(store: &dyn RequestStore, request: NewRequest, user_ids: [&str; N]) {
    record(store, std::slice::from_ref(&request)).await;
    let claimed = store.claim_requests(&ClaimScope::Requests(vec![request.id]), "worker", HELD, 1, at(1_000)).await;
    let Claimed { lease, item, .. } = claimed.unwrap().remove(0);
    let tasks = item.tasks.into_iter().map(|task| resolved(task, user_ids)).collect();
    store.save_request(&lease, &update(tasks)).await.unwrap();
}

pub(super) fn plan(intent: &str) -> IntentPlan {
    IntentPlan {
        intent: IntentId::new(intent),
        connection: ConnectionKey::new(BASIC),
        kind: RegulationType::SuppressOnly,
        source: None,
        scope: ClaimScope::All,
        max_subjects: 5_000,
        max_bytes: 4_000_000,
        quota: MonthlyQuota { users: 110_000, since: at(0), reserve: 0, urgent_before: at(0) },
        lease: HELD,
        send_within: Duration::from_mins(30),
        owner: "worker".into(),
        at: at(200),
    }
}

pub(super) async fn intend(store: &dyn RequestStore, plan: &IntentPlan) -> Claimed<Ledger> {
    match store.intend(plan).await.unwrap() {
        Intended::Recorded(claimed) => *claimed,
        other => panic!("{other:?}"),
    }
}

/// Records erasures 1 to `count` with the user ids `u1` and so on, and closes them into an intent.
pub(super) async fn sending(store: &dyn RequestStore, count: u32, intent: &str) -> Claimed<Ledger> {
    for number in 1..=count {
        wait_with(store, erasure(number), [&format!("u{number}")]).await;
    }
    intend(store, &plan(intent)).await
}

/// A step that leaves a regulation as it is.
pub(super) fn ledger_update(ledger: Ledger, members: MemberChange) -> LedgerUpdate {
    LedgerUpdate { ledger, absent: false, members, notes: Vec::new(), audit: Vec::new(), at: at(300) }
}

/// The step of an accepted regulation, which is polled at `next`.
pub(super) fn accepted(ledger: Ledger, regulation: &str, next: Timestamp) -> LedgerUpdate {
    let ledger = Ledger {
        state: LedgerState::Tracking,
        regulation: Some(RegulationId::new(regulation)),
        accepted_at: Some(at(300)),
        next_at: Some(next),
        ..ledger
    };
    let audit = vec![AuditEntry::new(at(300), "accepted", json!({"regulation": regulation}))];
    LedgerUpdate { audit, ..ledger_update(ledger, MemberChange::All(TaskEvent::Accept)) }
}

/// The step that ends an attempt and moves its people.
pub(super) fn closed(ledger: Ledger, members: MemberChange) -> LedgerUpdate {
    ledger_update(Ledger { state: LedgerState::Closed, next_at: None, ..ledger }, members)
}

/// Erasures 1 to `count`, accepted by Segment as `reg_<intent>` and due at once.
pub(super) async fn awaiting(store: &dyn RequestStore, count: u32, intent: &str) -> Ledger {
    let Claimed { lease, item, .. } = sending(store, count, intent).await;
    let update = accepted(item, &format!("reg_{intent}"), at(300));
    store.save_regulation(&lease, &update).await.unwrap();
    update.ledger
}

/// Claims the regulation that is due in minute 1000.
pub(super) async fn claim_regulation(store: &dyn RequestStore, lease: Duration) -> Option<Claimed<Ledger>> {
    store.claim_regulation(&ClaimScope::All, "worker", lease, at(1_000)).await.unwrap()
}

/// The regulation of an intent, as the list shows it.
pub(super) async fn ledger(store: &dyn RequestStore, intent: &str) -> Ledger {
    let filter = LedgerFilter { id: Some(intent.into()), ..LedgerFilter::default() };
    store.regulations(&filter).await.unwrap().remove(0)
}

pub(super) fn note(number: u32) -> MemberNote {
    MemberNote { request: id(number), findings: Vec::new(), verified_at: None, event: None }
}

pub(super) fn halt(resume: Resume) -> Halt {
    Halt { kind: HaltKind::Refused, message: "Segment refused it".into(), resume }
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is asserted where it comes")]
pub(super) fn assert_stale(answer: Result<(), StoreError>) {
    assert!(matches!(answer, Err(StoreError::StaleLease)), "{answer:?}");
}

#[expect(clippy::needless_pass_by_value, reason = "an answer is asserted where it comes")]
pub(super) fn assert_misuse<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Misuse(_))), "{answer:?}");
}
