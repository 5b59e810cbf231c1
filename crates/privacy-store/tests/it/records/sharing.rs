//! Several workers at one database.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use privacy_store::RecordStore;
use segment_core::{
    AuditEntry, ClaimScope, Claimed, ConnectionKey, Intended, IntentId, IntentPlan, Ledger, LedgerState, LedgerUpdate,
    MemberChange, MonthlyQuota, NewRequest, Outcome, Pii, RegulationId, RegulationType, RequestId, RequestStatus,
    RequestUpdate, Resolution, Task, TaskEvent, TaskState, ports::RequestStore,
};
use sqlx::{Connection, PgConnection};

use super::{Place, erasure, now, postgres, record};

const HELD: Duration = Duration::from_hours(1);

/// 16 workers, taking turns at two stores of the same database.
fn workers(stores: &[Arc<RecordStore>; 2]) -> Vec<Arc<RecordStore>> {
    (0..16).map(|number| Arc::clone(&stores[number % 2])).collect()
}

async fn on_sqlite(place: &Place) -> [Arc<RecordStore>; 2] {
    [Arc::new(place.open().await), Arc::new(place.open().await)]
}

async fn on_postgres(server: &postgres::Server) -> [Arc<RecordStore>; 2] {
    [Arc::new(server.open().await), Arc::new(server.open().await)]
}

async fn claim_all(store: Arc<RecordStore>, owner: String) -> Vec<RequestId> {
    let mut claimed = Vec::new();
    loop {
        let more = store.claim_requests(&ClaimScope::All, &owner, HELD, 5, now()).await.unwrap();
        if more.is_empty() {
            return claimed;
        }
        claimed.extend(more.into_iter().map(|one| one.item.id));
    }
}

async fn claimed_by_all(stores: [Arc<RecordStore>; 2]) -> (usize, usize) {
    let workers = workers(&stores);
    record(&*workers[0], 200).await;
    let tasks = workers.into_iter().enumerate().map(|(n, store)| tokio::spawn(claim_all(store, format!("worker {n}"))));
    let mut claimed = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        claimed.extend(task.await.unwrap());
    }
    let different: BTreeSet<_> = claimed.iter().collect();
    (claimed.len(), different.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_request_is_claimed_by_one_worker() {
    assert_eq!(claimed_by_all(on_sqlite(&Place::new()).await).await, (200, 200));
    let Some(server) = postgres::server().await else { return };
    assert_eq!(claimed_by_all(on_postgres(&server).await).await, (200, 200));
}

async fn resolve_all(store: &RecordStore) {
    for Claimed { lease, item, .. } in
        store.claim_requests(&ClaimScope::All, "worker", HELD, 1_000, now()).await.unwrap()
    {
        let user_ids = [Pii::from(item.id.as_str())].into();
        let resolution = Some(Resolution { user_ids, ..Resolution::default() });
        let kind = Some(RegulationType::SuppressOnly);
        let task = item.tasks[0].clone();
        let tasks = vec![Task { state: TaskState::Resolved, resolution, kind, user_ids: 1, ..task }];
        let update = RequestUpdate { tasks, package: None, next_at: None, audit: Vec::new(), at: now() };
        store.save_request(&lease, &update).await.unwrap();
    }
}

fn plan(intent: &str, users: u64) -> IntentPlan {
    IntentPlan {
        intent: IntentId::new(intent),
        connection: ConnectionKey::new("segment"),
        kind: RegulationType::SuppressOnly,
        source: None,
        scope: ClaimScope::All,
        max_subjects: 4,
        max_bytes: 4_000_000,
        quota: MonthlyQuota { users, since: now(), reserve: 0, urgent_before: now() },
        lease: HELD,
        send_within: Duration::from_mins(30),
        owner: "worker".to_owned(),
        at: now(),
    }
}

async fn intend_all(store: Arc<RecordStore>, worker: usize, users: u64) -> Vec<Pii<String>> {
    let mut sent = Vec::new();
    for number in 0.. {
        let plan = plan(&format!("rin_{worker}_{number}"), users);
        let Intended::Recorded(claimed) = store.intend(&plan).await.unwrap() else { break };
        sent.extend(claimed.item.subjects);
    }
    sent
}

/// What several workers send of a hundred people, a month having room for so many.
async fn sent_by_all(stores: [Arc<RecordStore>; 2], users: u64) -> (usize, usize) {
    let workers = workers(&stores);
    record(&*workers[0], 100).await;
    resolve_all(&workers[0]).await;
    let tasks = workers.into_iter().enumerate().map(|(n, store)| tokio::spawn(intend_all(store, n, users)));
    let mut sent = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        sent.extend(task.await.unwrap());
    }
    let different: BTreeSet<_> = sent.iter().collect();
    (sent.len(), different.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_user_id_is_sent_by_one_worker_and_all_share_the_months_quota() {
    for (users, sent) in [(110_000, 100), (50, 50)] {
        assert_eq!(sent_by_all(on_sqlite(&Place::new()).await, users).await, (sent, sent));
        let Some(server) = postgres::server().await else { continue };
        assert_eq!(sent_by_all(on_postgres(&server).await, users).await, (sent, sent));
    }
}

fn step(task: Task, next_at: Option<Timestamp>) -> RequestUpdate {
    RequestUpdate { tasks: vec![task], package: None, next_at, audit: Vec::new(), at: now() }
}

fn followed(claimed: &Claimed<Ledger>, event: TaskEvent) -> LedgerUpdate {
    let id = Some(RegulationId::new("reg_1"));
    let ledger = Ledger { state: LedgerState::Tracking, regulation: id, next_at: Some(now()), ..claimed.item.clone() };
    let audit = vec![AuditEntry::new(now(), "followed", serde_json::json!({}))];
    LedgerUpdate { ledger, absent: false, members: MemberChange::All(event), notes: Vec::new(), audit, at: now() }
}

/// The last step of a request's one task and the last step of the other one's regulation, at the same moment: each sees the
/// other, so that the request is complete.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn steps_of_two_tasks_that_meet_see_each_other() {
    let Some(server) = postgres::server().await else { return };
    let store = Arc::new(server.open().await);
    let connections = ["other", "segment"].map(ConnectionKey::new).to_vec();
    store.intake(&[NewRequest { connections, ..erasure(0) }]).await.unwrap();
    let claim = async || store.claim_requests(&ClaimScope::All, "worker", HELD, 1, now()).await.unwrap().remove(0);
    let first = claim().await;
    let resolution = Some(Resolution { user_ids: [Pii::from("u-1")].into(), ..Resolution::default() });
    let kind = Some(RegulationType::SuppressOnly);
    let segment = Task { state: TaskState::Resolved, resolution, kind, user_ids: 1, ..first.item.tasks[1].clone() };
    store.save_request(&first.lease, &step(segment, Some(now()))).await.unwrap();
    let Intended::Recorded(sent) = store.intend(&plan("rin_1", 10)).await.unwrap() else { panic!("nobody waits") };
    store.save_regulation(&sent.lease, &followed(&sent, TaskEvent::Accept)).await.unwrap();
    let regulation = store.claim_regulation(&ClaimScope::All, "worker", HELD, now()).await.unwrap().unwrap();
    let second = claim().await;

    // Both have written their tasks before either may go on.
    let mut gate = PgConnection::connect(server.url()).await.unwrap();
    let mut gate = gate.begin().await.unwrap();
    sqlx::query("LOCK TABLE segment_privacy.log IN SHARE MODE").execute(&mut *gate).await.unwrap();
    let following = tokio::spawn({
        let (store, update) = (Arc::clone(&store), followed(&regulation, TaskEvent::Complete(Outcome::Deleted)));
        async move { store.save_regulation(&regulation.lease, &update).await }
    });
    let waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'segment_privacy.log'::regclass";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *gate).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stepping = tokio::spawn({
        let (store, task) = (Arc::clone(&store), second.item.tasks[0].clone());
        let task = Task { state: TaskState::Complete(Outcome::NoData), ..task };
        async move { store.save_request(&second.lease, &step(task, None)).await }
    });
    while !stepping.is_finished() && sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *gate).await.unwrap() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gate.commit().await.unwrap();
    following.await.unwrap().unwrap();
    stepping.await.unwrap().unwrap();
    let request = store.request(&first.item.id).await.unwrap().unwrap();
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", request.tasks);
}
