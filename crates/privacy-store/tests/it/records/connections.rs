//! Connections that are kept in the record database, on SQLite and on PostgreSQL.

use std::sync::Arc;

use privacy_store::{RecordStore, Removal, TestRecord};
use secrecy::{ExposeSecret, SecretString};
use segment_core::{
    ClaimScope, ConnectionKey, Decision,
    ports::{RequestStore, StoreError},
};

use super::{Place, id, now, postgres, record};

/// A test of each function on both databases.
macro_rules! on_both {
    ($($test:ident)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let place = Place::new();
            super::connections::check::$test([place.open().await, place.open().await].map(Arc::new)).await;
            let Some(server) = postgres::server().await else { return };
            super::connections::check::$test([server.open().await, server.open().await].map(Arc::new)).await;
        }
    )+};
}

on_both! {
    a_connection_is_kept_with_its_secrets
    one_of_two_adds_a_connection
    a_change_needs_the_last_version
    a_connection_in_use_is_not_removed_by_mistake
    the_last_test_is_kept
}

fn key() -> ConnectionKey {
    // The requests of these tests are for it.
    ConnectionKey::new("segment")
}

fn settings(text: &str) -> SecretString {
    SecretString::from(text)
}

async fn kept(store: &RecordStore) -> Vec<(String, i64, String)> {
    let all = store.connections().await.unwrap();
    all.into_iter().map(|one| (one.key.to_string(), one.version, one.settings.expose_secret().to_owned())).collect()
}

mod check {
    use super::{
        Arc, ClaimScope, ConnectionKey, Decision, RecordStore, Removal, RequestStore, StoreError, TestRecord, id, kept,
        key, now, record, settings,
    };

    type Two = [Arc<RecordStore>; 2];

    pub(super) async fn a_connection_is_kept_with_its_secrets([one, other]: Two) {
        assert!(kept(&one).await.is_empty());
        assert!(one.add_connection(&key(), &settings("s \"ecret\" \u{1f511}"), now()).await.unwrap());
        assert!(one.add_connection(&ConnectionKey::new("a"), &settings("{}"), now()).await.unwrap());
        let expected =
            [("a".to_owned(), 1, "{}".to_owned()), ("segment".to_owned(), 1, "s \"ecret\" \u{1f511}".to_owned())];
        assert_eq!(kept(&other).await, expected);
        assert_eq!(other.connections().await.unwrap()[0].updated_at, now());
        assert!(!format!("{:?}", other.connections().await.unwrap()).contains("ecret\""), "a secret is not shown");
    }

    pub(super) async fn one_of_two_adds_a_connection([one, other]: Two) {
        for round in 0..10 {
            let key = ConnectionKey::new(format!("c{round}"));
            let add = |store: Arc<RecordStore>, text: &'static str| {
                let key = key.clone();
                tokio::spawn(async move { store.add_connection(&key, &settings(text), now()).await })
            };
            let (first, second) = (add(one.clone(), "first"), add(other.clone(), "second"));
            let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
            assert!(first != second, "exactly one of them");
            let winner = if first { "first" } else { "second" };
            assert!(kept(&one).await.contains(&(key.to_string(), 1, winner.to_owned())));
        }
    }

    pub(super) async fn a_change_needs_the_last_version([one, other]: Two) {
        one.add_connection(&key(), &settings("v1"), now()).await.unwrap();
        assert!(one.change_connection(&key(), 1, &settings("v2"), now()).await.unwrap());
        assert!(!other.change_connection(&key(), 1, &settings("stale"), now()).await.unwrap());
        assert!(!other.change_connection(&ConnectionKey::new("none"), 1, &settings("x"), now()).await.unwrap());
        assert_eq!(kept(&other).await, [("segment".to_owned(), 2, "v2".to_owned())]);
    }

    pub(super) async fn a_connection_in_use_is_not_removed_by_mistake([one, other]: Two) {
        one.add_connection(&key(), &settings("s"), now()).await.unwrap();
        record(&*one, 2).await;
        assert_eq!(one.remove_connection(&key(), false).await.unwrap(), Removal::InUse(2));
        assert_eq!(kept(&other).await.len(), 1);
        for number in 0..2 {
            other.decide(&id(number), &Decision::Cancel, now()).await.unwrap();
        }
        assert_eq!(other.remove_connection(&key(), false).await.unwrap(), Removal::Removed);
        assert_eq!(one.remove_connection(&key(), false).await.unwrap(), Removal::Missing);
        one.add_connection(&key(), &settings("again"), now()).await.unwrap();
        record_one_more(&one).await;
        assert_eq!(one.remove_connection(&key(), true).await.unwrap(), Removal::Removed);
        assert!(kept(&one).await.is_empty());
    }

    async fn record_one_more(store: &RecordStore) {
        store.intake(&[super::super::erasure(7)]).await.unwrap();
        let claimed: Result<_, StoreError> =
            store.claim_requests(&ClaimScope::All, "worker", std::time::Duration::ZERO, 1, now()).await;
        assert_eq!(claimed.unwrap().len(), 1);
    }

    pub(super) async fn the_last_test_is_kept([one, other]: Two) {
        let test = |succeeded, name: &str| TestRecord {
            connection: key(),
            at: now(),
            succeeded,
            checks: serde_json::json!([{"name": name, "status": "failed", "message": "\"x\""}]),
        };
        assert!(one.tests().await.unwrap().is_empty());
        one.note_test(&test(true, "first")).await.unwrap();
        other.note_test(&test(false, "second")).await.unwrap();
        assert_eq!(one.tests().await.unwrap(), [test(false, "second")]);
        one.add_connection(&key(), &settings("s"), now()).await.unwrap();
        one.remove_connection(&key(), false).await.unwrap();
        assert!(one.tests().await.unwrap().is_empty(), "it goes with its connection");
    }
}
