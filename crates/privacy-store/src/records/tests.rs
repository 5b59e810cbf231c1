//! What only a look behind the port shows.

use std::{path::Path, sync::Arc};

use segment_core::{
    Action, ConnectionKey, Identity, IdentityKind, IdentitySet, Intake, NewRequest, Regime, RequestId,
    ports::{RequestStore, StoreError},
    testing::CountingRandom,
};

use super::RecordStore;
use crate::MasterKey;

async fn store(path: &Path) -> RecordStore {
    let key = MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    RecordStore::open(path, key, Arc::new(CountingRandom::default())).await.unwrap()
}

fn requests(numbers: std::ops::Range<u32>) -> Vec<NewRequest> {
    let new = |number| NewRequest {
        id: RequestId::new(format!("pri_{number:04}")),
        external_id: None,
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, &format!("u{number}")).unwrap()]).unwrap(),
        regime: Regime::Gdpr,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        needs_approval: false,
        by: None,
        all_or_none: false,
        recipient: None,
        left_out: Vec::new(),
        connections: vec![ConnectionKey::new("segment")],
        datasets: Vec::new(),
    };
    numbers.map(new).collect()
}

/// Lets the database grow to so many pages.
async fn limit_pages(store: &RecordStore, pages: i64) {
    let sql = format!("PRAGMA max_page_count = {pages}");
    let super::open::Pools::Sqlite { writer, .. } = &store.pools else { panic!("it is a file") };
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(writer).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_writes_nothing_of_a_step_and_is_got_over() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder.path().join("records.db")).await;
    store.intake(&requests(0..1)).await.unwrap();
    // Less than there are already: it may not grow at all.
    limit_pages(&store, 1).await;
    let error = store.intake(&requests(1..200)).await.unwrap_err();
    assert!(matches!(error, StoreError::NotWritable(_)), "{error:?}");
    for number in 1..200 {
        assert!(store.request(&RequestId::new(format!("pri_{number:04}"))).await.unwrap().is_none());
    }
    limit_pages(&store, 1_000_000).await;
    let answers = store.intake(&requests(1..200)).await.unwrap();
    assert!(answers.iter().all(|answer| *answer == Intake::Created));
}
