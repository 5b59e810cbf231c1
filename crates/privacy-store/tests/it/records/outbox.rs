//! What receivers of webhooks are told, by the same rules on either database.

use std::time::Duration;

use privacy_store::RecordStore;
use segment_core::{
    Attempted, Decision, Delivery, RequestStatus,
    ports::{Outbox, RequestStore},
};

use super::{Place, erasure, id, postgres, record};

const LEASE: Duration = Duration::from_mins(1);

async fn told(store: &RecordStore) -> Vec<(String, String, RequestStatus)> {
    let mut all: Vec<_> = store.deliveries(None, 100).await.unwrap();
    all.sort_by(|a, b| (a.at, &a.webhook, &a.id).cmp(&(b.at, &b.webhook, &b.id)));
    all.into_iter().map(|one| (one.webhook, one.request.to_string(), one.status)).collect()
}

async fn rules(store: &RecordStore) {
    record(store, 1).await;
    assert!(told(store).await.is_empty(), "nobody is to be told");
    let keys = ["a", "b"].map(str::to_owned);
    store.set_webhooks(&keys).await.unwrap();
    store.set_webhooks(&keys).await.unwrap();
    let at = "2026-11-27T10:00:00Z".parse().unwrap();
    store.decide(&id(0), &Decision::Extend { reason: "many".into() }, "ops", at).await.unwrap();
    assert!(told(store).await.is_empty(), "its status is as it was");
    store.decide(&id(0), &Decision::Cancel, "ops", at).await.unwrap();
    let one = |key: &str| (key.to_owned(), id(0).to_string(), RequestStatus::Canceled);
    assert_eq!(told(store).await, [one("a"), one("b")]);
    store.intake(&[erasure(1)]).await.unwrap();
    assert_eq!(told(store).await.len(), 4, "a new one has a status, too");

    let first = store.claim_deliveries("a", LEASE, 1).await.unwrap().remove(0);
    let second = store.claim_deliveries("a", LEASE, 3).await.unwrap().remove(0);
    assert!(store.claim_deliveries("a", LEASE, 3).await.unwrap().is_empty(), "what is taken is not taken again");
    let third = store.claim_deliveries("b", LEASE, 3).await.unwrap().remove(0);
    assert_eq!((first.attempts, first.delivered_at, third.webhook.as_str()), (1, None, "b"));
    store.save_delivery(&first, &Attempted::Delivered, "200").await.unwrap();
    store.save_delivery(&second, &Attempted::Again(Duration::ZERO), "503").await.unwrap();
    store.save_delivery(&third, &Attempted::GivenUp, "410").await.unwrap();
    let again = store.claim_deliveries("a", LEASE, 3).await.unwrap();
    assert_eq!(again.iter().map(|one| (&one.id, one.attempts)).collect::<Vec<_>>(), [(&second.id, 2)]);
    // Somebody who was slow says so too late, and what is over stays over.
    store.save_delivery(&second, &Attempted::Delivered, "200").await.unwrap();
    store.save_delivery(&third, &Attempted::Again(Duration::ZERO), "503").await.unwrap();
    let of = |id: &str, all: &[Delivery]| all.iter().find(|one| one.id == id).cloned().unwrap();
    let all = store.deliveries(None, 100).await.unwrap();
    assert_eq!((of(&second.id, &all).delivered_at, of(&second.id, &all).attempts), (None, 2));
    let kept = of(&first.id, &all);
    assert_eq!((kept.delivered_at.is_some(), kept.next_at, kept.answer.as_deref()), (true, None, Some("200")));
    assert_eq!((of(&third.id, &all).next_at, of(&third.id, &all).delivered_at), (None, None));

    store.set_webhooks(&["b".to_owned()]).await.unwrap();
    store.intake(&[erasure(2)]).await.unwrap();
    assert_eq!(store.deliveries(Some("a"), 100).await.unwrap().len(), 2, "it is told nothing more");
    assert_eq!(store.deliveries(Some("b"), 100).await.unwrap().len(), 3);
    assert_eq!(store.drop_deliveries(Duration::from_hours(1)).await.unwrap(), 0);
    assert!(store.drop_deliveries(Duration::ZERO).await.unwrap() > 0);
}

#[tokio::test]
async fn webhooks_on_sqlite() {
    let place = Place::new();
    rules(&place.open().await).await;
}

#[tokio::test]
async fn webhooks_on_postgres() {
    if let Some(opened) = postgres::Opened::new(2).await {
        rules(&opened).await;
    }
}
