//! The record database, on real SQLite files and a real PostgreSQL server.

mod accounts;
mod at_rest;
mod connections;
mod hints;
mod holds;
mod opening;
mod outbox;
mod postgres;
mod reopening;
mod rotating;
mod sharing;
mod tiny_disk;
mod turns;

use std::{path::PathBuf, sync::Arc};

use privacy_store::{MasterKey, OpenError, RecordOptions, RecordStore};
use segment_core::{
    Action, ConnectionKey, HoldId, Identity, IdentityKind, IdentitySet, LegalHold, NewRequest, Pii, Regime, RequestId,
    Resolution, ports::RequestStore, testing::CountingRandom,
};
use tempfile::TempDir;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const OTHER_KEY: &str = "BBECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A folder for one database, and its keys' randomness.
#[derive(Debug)]
struct Place {
    folder: TempDir,
    random: Arc<CountingRandom>,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), random: Arc::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("records.db")
    }

    async fn try_open(&self, key: &str, options: &RecordOptions) -> Result<RecordStore, OpenError> {
        let key = MasterKey::from_base64(key).unwrap();
        RecordStore::open_with(&self.path(), key, self.random.clone(), options).await
    }

    async fn open(&self) -> RecordStore {
        self.try_open(KEY, &RecordOptions::default()).await.unwrap()
    }
}

/// An open store that takes its folder with it.
struct Opened {
    store: RecordStore,
    _place: Place,
}

impl std::ops::Deref for Opened {
    type Target = RecordStore;

    fn deref(&self) -> &RecordStore {
        &self.store
    }
}

mod conformance {
    use super::{Opened, Place};

    async fn fresh() -> Opened {
        let place = Place::new();
        Opened { store: place.open().await, _place: place }
    }

    segment_core::request_store_conformance!(fresh);
}

fn id(number: usize) -> RequestId {
    RequestId::new(format!("pri_{number:04}"))
}

/// A moment by the caller's clock.
fn now() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_795_500_000).unwrap()
}

/// An erasure of the user id `u<number>`.
fn hold() -> LegalHold {
    LegalHold {
        id: HoldId::new("hld_1"),
        identities: erasure(1).identities,
        known: Resolution::default(),
        reason: Pii::from("case 7"),
        placed_at: now(),
        lifted_at: None,
    }
}

fn erasure(number: usize) -> NewRequest {
    let identity = Identity::new(IdentityKind::UserId, &format!("u{number}")).unwrap();
    NewRequest {
        id: id(number),
        external_id: None,
        action: Action::Erasure,
        identities: IdentitySet::new([identity]).unwrap(),
        regime: Regime::Gdpr,
        received_at: now(),
        needs_approval: false,
        by: None,
        all_or_none: false,
        recipient: None,
        left_out: Vec::new(),
        connections: vec![ConnectionKey::new("segment")],
        datasets: Vec::new(),
    }
}

async fn record(store: &dyn RequestStore, count: usize) {
    let requests: Vec<_> = (0..count).map(erasure).collect();
    store.intake(&requests).await.unwrap();
}
