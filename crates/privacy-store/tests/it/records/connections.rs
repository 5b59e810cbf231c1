//! Connections that are kept in the record database, on SQLite and on PostgreSQL.

use std::sync::Arc;

use privacy_store::{RecordStore, Removal, TestRecord};
use secrecy::{ExposeSecret, SecretString};
use segment_core::{
    ClaimScope, ConnectionKey, Decision,
    ports::{RequestStore, StoreError},
    testing::told,
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
    what_operators_did_is_kept
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
        key, now, record, settings, told,
    };

    type Two = [Arc<RecordStore>; 2];

    async fn put(store: &RecordStore, key: &str, text: &str) -> bool {
        let seen = store.connections().await.unwrap();
        store.put_connection(&ConnectionKey::new(key), &settings(text), &seen, &told(now(), "put")).await.unwrap()
    }

    pub(super) async fn a_connection_is_kept_with_its_secrets([one, other]: Two) {
        assert!(kept(&one).await.is_empty());
        assert!(put(&one, "segment", "s \"ecret\" \u{1f511}").await && put(&one, "a", "{}").await);
        let all: Vec<_> = kept(&other).await.into_iter().map(|(key, _, settings)| (key, settings)).collect();
        let expected = [("a", "{}"), ("segment", "s \"ecret\" \u{1f511}")];
        assert_eq!(all, expected.map(|(key, settings)| (key.to_owned(), settings.to_owned())));
        assert_eq!(other.connections().await.unwrap()[0].updated_at, now());
        assert!(!format!("{:?}", other.connections().await.unwrap()).contains("ecret\""), "a secret is not shown");
    }

    pub(super) async fn one_of_two_adds_a_connection([one, other]: Two) {
        for round in 0..10 {
            // Also two that have not the same key: they may not fit together.
            let keys = [format!("c{round}"), format!("c{}", round + 100 * (round % 2))];
            let seen = one.connections().await.unwrap();
            let add = |store: Arc<RecordStore>, key: &str| {
                let (key, seen) = (ConnectionKey::new(key), seen.clone());
                tokio::spawn(async move {
                    store.put_connection(&key, &settings(key.as_str()), &seen, &told(now(), "added")).await
                })
            };
            let (first, second) = (add(one.clone(), &keys[0]), add(other.clone(), &keys[1]));
            let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
            assert!(first != second, "exactly one of them");
            assert_eq!(kept(&one).await.len(), seen.len() + 1);
        }
    }

    pub(super) async fn a_change_needs_the_last_version([one, other]: Two) {
        assert!(put(&one, "segment", "v1").await);
        let seen = one.connections().await.unwrap();
        assert!(put(&one, "segment", "v2").await);
        assert!(!other.put_connection(&key(), &settings("stale"), &seen, &told(now(), "stale")).await.unwrap());
        let seen = one.connections().await.unwrap();
        assert_eq!(other.remove_connection(&key(), false, &told(now(), "removed")).await.unwrap(), Removal::Removed);
        assert!(put(&other, "segment", "another").await);
        assert!(
            !one.put_connection(&key(), &settings("stale"), &seen, &told(now(), "stale")).await.unwrap(),
            "it is not the same one"
        );
        let (_, version, text) = kept(&one).await.remove(0);
        assert_eq!(text, "another");
        assert_ne!(version, seen[0].version);
        let journal = one.journal_of(key().as_str()).await.unwrap();
        assert_eq!(
            journal,
            ["put", "put", "removed", "put"].map(|step| told(now(), step)),
            "what changed nothing is not told"
        );
    }

    pub(super) async fn a_connection_in_use_is_not_removed_by_mistake([one, other]: Two) {
        assert!(put(&one, "segment", "s").await);
        record(&*one, 2).await;
        assert_eq!(one.remove_connection(&key(), false, &told(now(), "removed")).await.unwrap(), Removal::InUse(2));
        assert_eq!(kept(&other).await.len(), 1);
        for number in 0..2 {
            other.decide(&id(number), &Decision::Cancel, "ops", now()).await.unwrap();
        }
        assert_eq!(other.remove_connection(&key(), false, &told(now(), "removed")).await.unwrap(), Removal::Removed);
        assert_eq!(one.remove_connection(&key(), false, &told(now(), "removed")).await.unwrap(), Removal::Missing);
        assert!(put(&one, "segment", "again").await);
        record_one_more(&one).await;
        assert_eq!(one.remove_connection(&key(), true, &told(now(), "removed")).await.unwrap(), Removal::Removed);
        assert!(kept(&one).await.is_empty());
        let journal = one.journal_of(key().as_str()).await.unwrap();
        assert_eq!(
            journal,
            ["put", "removed", "put", "removed"].map(|step| told(now(), step)),
            "what changed nothing is not told"
        );
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
        assert!(put(&one, "segment", "s").await);
        assert!(one.tests().await.unwrap().is_empty(), "a test of another one that had this key says nothing");
    }

    pub(super) async fn what_operators_did_is_kept([one, other]: Two) {
        let entry = |step: &str| segment_core::AuditEntry::new(now(), step, serde_json::json!({"by": "dpo"}));
        one.journal("prod", &entry("added")).await.unwrap();
        other.journal("hld_1", &entry("placed")).await.unwrap();
        other.journal("prod", &entry("disabled")).await.unwrap();
        assert_eq!(one.journal_of("prod").await.unwrap(), [entry("added"), entry("disabled")]);
        assert!(one.journal_of("nobody").await.unwrap().is_empty());
    }
}
