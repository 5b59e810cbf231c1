//! `worker`: works on everything that is due until it is stopped.

use privacy_engine::{ProgressSink, Until};
use segment_core::ClaimScope;
use tokio_util::sync::CancellationToken;

use super::drive::interrupted;
use crate::{
    compose::{self, World},
    config::Loaded,
    error::{CliError, Exit},
    output::Output,
};

pub(crate) async fn run(loaded: &Loaded, output: &Output) -> Result<Exit, CliError> {
    let progress = ProgressSink::new(|progress| tracing::info!(?progress, "working"));
    let engine = compose::engine(loaded, &World::default(), loaded.policy.clone(), None, progress).await?;
    let cancel = CancellationToken::new();
    output.say("working; Ctrl-C or SIGTERM ends it");
    let scope = ClaimScope::All;
    let work = engine.run(&scope, Until::Canceled, &cancel);
    tokio::pin!(work);
    loop {
        tokio::select! {
            stop = &mut work => {
                stop?;
                output.say("stopped; nothing is half-done");
                return Ok(Exit::Done);
            }
            () = interrupted() => cancel.cancel(),
        }
    }
}
