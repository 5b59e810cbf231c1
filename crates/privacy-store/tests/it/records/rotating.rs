//! Replacing the master key.

use std::sync::Arc;

use privacy_store::{MasterKey, OpenError, RecordOptions, RecordStore};
use secrecy::SecretString;
use segment_core::{
    ConnectionKey, Intake, Pii,
    ports::RequestStore,
    testing::{CountingRandom, told},
};

use super::{KEY, OTHER_KEY, Place, erasure, hold, id, now, postgres, record};

/// More than one transaction's worth.
const PEOPLE: usize = 1_203;

fn both() -> MasterKey {
    MasterKey::from_base64(OTHER_KEY).unwrap().replacing(MasterKey::from_base64(KEY).unwrap())
}

async fn fill(store: &RecordStore) {
    record(store, PEOPLE).await;
    let hold = hold();
    store.place_hold(&hold, &told(now(), "placed")).await.unwrap();
    assert!(
        store
            .put_connection(&ConnectionKey::new("prod"), &"settings".into(), &[], &told(now(), "added"))
            .await
            .unwrap()
    );
}

/// Everything is there, and the same is recognised.
async fn is_whole(store: &RecordStore) {
    for number in [0, 499, 500, PEOPLE - 1] {
        let request = store.request(&id(number)).await.unwrap().unwrap();
        assert_eq!(request.identities, Some(erasure(number).identities));
    }
    assert_eq!(store.holds().await.unwrap()[0].reason, Pii::from("case 7"));
    assert_eq!(store.connections().await.unwrap().len(), 1);
    let again = segment_core::NewRequest { id: id(9_999), ..erasure(3) };
    assert_eq!(store.intake(&[again]).await.unwrap(), [Intake::Linked(id(3))]);
}

/// `open` opens the database with a key.
async fn rotates<F: Future<Output = Result<RecordStore, OpenError>>>(open: impl Fn(MasterKey) -> F) {
    let old = || MasterKey::from_base64(KEY).unwrap();
    let new = || MasterKey::from_base64(OTHER_KEY).unwrap();
    let before = open(old()).await.unwrap();
    fill(&before).await;
    assert!(matches!(open(new()).await, Err(OpenError::WrongKey { .. })));

    let rotating = open(both()).await.unwrap();
    assert!(!rotating.is_of_this_key().await.unwrap());
    is_whole(&rotating).await;
    // Somebody who knows both works on while it goes on, and what they write is wrapped by the new key already.
    rotating.intake(&[erasure(PEOPLE)]).await.unwrap();
    assert_eq!(rotating.rotate().await.unwrap(), PEOPLE as u64 + 3, "requests, a hold, a connection, the look-up key");
    assert!(rotating.is_of_this_key().await.unwrap());
    assert_eq!(rotating.rotate().await.unwrap(), 0, "there is nothing left to do");
    is_whole(&rotating).await;

    let after = open(new()).await.unwrap();
    is_whole(&after).await;
    assert!(after.request(&id(PEOPLE)).await.unwrap().unwrap().identities.is_some());
    assert!(matches!(open(old()).await, Err(OpenError::WrongKey { .. })), "the old key is worth nothing any more");
}

#[tokio::test]
async fn every_key_is_wrapped_anew_on_sqlite() {
    let place = Place::new();
    let random = Arc::new(CountingRandom::default());
    rotates(|key| {
        let (path, random) = (place.path(), random.clone());
        async move { RecordStore::open(&path, key, random).await }
    })
    .await;
}

#[tokio::test]
async fn every_key_is_wrapped_anew_on_postgres() {
    let Some(server) = postgres::server().await else { return };
    let random = Arc::new(CountingRandom::default());
    rotates(|key| {
        let (url, random) = (SecretString::from(server.url().to_owned()), random.clone());
        async move { RecordStore::connect(&url, key, random, &RecordOptions::default()).await }
    })
    .await;
}

#[tokio::test]
async fn a_key_that_was_destroyed_meanwhile_stays_destroyed() {
    let place = Place::new();
    let random = Arc::new(CountingRandom::default());
    let store = RecordStore::open(&place.path(), MasterKey::from_base64(KEY).unwrap(), random.clone()).await.unwrap();
    record(&store, 2).await;
    store.decide(&id(0), &segment_core::Decision::Cancel, "ops", now()).await.unwrap();
    store.destroy_identities(&id(0), now()).await.unwrap();
    let rotating = RecordStore::open(&place.path(), both(), random).await.unwrap();
    assert_eq!(rotating.rotate().await.unwrap(), 2, "one request, and the look-up key");
    assert!(rotating.request(&id(0)).await.unwrap().unwrap().identities.is_none());
}
