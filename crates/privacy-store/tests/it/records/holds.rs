//! What is told of legal holds, on SQLite and on PostgreSQL. What a hold does is in the stores' conformance suite.

use jiff::ToSpan as _;
use privacy_store::RecordStore;
use segment_core::{HoldId, ports::RequestStore, testing::told};

use super::{Place, hold, now, postgres};

async fn holds_are_told_once(store: &RecordStore) {
    let hold = hold();
    let (placed, again) = (told(now(), "placed"), told(now(), "placed_again"));
    store.place_hold(&hold, &placed).await.unwrap();
    store.place_hold(&hold, &again).await.unwrap_err();
    let (lifted, later) = (told(now() + 1.minute(), "lifted"), told(now() + 2.minutes(), "lifted_again"));
    for told in [&lifted, &later] {
        let hold = store.lift_hold(&hold.id, told).await.unwrap().unwrap();
        assert_eq!(hold.lifted_at, Some(lifted.at));
    }
    assert_eq!(store.lift_hold(&HoldId::new("hld_9"), &later).await.unwrap(), None);
    assert_eq!(store.journal_of("hld_1").await.unwrap(), [placed, lifted], "what changed nothing is not told");
    assert!(store.journal_of("hld_9").await.unwrap().is_empty());
}

#[tokio::test]
async fn holds_are_told_once_on_sqlite() {
    let place = Place::new();
    holds_are_told_once(&place.open().await).await;
}

#[tokio::test]
async fn holds_are_told_once_on_postgres() {
    if let Some(opened) = postgres::Opened::new(1).await {
        holds_are_told_once(&opened).await;
    }
}
