//! `holds …`: people who must not be erased.

use std::path::Path;

use jiff::Timestamp;
use privacy_engine::known_of;
use privacy_store::RecordStore;
use segment_core::{
    AuditEntry, HoldId, IdentitySet, LegalHold, Pii, RequestFilter, RequestStatus, Resolution, ports::RequestStore,
};
use serde_json::json;

use super::access;
use crate::{
    cli::Holds,
    compose::{self, World},
    config::{Loaded, load, operator},
    error::{CliError, Exit},
    output::{
        Output,
        shapes::{HoldShape, HoldsShape},
        tables,
    },
};

/// Of a reason, in characters: it is a note, not a file.
const MAX_REASON: usize = 2_000;

pub(crate) async fn run(path: &Path, args: Holds, output: &Output) -> Result<Exit, CliError> {
    // A hold must be possible even while connections do not fit together.
    let (loaded, problem) = compose::with_records_if_possible(load(path)?).await;
    if let Some(problem) = problem {
        output.say(&format!("warning: {}", problem.message));
    }
    let store = compose::store(&loaded).await?;
    match args {
        Holds::Add { identities, reason } => {
            let identities = identities.read().map_err(|error| access::refused_identity(&error))?;
            if reason.trim().is_empty() {
                return Err(CliError::usage("reason_empty", "the reason is empty; nothing was recorded"));
            }
            if reason.chars().count() > MAX_REASON {
                return Err(CliError::usage(
                    "reason_too_long",
                    format!("the reason is longer than {MAX_REASON} characters"),
                ));
            }
            let hold = new_hold(&loaded, identities, reason, output).await;
            store.place_hold(&hold, &told("placed")).await?;
            let mut shape = HoldShape::new(&hold, false);
            shape.left_already = left_already(&store, &hold).await?;
            show(&shape, output)
        }
        Holds::List { all, reveal } => list(&store, all, reveal, output).await,
        Holds::Remove { id } => {
            let lifted = store.lift_hold(&HoldId::new(id.as_str()), &told("lifted")).await?;
            let hold = lifted.ok_or_else(|| no_such_hold(&id))?;
            show(&HoldShape::new(&hold, false), output)?;
            output.say("erasures that it stopped go on with: segment-privacy requests retry ID");
            Ok(Exit::Done)
        }
    }
}

/// A hold of this person. What can be found out of them at the connections belongs to it, since an erasure may be asked for by
/// another of their ids.
async fn new_hold(loaded: &Loaded, identities: IdentitySet, reason: String, output: &Output) -> LegalHold {
    let mut sources = Vec::new();
    for (one, reading) in compose::each_source(loaded, None).unwrap_or_default() {
        match reading {
            Ok(reading) => sources.push(reading),
            Err(error) => output.say(&format!("warning: {} could not be asked: {}", one.config.key, error.message)),
        }
    }
    let (known, failures) = known_of(&sources, &identities, loaded.policy.max_user_ids).await;
    for (connection, why) in failures {
        output.say(&format!("warning: {connection} could not be asked: {why}"));
    }
    // Whom it was asked for by is among the identifiers.
    if known.user_ids.is_empty() && known.identifiers.len() <= identities.len() {
        output.say(
            "warning: nothing more is known of the person: only a request by exactly these identities is recognised",
        );
    }
    let World { clock, random } = World::default();
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    // The record keeps milliseconds.
    let now = clock.now();
    let placed_at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    let id = HoldId::generate(placed_at, bytes);
    LegalHold { id, identities, known, reason: Pii::new(reason), placed_at, lifted_at: None }
}

/// That an operator did this now.
fn told(step: &str) -> AuditEntry {
    AuditEntry::new(World::default().clock.now(), step, json!({"by": operator()}))
}

async fn list(store: &RecordStore, all: bool, reveal: bool, output: &Output) -> Result<Exit, CliError> {
    let mut holds = store.holds().await?;
    holds.retain(|hold| all || hold.lifted_at.is_none());
    for hold in holds.iter().filter(|_| reveal) {
        store.journal(hold.id.as_str(), &told("revealed")).await?;
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
        let filter = RequestFilter { statuses: vec![status], ..RequestFilter::default() };
        for summary in store.requests(&filter).await? {
            let Some(request) = store.request(&summary.id).await? else { continue };
            let mut known = Resolution::default();
            request.tasks.iter().filter_map(|task| task.resolution.as_ref()).for_each(|found| known.learn(found));
            let sent = request.tasks.iter().any(|task| task.state.may_have_been_sent());
            if sent && hold.is_about(request.identities.as_ref(), &known.user_ids, &known.identifiers) {
                left.push(request.id.to_string());
            }
        }
    }
    Ok(left)
}

fn no_such_hold(id: &str) -> CliError {
    CliError::usage("no_such_hold", format!("there is no legal hold {id}")).hint("`segment-privacy holds list --all`")
}
