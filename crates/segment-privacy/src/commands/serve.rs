//! `serve`: a worker, and the HTTP service over what it works on, in one process.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use privacy_service::{Desk, ListenError, Parts, Service, listen, metrics};
use tokio::sync::watch;

use super::{desk::WorkingDesk, drive::interrupted, worker};
use crate::{
    compose::World,
    config::{Loaded, server},
    error::{CliError, Exit, chain},
    output::Output,
};

/// How long calls that are under way may take when the service is stopped.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(path: &Path, address: Option<String>, output: &Output) -> Result<Exit, CliError> {
    let mut stopped = Box::pin(interrupted());
    let mut working = tokio::select! {
        biased;
        () = &mut stopped => return Ok(Exit::Done),
        started = worker::start(path, None, true) => started?,
    };
    // What it was told at the start holds: an address is not changed under those who call.
    working.loaded.file.server.listen = address.unwrap_or(working.loaded.file.server.listen);
    let works = Arc::new(AtomicBool::new(true));
    let (current, desk) = watch::channel(at(&working, &works)?);
    let running = start(&working.loaded, desk).await?;
    output.say(&format!("serving {}; Ctrl-C or SIGTERM ends it", running.url()));
    let publish = |working: &worker::Working| match at(working, &works) {
        Ok(desk) => drop(current.send_replace(desk)),
        Err(error) => tracing::error!("the service goes on with the configuration before: {}", error.message),
    };
    let ended = worker::follow(path, working, stopped.as_mut(), output, publish).await;
    works.store(false, Ordering::Relaxed);
    running.stop(PATIENCE).await;
    ended?;
    output.say("stopped; nothing is half-done");
    Ok(Exit::Done)
}

fn at(working: &worker::Working, works: &Arc<AtomicBool>) -> Result<Arc<dyn Desk>, CliError> {
    Ok(Arc::new(WorkingDesk::new(&working.loaded, working.engine.clone(), works.clone())?))
}

async fn start(loaded: &Loaded, desk: watch::Receiver<Arc<dyn Desk>>) -> Result<privacy_service::Running, CliError> {
    let counted = metrics::install().map_err(|error| CliError::unexpected("cannot count", &error))?;
    let upkeep = counted.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(metrics::UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    let (World { clock, random }, where_) = (World::default(), server::listen(loaded)?);
    let secure = where_.tls.is_some() || where_.behind_proxy;
    let service =
        Service::new(Parts { desk, clock, random, metrics: counted, behind_proxy: where_.behind_proxy, secure });
    listen(&service, &where_).await.map_err(|error| refused(&error))
}

fn refused(error: &ListenError) -> CliError {
    let failed = CliError::usage("cannot_listen", chain(error));
    match error {
        ListenError::InTheClear(_) => failed.hint(
            "give [server.tls] a certificate and a key, or say server.behind_proxy = true where a proxy does TLS in front of it",
        ),
        ListenError::Bind { .. } => {
            CliError { exit: Exit::Unexpected, ..failed }.hint("is another process there? server.listen, or --listen, names another")
        }
        _ => failed,
    }
}
