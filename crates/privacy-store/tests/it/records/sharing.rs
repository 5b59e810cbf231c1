//! Several workers at one database.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use privacy_store::RecordStore;
use segment_core::{
    ClaimScope, Claimed, ConnectionKey, Intended, IntentId, IntentPlan, MonthlyQuota, Pii, RegulationType, RequestId,
    RequestUpdate, Resolution, Task, TaskState, ports::RequestStore,
};

use super::{Place, now, postgres, record};

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

async fn intend_all(store: Arc<RecordStore>, worker: usize, users: u64) -> Vec<Pii<String>> {
    let quota = MonthlyQuota { users, since: now(), reserve: 0, urgent_before: now() };
    let mut sent = Vec::new();
    for number in 0.. {
        let plan = IntentPlan {
            intent: IntentId::new(format!("rin_{worker}_{number}")),
            connection: ConnectionKey::new("segment"),
            kind: RegulationType::SuppressOnly,
            source: None,
            scope: ClaimScope::All,
            max_subjects: 4,
            max_bytes: 4_000_000,
            quota,
            lease: HELD,
            send_within: Duration::from_mins(30),
            owner: format!("worker {worker}"),
            at: now(),
        };
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
