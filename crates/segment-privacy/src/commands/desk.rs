//! The desk of the HTTP service: what only the composition root can do, by the configuration that is worked by.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use privacy_engine::Engine;
use privacy_package::{ZipSink, check_recipient};
use privacy_service::{
    ConnectionChange, Desk, PackageFile, Refusal, RefusalKind, RequestPolicy,
    shapes::{ConnectionChecksShape, ConnectionShape, DryRunShape, FieldShape, QuotaShape},
};
use privacy_store::RecordStore;
use segment_core::{
    AuditEntry, IdentitySet, Recipient, RequestId, Tally, TallyFilter,
    ports::{Accounts, RequestStore},
};
use serde_json::json;

use super::{
    check,
    connections::{self, managed},
    evidence::{self, Wanted},
    plan, regulations,
};
use crate::{
    compose::{self, World},
    config::Loaded,
    error::{CliError, Exit, chain},
};

/// A desk by one configuration.
#[derive(Debug)]
pub(super) struct WorkingDesk {
    loaded: Loaded,
    store: RecordStore,
    engine: Arc<Engine>,
    packages: ZipSink,
    works: Arc<AtomicBool>,
}

/// A worker that has not looked for work for so long hangs. It looks every two seconds at least, and every second while its
/// record database is away; a call to that ends after 30 seconds.
const QUIET: Duration = Duration::from_mins(1);

impl WorkingDesk {
    /// `works`: whether the worker beside it is at work.
    pub(super) fn new(loaded: &Loaded, engine: Arc<Engine>, works: Arc<AtomicBool>) -> Result<Self, CliError> {
        let store = loaded.store.clone();
        let store = store.ok_or_else(|| CliError::new(Exit::Unexpected, "unexpected", "no record database is open"))?;
        let packages = compose::packages(loaded, None)?;
        Ok(Self { loaded: loaded.clone(), store, engine, packages, works })
    }
}

/// What the command line would have said.
fn refusal(error: CliError) -> Refusal {
    let kind = match (error.exit, error.code) {
        (_, "database_locked" | "database_unreachable" | "database_not_writable") | (Exit::EndedInError, _) => {
            RefusalKind::Unavailable
        }
        (Exit::Unexpected, _) => RefusalKind::Unexpected,
        _ => RefusalKind::NotPossible,
    };
    Refusal { kind, code: error.code, message: error.message, hint: error.hint }
}

#[async_trait]
impl Desk for WorkingDesk {
    fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn accounts(&self) -> Arc<dyn Accounts> {
        Arc::new(self.store.clone())
    }

    fn policies(&self) -> &[RequestPolicy] {
        &self.loaded.policies
    }

    fn check_recipient(&self, recipient: &Recipient) -> Result<(), Refusal> {
        check_recipient(recipient).map_err(|error| refusal(CliError::usage("recipient_refused", chain(&error))))
    }

    async fn plan(&self, people: &[IdentitySet]) -> Result<DryRunShape, Refusal> {
        plan::plan(&self.loaded, None, people, Vec::new()).await.map_err(refusal)
    }

    async fn connections(&self) -> Result<Vec<ConnectionShape>, Refusal> {
        connections::all(&self.loaded, &self.store).await.map_err(refusal)
    }

    async fn connection(&self, key: &str) -> Result<Option<ConnectionShape>, Refusal> {
        managed::one(&self.loaded, &self.store, key).await.map_err(refusal)
    }

    fn connection_fields(&self, kind: &str) -> Option<Vec<FieldShape>> {
        managed::blank(kind)
    }

    async fn change_connection(&self, change: ConnectionChange, by: &str) -> Result<(), Refusal> {
        managed::change(&self.loaded.of_file(), &self.store, change, by).await.map_err(refusal)
    }

    async fn test(&self, key: &str, by: &str) -> Result<Option<ConnectionChecksShape>, Refusal> {
        // As they are now: somebody may have added it a moment ago.
        let stored = self.store.connections().await.map_err(|error| refusal(error.into()))?;
        let loaded = self.loaded.of_file().with_stored(&stored).map_err(refusal)?;
        let tested = check::one(&loaded, &self.store, key).await.map_err(refusal)?;
        if let Some(tested) = &tested {
            let facts = json!({"by": by, "status": tested.status});
            let entry = AuditEntry::new(World::default().clock.now(), "tested", facts);
            self.store.journal(&tested.key, &entry).await.map_err(|error| refusal(error.into()))?;
        }
        Ok(tested)
    }

    async fn quotas(&self) -> Result<Vec<QuotaShape>, Refusal> {
        let now = World::default().clock.now();
        regulations::quota(&self.loaded, &self.store, now).await.map_err(refusal)
    }

    async fn package(&self, location: &str) -> Result<Option<PackageFile>, Refusal> {
        let found = self.packages.read(location).await;
        let found = found.map_err(|error| refusal(CliError::unexpected("the package", &error)))?;
        Ok(found.map(|(bytes, content)| PackageFile { bytes, content }))
    }

    async fn evidence(&self, id: &RequestId, reveal: bool, by: &str) -> Result<Option<String>, Refusal> {
        let wanted = Wanted { reveal, certificate: false, by };
        let document = evidence::document(&self.loaded, &self.store, id, wanted).await.map_err(refusal)?;
        Ok(document.map(|document| document.text))
    }

    async fn tally(&self) -> Result<Vec<Tally>, Refusal> {
        let filter = TallyFilter { from: None, to: None, at: World::default().clock.now() };
        self.store.tally(&filter).await.map_err(|error| refusal(error.into()))
    }

    async fn pulse(&self) -> Result<i64, Refusal> {
        self.store.pulse().await.map_err(|error| refusal(error.into()))
    }

    async fn is_migrated(&self) -> Result<bool, Refusal> {
        self.store.is_migrated().await.map_err(|error| refusal(error.into()))
    }

    fn works(&self) -> bool {
        self.works.load(Ordering::Relaxed) && self.engine.quiet_for() < QUIET
    }
}
