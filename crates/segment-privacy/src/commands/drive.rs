//! Running the engine for a command: until its goal, a time-out, or Ctrl-C.

use std::{path::Path, sync::Arc, time::Duration};

use privacy_engine::{Connection, Engine, Policy, Stop, Until};
use segment_core::{AuditEntry, ClaimScope, LedgerFilter, Request, RequestId, Task, TaskState, ports::RequestStore};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::Wait,
    compose::{self, Need, World},
    config::{Loaded, operator},
    error::{CliError, Exit},
    output::{Output, ProgressLine, shapes::RequestShape, tables},
};

/// How often a command that a person waits for tries before it gives up; a worker is more patient.
const COMMAND_ATTEMPTS: u32 = 2;

/// The policy of a command that runs by itself: it gathers nobody else's work.
pub(crate) fn policy(loaded: &Loaded) -> Policy {
    let mut policy = loaded.policy.clone();
    policy.tracking.batch_window = Duration::ZERO;
    policy.attempts = COMMAND_ATTEMPTS;
    policy
}

/// The engine of a command that runs by itself.
pub(crate) async fn engine(
    loaded: &Loaded,
    need: Need<'_>,
    out: Option<&Path>,
    line: &ProgressLine,
) -> Result<Arc<Engine>, CliError> {
    compose::engine(loaded, need, &World::default(), policy(loaded), out, line.sink()).await
}

/// Why driving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driven {
    Reached,
    Waiting,
    TimedOut,
    Interrupted,
}

/// Works these requests. Ctrl-C and SIGTERM finish what is being sent and hand back the rest; a second one ends at once.
pub(crate) async fn drive(
    engine: &Arc<Engine>,
    ids: Vec<RequestId>,
    until: Until,
    timeout: Option<Duration>,
) -> Result<Driven, CliError> {
    let cancel = CancellationToken::new();
    let scope = ClaimScope::Requests(ids);
    let work = engine.run(&scope, until, &cancel);
    tokio::pin!(work);
    let mut ended = None;
    let deadline = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(deadline);
    let stop = loop {
        tokio::select! {
            stop = &mut work => break stop?,
            () = &mut deadline, if ended.is_none() => {
                ended = Some(Driven::TimedOut);
                cancel.cancel();
            }
            () = interrupted() => {
                if ended == Some(Driven::Interrupted) {
                    return Ok(Driven::Interrupted);
                }
                ended = Some(Driven::Interrupted);
                cancel.cancel();
            }
        }
    };
    Ok(match (stop, ended) {
        (Stop::Reached, _) => Driven::Reached,
        (_, Some(ended)) => ended,
        _ => Driven::Waiting,
    })
}

/// Ctrl-C, or SIGTERM where there is one.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals a process can only be ended from outside.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Until when a command works.
pub(crate) fn until(wait: &Wait) -> Until {
    if wait.wait { Until::Ended } else { Until::Accepted }
}

/// A request with its regulations, as it is printed. Who it is about is shown only after its log says so.
pub(crate) async fn shape(
    store: &dyn RequestStore,
    id: &RequestId,
    reveal: bool,
) -> Result<(Request, RequestShape), CliError> {
    let missing = || compose::no_such_request(id.as_str());
    if reveal {
        let by = json!({"by": operator()});
        let entry = AuditEntry::new(World::default().clock.now(), "revealed", by);
        if !store.note(id, &entry).await? {
            return Err(missing());
        }
    }
    let request = store.request(id).await?.ok_or_else(missing)?;
    let filter = LedgerFilter { requests: vec![id.clone()], ..LedgerFilter::default() };
    let shape = RequestShape::new(&request, &store.regulations(&filter).await?);
    let shape = if reveal { shape.revealing(&request) } else { shape };
    Ok((request, shape))
}

/// Prints a request and answers with its exit code.
pub(crate) async fn report(
    engine: &Engine,
    id: &RequestId,
    wait: &Wait,
    reveal: bool,
    driven: Option<Driven>,
    output: &Output,
) -> Result<Exit, CliError> {
    let (request, shape) = shape(engine.store().as_ref(), id, reveal).await?;
    output.result(&shape, |output| tables::request(&shape, output))?;
    match driven {
        Some(Driven::Interrupted) => {
            output.say(&format!("interrupted; the same command goes on with {id}"));
            return Ok(Exit::Interrupted);
        }
        Some(Driven::TimedOut) => output.say(&format!(
            "still open after the time-out; `segment-privacy worker`, or the same command, goes on with {id}"
        )),
        Some(Driven::Waiting) => {
            output.say(&format!("still open; `segment-privacy requests log {id}` says what it waits for"));
        }
        _ => {}
    }
    for connection in engine.connections().map(Connection::sources).filter(|sources| !sources.enabled) {
        let waits = |task: &&Task| task.connection == connection.key && task.state == TaskState::Resolved;
        if request.tasks.iter().any(|task| waits(&task)) {
            output.say(&format!(
                "{0} is disabled and sends nothing: segment-privacy connections enable {0}",
                connection.key
            ));
        }
    }
    for (key, why) in engine.withheld() {
        if request.tasks.iter().any(|task| &task.connection == key && !task.state.status().is_over()) {
            output.say(&format!("{key} cannot be used now, its part waits: {why}"));
        }
    }
    warn(&request, output);
    // Whoever only recorded is done by having recorded.
    let recorded = driven.is_none() && !matches!(request.status, segment_core::RequestStatus::Pending);
    let exit = Exit::of(request.status, wait.wait);
    Ok(if recorded && exit == Exit::StillOpen { Exit::Done } else { exit })
}

/// What must not be overlooked, whatever is done with the result.
fn warn(request: &Request, output: &Output) {
    let nothing =
        |task: &Task| task.findings.iter().any(|finding| finding.code == segment_core::FindingCode::NothingErased);
    let strict = request.tasks.iter().any(|task| task.kind == Some(segment_core::RegulationType::SuppressOnly));
    let masks = request.tasks.iter().any(|task| task.holder == segment_core::Holder::Dataset);
    if request.action != segment_core::Action::Erasure {
        return;
    }
    if request.tasks.iter().any(nothing) || (strict && !masks) {
        output.say("warning: suppressed, not deleted (execution.masking_strict = true): nothing was erased");
    } else if strict {
        output.say("warning: suppressed at Segment, not deleted there (execution.masking_strict = true)");
    }
}
