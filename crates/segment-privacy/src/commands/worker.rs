//! `worker`: works on everything that is due until it is stopped. A configuration that changes meanwhile, in its file or in the
//! record database, is taken up as a whole or not at all.

use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use privacy_engine::{Engine, ProgressSink, Until};
use segment_core::ClaimScope;
use tokio_util::sync::CancellationToken;

use super::drive::interrupted;
use crate::{
    compose::{self, World},
    config::{Loaded, load},
    error::{CliError, Exit},
    output::Output,
};

/// How often a change is looked for.
const LOOK: Duration = Duration::from_secs(2);

/// A configuration, and the engine that works by it.
struct Working {
    loaded: Loaded,
    engine: Arc<Engine>,
    seen: Seen,
}

/// What tells one configuration from another: the file's text, and the versions of the connections in the record database.
#[derive(PartialEq, Eq)]
struct Seen {
    text: Option<Vec<u8>>,
    stored: Option<Vec<(String, i64)>>,
}

pub(crate) async fn run(path: &Path, output: &Output) -> Result<Exit, CliError> {
    let mut working = start(path).await?;
    output.say("working; Ctrl-C or SIGTERM ends it");
    // One for all rounds: a signal between two of them is not lost.
    let mut stopped = Box::pin(interrupted());
    while let Some(next) = round(path, &working, stopped.as_mut(), output).await? {
        output.say("the configuration has changed: working on with the new one");
        if let Some(store) = &working.loaded.store {
            store.close().await;
        }
        working = next;
    }
    output.say("stopped; nothing is half-done");
    Ok(Exit::Done)
}

/// Works by one configuration: until there is another one, or it is time to stop.
async fn round(
    path: &Path,
    working: &Working,
    stopped: Pin<&mut impl Future<Output = ()>>,
    output: &Output,
) -> Result<Option<Working>, CliError> {
    let (cancel, scope) = (CancellationToken::new(), ClaimScope::All);
    let work = working.engine.run(&scope, Until::Canceled, &cancel);
    tokio::pin!(work);
    let next = tokio::select! {
        ended = &mut work => {
            ended?;
            return Ok(None);
        }
        () = stopped => None,
        next = changed(path, working, output) => Some(next),
    };
    // What is being sent is finished, the rest is handed back.
    cancel.cancel();
    work.await?;
    Ok(next)
}

async fn start(path: &Path) -> Result<Working, CliError> {
    let mut loaded = compose::with_records(load(path)?).await?;
    loaded.store = Some(compose::store(&loaded).await?);
    let progress = ProgressSink::new(|progress| tracing::info!(?progress, "working"));
    let engine = compose::engine(&loaded, &World::default(), loaded.policy.clone(), None, progress).await?;
    let seen = look(path, &loaded).await;
    Ok(Working { loaded, engine, seen })
}

async fn look(path: &Path, loaded: &Loaded) -> Seen {
    let stored = match &loaded.store {
        Some(store) => store.connections().await.ok(),
        None => None,
    };
    Seen {
        text: tokio::fs::read(path).await.ok(),
        stored: stored.map(|all| all.into_iter().map(|one| (one.key.to_string(), one.version)).collect()),
    }
}

/// Waits until there is another configuration that can be worked by. One that cannot is told, once.
async fn changed(path: &Path, working: &Working, output: &Output) -> Working {
    let mut told = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let seen = look(path, &working.loaded).await;
        // What cannot be read right now, such as a file being written, says nothing.
        let unreadable = seen.text.is_none() || seen.stored.is_none();
        if unreadable || seen == working.seen || told.as_ref() == Some(&seen) {
            continue;
        }
        match start(path).await {
            Ok(next) => return next,
            Err(error) => {
                let hint = error.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
                output.say(&format!(
                    "warning: the configuration has changed but cannot be used: {}{hint}. Working on with the one before",
                    error.message
                ));
                told = Some(seen);
            }
        }
    }
}
