//! `holds …`: people who must not be erased.

use segment_core::{HoldId, LegalHold, Pii, RequestFilter, RequestStatus, ports::RequestStore};

use super::access;
use crate::{
    cli::Holds,
    compose::{self, World},
    config::Loaded,
    error::{CliError, Exit},
    output::{
        Output,
        shapes::{HoldShape, HoldsShape},
        tables,
    },
};

pub(crate) async fn run(loaded: &Loaded, args: Holds, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    match args {
        Holds::Add { identities, reason } => {
            let identities = identities.read().map_err(|error| access::refused_identity(&error))?;
            if reason.trim().is_empty() {
                return Err(CliError::usage("reason_empty", "the reason is empty; nothing was recorded"));
            }
            let World { clock, random } = World::default();
            let mut bytes = [0; 10];
            random.fill(&mut bytes);
            let placed_at = clock.now();
            let id = HoldId::generate(placed_at, bytes);
            let hold = LegalHold { id, identities, reason: Pii::new(reason), placed_at, lifted_at: None };
            store.place_hold(&hold).await?;
            let mut shape = HoldShape::new(&hold, false);
            shape.left_already = left_already(&store, &hold).await?;
            show(&shape, output)
        }
        Holds::List { all, reveal } => list(&store, all, reveal, output).await,
        Holds::Remove { id } => {
            let lifted = store.lift_hold(&HoldId::new(id.as_str()), World::default().clock.now()).await?;
            let hold = lifted.ok_or_else(|| no_such_hold(&id))?;
            show(&HoldShape::new(&hold, false), output)?;
            output.say("erasures that it stopped go on with: segment-privacy requests retry ID");
            Ok(Exit::Done)
        }
    }
}

async fn list(store: &dyn RequestStore, all: bool, reveal: bool, output: &Output) -> Result<Exit, CliError> {
    let mut holds = store.holds().await?;
    holds.retain(|hold| all || hold.lifted_at.is_none());
    if reveal {
        tracing::warn!(holds = holds.len(), "who legal holds are about, and why, was shown");
    }
    let shape = HoldsShape { holds: holds.iter().map(|hold| HoldShape::new(hold, reveal)).collect() };
    output.result(&shape, |_| tables::holds(&shape.holds))?;
    Ok(Exit::Done)
}

fn show(shape: &HoldShape, output: &Output) -> Result<Exit, CliError> {
    for id in &shape.left_already {
        output.say(&format!("warning: an erasure of this person has left already and cannot be stopped: {id}"));
    }
    output.result(shape, |_| tables::holds(std::slice::from_ref(shape)))?;
    Ok(Exit::Done)
}

/// Open requests of this person of which something may be at Segment.
async fn left_already(store: &dyn RequestStore, hold: &LegalHold) -> Result<Vec<String>, CliError> {
    let mut left = Vec::new();
    for status in [RequestStatus::InProcessing, RequestStatus::AwaitingProcessor, RequestStatus::RequiresAttention] {
        let filter = RequestFilter { status: Some(status), ..RequestFilter::default() };
        for summary in store.requests(&filter).await? {
            let Some(request) = store.request(&summary.id).await? else { continue };
            let sent = request.tasks.iter().filter(|task| task.state.may_have_been_sent());
            let about = |task: &segment_core::Task| {
                let found = task.resolution.clone().unwrap_or_default();
                hold.is_about(request.identities.as_ref(), &found.user_ids, &found.identifiers)
            };
            if sent.into_iter().any(about) {
                left.push(request.id.to_string());
            }
        }
    }
    Ok(left)
}

fn no_such_hold(id: &str) -> CliError {
    CliError::usage("no_such_hold", format!("there is no legal hold {id}")).hint("`segment-privacy holds list --all`")
}
