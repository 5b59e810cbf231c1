//! `worker`: works on everything that is due until it is stopped. A configuration that changes meanwhile, in its file or in the
//! record database, is taken up as a whole or not at all.

use std::{
    convert::Infallible,
    num::NonZeroUsize,
    path::Path,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use privacy_engine::{Engine, EngineError, ProgressSink, Until};
use privacy_service::Deliverer;
use privacy_store::StoredConnection;
use segment_core::{ClaimScope, ConnectionKey, ports::StoreError};
use tokio_util::sync::CancellationToken;

use super::drive::interrupted;
use crate::{
    compose::{self, Need, World},
    config::{self, Loaded, load, server},
    error::{CliError, Exit, chain},
    output::Output,
};

/// How often a change is looked for.
const LOOK: Duration = Duration::from_secs(2);
/// How often retention is applied.
const PURGE: Duration = Duration::from_hours(1);
/// How many looks until what could not be used, such as a missing secret, is tried again.
const LOOKS_FOR_WHAT_LACKS: u64 = 5;
/// How often an outage of the record database is told.
const SAY_AGAIN: Duration = Duration::from_mins(1);

/// A configuration, and the engine that works by it.
pub(super) struct Working {
    pub(super) loaded: Loaded,
    pub(super) engine: Arc<Engine>,
    /// Tells receivers of webhooks.
    deliverer: Deliverer,
    /// What the command line says.
    concurrency: Option<NonZeroUsize>,
    seen: Seen,
    /// Something that is configured could not be used: perhaps it can be later.
    lacks: bool,
}

/// What tells one configuration from another: the file's text, and the connections in the record database.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    text: Vec<u8>,
    stored: Vec<(ConnectionKey, i64)>,
}

pub(crate) async fn run(path: &Path, concurrency: Option<NonZeroUsize>, output: &Output) -> Result<Exit, CliError> {
    // One for all rounds, and for before them: a signal in between is not lost.
    let mut stopped = Box::pin(interrupted());
    let working = tokio::select! {
        biased;
        () = &mut stopped => return Ok(Exit::Done),
        started = start(path, concurrency, true) => started?,
    };
    if working.loaded.connections.is_empty() {
        output.say("warning: no connection is configured: whatever waits is handed to a human");
    }
    output.say("working; Ctrl-C or SIGTERM ends it");
    follow(path, working, stopped.as_mut(), output, |_| {}).await?;
    output.say("stopped; nothing is half-done");
    Ok(Exit::Done)
}

/// Works until it is stopped, by the configuration as it changes; `publish` is told of each that takes another one's place.
pub(super) async fn follow(
    path: &Path,
    mut working: Working,
    mut stopped: Pin<&mut impl Future<Output = ()>>,
    output: &Output,
    publish: impl Fn(&Working),
) -> Result<(), CliError> {
    while let Some(next) = round(path, &working, stopped.as_mut(), output).await? {
        output.say("the configuration has changed: working on with the new one");
        publish(&next);
        // Whoever still answers by the one before closes it by being the last.
        if Arc::strong_count(&working.engine) == 1 {
            close(&working).await;
        }
        working = next;
    }
    Ok(())
}

/// Works by one configuration: until there is another one, or it is time to stop.
async fn round(
    path: &Path,
    working: &Working,
    stopped: Pin<&mut impl Future<Output = ()>>,
    output: &Output,
) -> Result<Option<Working>, CliError> {
    let cancel = CancellationToken::new();
    let work = work(&working.engine, &cancel, output);
    tokio::pin!(work);
    let next = tokio::select! {
        ended = &mut work => {
            ended?;
            return Ok(None);
        }
        () = stopped => None,
        next = changed(path, working, output) => Some(next),
        never = Box::pin(purging(working)) => match never {},
        never = Box::pin(hints(working)) => match never {},
        never = Box::pin(working.deliverer.run()) => match never {},
    };
    // What is being sent is finished, the rest is handed back.
    cancel.cancel();
    work.await?;
    Ok(next)
}

/// Works until it is canceled. A record database that is away comes back; who works on what is its business alone.
async fn work(engine: &Arc<Engine>, cancel: &CancellationToken, output: &Output) -> Result<(), CliError> {
    let mut told: Option<Instant> = None;
    loop {
        match engine.run(&ClaimScope::All, Until::Canceled, cancel).await {
            Err(EngineError::Store(StoreError::Unavailable(_) | StoreError::NotWritable(_)))
                if !cancel.is_cancelled() => {}
            // It could not be handed back: somebody takes it up when its lease is over.
            Err(EngineError::Store(StoreError::Unavailable(_) | StoreError::NotWritable(_))) => {
                output.say("the record database is not available; what was under way is taken up again later");
                return Ok(());
            }
            ended => return ended.map(drop).map_err(CliError::from),
        }
        if told.is_none_or(|told| told.elapsed() > SAY_AGAIN) {
            output
                .say("the record database is busy, not available or cannot be written; it is tried again every second");
            told = Some(Instant::now());
        }
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Lets other processes wake this one.
async fn hints(working: &Working) -> Infallible {
    match &working.loaded.store {
        Some(store) => store.pass_hints_on(working.engine.hint()).await,
        None => std::future::pending().await,
    }
}

/// An engine by the configuration as it is. What changes while it is read is a change that is seen afterwards. `make` allows to
/// make the record database.
pub(super) async fn start(path: &Path, concurrency: Option<NonZeroUsize>, make: bool) -> Result<Working, CliError> {
    let text = read(path).await.unwrap_or_default();
    let mut loaded = load(path)?;
    if let Some(concurrency) = concurrency {
        loaded.policy.concurrency = concurrency.get();
    }
    let mut loaded = compose::with_records(loaded).await?;
    if loaded.store.is_none() && !make {
        return Err(CliError::usage("no_database", "the record database that it names is not there"));
    }
    let store = compose::store(&loaded).await?;
    loaded.store = Some(store.clone());
    let progress = ProgressSink::new(|progress| tracing::info!(?progress, "working"));
    let (world, policy) = (World::default(), loaded.policy.clone());
    let engine = compose::engine(&loaded, Need::None, &world, policy, None, progress).await?;
    let deliverer = Deliverer::new(Arc::new(store), server::webhooks(&loaded)?, world.clock.clone());
    deliverer.announce().await?;
    let lacks = !engine.withheld().is_empty();
    let seen = Seen { text, stored: loaded.stored.clone() };
    Ok(Working { loaded, engine, deliverer, concurrency, seen, lacks })
}

/// The text of the file; `None` if it cannot be read right now, or is no file that can be read twice.
async fn read(path: &Path) -> Option<Vec<u8>> {
    tokio::fs::metadata(path).await.ok().filter(std::fs::Metadata::is_file)?;
    tokio::fs::read(path).await.ok()
}

impl Working {
    /// What there is now; `None` if that cannot be told.
    async fn look(&self, path: &Path) -> Option<Seen> {
        let stored = self.loaded.store.as_ref()?.connections().await.ok()?;
        self.obey(&stored);
        let text = read(path).await?;
        Some(Seen { text, stored: stored.into_iter().map(|one| (one.key, one.version)).collect() })
    }

    /// What was removed or disabled sends nothing from now on, whatever else the configuration has become.
    fn obey(&self, stored: &[StoredConnection]) {
        let of_file = |key: &ConnectionKey| self.loaded.file.connections.iter().any(|one| one.key == key.as_str());
        for connection in self.engine.connections() {
            let key = &connection.sources().key;
            let now = stored.iter().find(|one| &one.key == key).map(config::stored::read);
            let stands = now.is_some_and(|config| config.is_ok_and(|config| config.enabled));
            if !stands && !of_file(key) && connection.is_enabled() {
                connection.disable();
                tracing::info!(connection = %key, "disabled or removed: nothing more is sent there");
            }
        }
    }
}

/// Waits until there is another configuration that can be worked by, and that is not being written any more; or until what was
/// lacking may be there. A configuration that cannot be used is told, once, and tried again.
async fn changed(path: &Path, working: &Working, output: &Output) -> Working {
    let (mut last, mut told) = (None, None);
    for looks in 1_u64.. {
        tokio::time::sleep(LOOK).await;
        let Some(seen) = working.look(path).await else { continue };
        let settled = last.replace(seen.clone()).is_some_and(|last| last == seen);
        let same = seen == working.seen;
        let again = working.lacks && looks.is_multiple_of(LOOKS_FOR_WHAT_LACKS);
        if !settled || (same && !again) {
            continue;
        }
        match start(path, working.concurrency, false).await {
            // It lacks what this one lacks.
            Ok(next) if same && next.engine.withheld() == working.engine.withheld() => close(&next).await,
            Ok(next) => return next,
            Err(error) => {
                let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                let words = format!(
                    "warning: the configuration has changed but cannot be used: {}{hint}. Working on with the one before",
                    error.message
                );
                if told.as_ref() != Some(&words) {
                    output.say(&words);
                    told = Some(words);
                }
            }
        }
    }
    std::future::pending().await
}

/// Applies retention, now and every hour.
async fn purging(working: &Working) -> Infallible {
    loop {
        match working.engine.purge(&working.loaded.retention()).await {
            Ok(purged) if purged.is_nothing() => {}
            Ok(purged) => {
                tracing::info!(packages = purged.packages, identities = purged.identities, "retention applied");
                for (request, why) in purged.failures {
                    tracing::warn!(%request, "it could not be purged: {why}");
                }
            }
            Err(error) => tracing::warn!("retention could not be applied: {}", chain(&error)),
        }
        tokio::time::sleep(PURGE).await;
    }
}

async fn close(working: &Working) {
    if let Some(store) = &working.loaded.store {
        store.close().await;
    }
}
