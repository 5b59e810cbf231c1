//! The engine: the ports and the policy, put together.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use segment_core::{
    ConnectionKey, IntentId,
    ports::{Clock, PackageSink, Random, RequestStore, StoreError},
};
use thiserror::Error;

use crate::{Connection, Policy, ProgressSink};

/// What an engine is put together from.
#[derive(Debug)]
pub struct Parts {
    /// Where everything that must survive is.
    pub store: Arc<dyn RequestStore>,
    /// Where packages go.
    pub packages: Arc<dyn PackageSink>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for ids.
    pub random: Arc<dyn Random>,
    /// The workspaces.
    pub connections: Vec<Connection>,
    /// How requests are fulfilled.
    pub policy: Policy,
    /// The name under which leases are taken, unique per process.
    pub owner: String,
    /// Where progress goes.
    pub progress: ProgressSink,
}

/// Fulfils privacy requests.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Arc<dyn RequestStore>,
    pub(crate) packages: Arc<dyn PackageSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) connections: BTreeMap<ConnectionKey, Connection>,
    pub(crate) policy: Policy,
    pub(crate) owner: String,
    pub(crate) progress: ProgressSink,
    /// Connections that must not be sent to for a while, and how often in a row sending failed.
    pub(crate) rests: Mutex<HashMap<ConnectionKey, Rest>>,
}

/// Why and until when a connection is not sent to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    pub(crate) until: Timestamp,
    pub(crate) failures: u32,
}

/// Why the engine stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The record database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The request needs a connection that can do this.
    #[error("no connection can do this: {0}")]
    NoConnection(String),
}

impl Engine {
    /// An engine.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let by_key = |connection: Connection| (connection.sources.key.clone(), connection);
        Self {
            store: parts.store,
            packages: parts.packages,
            clock: parts.clock,
            random: parts.random,
            connections: parts.connections.into_iter().map(by_key).collect(),
            policy: parts.policy,
            owner: parts.owner,
            progress: parts.progress,
            rests: Mutex::default(),
        }
    }

    /// The record database.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn RequestStore> {
        &self.store
    }

    /// The connections, by key.
    pub fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values()
    }

    pub(crate) fn random_bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        bytes
    }

    pub(crate) fn new_intent(&self) -> IntentId {
        IntentId::generate(self.clock.now(), self.random_bytes())
    }

    /// Lets a connection rest, after something that did not leave; answers how often in a row that was so.
    pub(crate) fn rest(&self, connection: &ConnectionKey, asked: Option<Duration>) -> u32 {
        let mut rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        let failures = rests.get(connection).map_or(0, |rest| rest.failures) + 1;
        let pause = asked.unwrap_or_else(|| self.policy.pause(failures));
        rests.insert(connection.clone(), Rest { until: after(self.clock.now(), pause), failures });
        failures
    }

    /// Until when a connection rests.
    pub(crate) fn resting_until(&self, connection: &ConnectionKey) -> Option<Timestamp> {
        let rests = self.rests.lock().unwrap_or_else(PoisonError::into_inner);
        rests.get(connection).map(|rest| rest.until).filter(|until| *until > self.clock.now())
    }

    pub(crate) fn rested(&self, connection: &ConnectionKey) {
        self.rests.lock().unwrap_or_else(PoisonError::into_inner).remove(connection);
    }
}

/// A moment later; the end of time if there is none.
pub(crate) fn after(start: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    start.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The time between two moments; nothing if `later` is earlier.
pub(crate) fn between(earlier: Timestamp, later: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
}
