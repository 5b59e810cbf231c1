//! `requests …`.

use segment_core::{
    ConnectionKey, Decision, Pii, Request, RequestFilter, RequestId, RequestStatus, TaskState, ports::RequestStore,
};
use serde_json::json;

use super::drive;
use crate::{
    cli::{Requests, Wait},
    compose::{self, Need, World, no_such_request},
    config::{Loaded, operator},
    error::{CliError, Exit},
    output::{
        Output, ProgressLine,
        shapes::{LogShape, RequestShape, SummaryShape},
        tables,
    },
};

pub(crate) async fn run(loaded: &Loaded, args: Requests, output: &Output) -> Result<Exit, CliError> {
    match args {
        Requests::List { status, overdue, limit } => list(loaded, status.as_deref(), overdue, limit, output).await,
        Requests::Show { id, reveal } => show(loaded, &id, reveal, output).await,
        Requests::Log { id } => log(loaded, &id, output).await,
        Requests::Retry { id, split, wait } => {
            let again = if split { Decision::RetryAlone } else { Decision::Retry };
            retry(loaded, &id, &again, &wait, output).await
        }
        Requests::Cancel { id } => cancel(loaded, &id, output).await,
        Requests::Approve { id } => decide(loaded, &id, Decision::Approve, output).await.map(|_| Exit::Done),
        Requests::Deny { id, reason } => {
            decide(loaded, &id, Decision::Deny { reason: Pii::new(reason) }, output).await.map(|_| Exit::Done)
        }
        Requests::Resolve { id, task, note } => {
            let decision = Decision::Settle { connection: ConnectionKey::new(task), note: Pii::new(note) };
            decide(loaded, &id, decision, output).await.map(|_| Exit::Done)
        }
        Requests::Extend { id, reason } => {
            decide(loaded, &id, Decision::Extend { reason: Pii::new(reason) }, output).await.map(|_| Exit::Done)
        }
    }
}

async fn list(
    loaded: &Loaded,
    status: Option<&str>,
    overdue: bool,
    limit: u32,
    output: &Output,
) -> Result<Exit, CliError> {
    let statuses = status.map(read_status).transpose()?.into_iter().collect();
    let store = compose::store(loaded).await?;
    let now = World::default().clock.now();
    let filter =
        RequestFilter { statuses, overdue_at: overdue.then_some(now), limit: Some(limit), ..RequestFilter::default() };
    let all: Vec<_> = store.requests(&filter).await?.iter().map(|one| SummaryShape::new(one, now)).collect();
    output.result(&json!({"requests": all}), |output| tables::requests(&all, output))?;
    Ok(Exit::Done)
}

fn read_status(name: &str) -> Result<RequestStatus, CliError> {
    RequestStatus::parse(name).ok_or_else(|| {
        let known: Vec<_> = RequestStatus::ALL.iter().map(|status| status.as_str()).collect();
        CliError::usage("unknown_status", format!("\"{name}\" is not a status")).hint(known.join(", "))
    })
}

async fn show(loaded: &Loaded, id: &str, reveal: bool, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let (_, shape) = drive::shape(&store, &RequestId::new(id), reveal).await?;
    output.result(&shape, |output| tables::request(&shape, output))?;
    Ok(Exit::Done)
}

async fn log(loaded: &Loaded, id: &str, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let id = RequestId::new(id);
    store.request(&id).await?.ok_or_else(|| no_such_request(id.as_str()))?;
    let entries: Vec<LogShape> = store.log(&id).await?.into_iter().map(Into::into).collect();
    output.result(&json!({"id": id.as_str(), "log": entries}), |_| tables::log(&entries))?;
    Ok(Exit::Done)
}

/// Applies a decision and prints the request as it is then.
async fn decide(loaded: &Loaded, id: &str, decision: Decision, output: &Output) -> Result<Request, CliError> {
    let store = compose::store(loaded).await?;
    let id = RequestId::new(id);
    let request = store
        .decide(&id, &decision, &operator(), World::default().clock.now())
        .await?
        .ok_or_else(|| no_such_request(id.as_str()))?;
    let ledgers = store.regulations(&segment_core::LedgerFilter { requests: vec![id], ..Default::default() }).await?;
    let shape = RequestShape::new(&request, &ledgers);
    output.result(&shape, |output| tables::request(&shape, output))?;
    Ok(request)
}

/// Calls off what has not left, and says what has.
async fn cancel(loaded: &Loaded, id: &str, output: &Output) -> Result<Exit, CliError> {
    let request = decide(loaded, id, Decision::Cancel, output).await?;
    let left: Vec<_> = request.tasks.iter().filter(|task| task.state != TaskState::Canceled).collect();
    for task in &left {
        let why = if task.state.may_have_been_sent() { "may have been sent to Segment already" } else { "is over" };
        output.say(&format!("not canceled: the task of {} {why}", task.connection));
    }
    Ok(if left.is_empty() { Exit::Done } else { Exit::StillOpen })
}

async fn retry(loaded: &Loaded, id: &str, again: &Decision, wait: &Wait, output: &Output) -> Result<Exit, CliError> {
    let line = ProgressLine::new(output.is_json());
    let engine = drive::engine(loaded, Need::None, None, &line).await?;
    let id = RequestId::new(id);
    let at = World::default().clock.now();
    let request =
        engine.store().decide(&id, again, &operator(), at).await?.ok_or_else(|| no_such_request(id.as_str()))?;
    if request.status.is_over() {
        output.say("there is nothing to retry");
    }
    let driven = if wait.no_wait {
        None
    } else {
        Some(drive::drive(&engine, vec![id.clone()], drive::until(wait), wait.timeout).await?)
    };
    line.done();
    drive::report(&engine, &id, wait, false, driven, output).await
}
