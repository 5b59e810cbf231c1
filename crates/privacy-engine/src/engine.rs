//! The engine: the ports and the policy, put together.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use segment_core::{
    ConnectionKey, IntentId,
    ports::{Clock, PackageSink, Random, RequestStore, StoreError},
};
use thiserror::Error;
use tokio::sync::Notify;

use crate::{Connection, Owned, Policy, ProgressSink, glance::Glances, refusals::Refusals, rests::Rests};

const SHORTEST_NAP: Duration = Duration::from_millis(10);

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
    /// Connections and datasets that are configured but cannot be used now, and why: their work waits.
    pub withheld: BTreeMap<ConnectionKey, String>,
    /// The owned databases, if there are any.
    pub owned: Option<Owned>,
    /// How requests are fulfilled.
    pub policy: Policy,
    /// The name under which leases are taken, unique per process.
    pub owner: String,
    /// Where progress goes.
    pub progress: ProgressSink,
    /// Wakes an idle worker: there may be new work.
    pub hint: Arc<Notify>,
}

/// Fulfils privacy requests.
#[derive(Debug)]
pub struct Engine {
    pub(crate) store: Arc<dyn RequestStore>,
    pub(crate) packages: Arc<dyn PackageSink>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) connections: BTreeMap<ConnectionKey, Connection>,
    pub(crate) withheld: BTreeMap<ConnectionKey, String>,
    pub(crate) owned: Option<Owned>,
    pub(crate) policy: Policy,
    pub(crate) owner: String,
    pub(crate) progress: ProgressSink,
    pub(crate) hint: Arc<Notify>,
    pub(crate) rests: Rests,
    pub(crate) refusals: Refusals,
    pub(crate) glances: Glances,
    /// When the loop last turned, in milliseconds of the monotonic clock.
    turned: AtomicU64,
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
        let turned = AtomicU64::new(millis(parts.clock.monotonic()));
        let mut policy = parts.policy;
        // None would wait for ever, and no pause would only look.
        policy.concurrency = policy.concurrency.max(1);
        policy.longest_nap = policy.longest_nap.max(SHORTEST_NAP);
        Self {
            store: parts.store,
            packages: parts.packages,
            clock: parts.clock,
            random: parts.random,
            connections: parts.connections.into_iter().map(by_key).collect(),
            withheld: parts.withheld,
            owned: parts.owned,
            policy,
            owner: parts.owner,
            progress: parts.progress,
            hint: parts.hint,
            rests: Rests::default(),
            refusals: Refusals::default(),
            glances: Glances::default(),
            turned,
        }
    }

    /// How long ago the loop last looked for work, or the engine was made. While it [runs](Self::run), more than a little over
    /// [`Policy::longest_nap`] means that something it waits for, such as the record database, does not answer.
    #[must_use]
    pub fn quiet_for(&self) -> Duration {
        let turned = Duration::from_millis(self.turned.load(Ordering::Relaxed));
        self.clock.monotonic().saturating_sub(turned)
    }

    pub(crate) fn turn(&self) {
        self.turned.store(millis(self.clock.monotonic()), Ordering::Relaxed);
    }

    /// Wakes the engine where it idles: there may be new work.
    #[must_use]
    pub fn hint(&self) -> &Notify {
        &self.hint
    }

    /// The record database.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn RequestStore> {
        &self.store
    }

    /// The connections that are configured but cannot be used now, and why.
    #[must_use]
    pub fn withheld(&self) -> &BTreeMap<ConnectionKey, String> {
        &self.withheld
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
}

/// How long work waits that a connection is withheld from.
pub(crate) const WITHHELD: Duration = Duration::from_mins(15);

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
