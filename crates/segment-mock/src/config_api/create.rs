//! C3 and C7: creating regulations.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{TYPES, answer, invalid};
use crate::answer::{Answer, error};
use crate::call::Call;
use crate::config::MockConfig;
use crate::endpoint::{Endpoint, Family};
use crate::state::{Category, NewRegulation, Scope, World};
use crate::timestamps::http_date;

/// 4 MB per payload \[DEL19\]; which status says so is not known (U12).
const MAX_BODY: usize = 4 * 1024 * 1024;

/// 5,000 ids per call \[DEL19\].
const MAX_SUBJECTS: usize = 5_000;

pub(super) fn create(call: &Call, world: &mut World, config: &MockConfig, now: Timestamp) -> Answer {
    if call.body.len() > MAX_BODY {
        return error(Family::Config, 413, None);
    }
    let new = match read(call, config) {
        Ok(new) => new,
        Err(refusal) => return refusal,
    };
    let subjects = u64::try_from(new.subjects.len()).unwrap_or(u64::MAX);
    match world.quota.take(Category::of(&new.kind), subjects, now) {
        Ok(_) => answer(config, json!({"regulate_id": world.create_regulation(new, now, config)})),
        // Quota exhaustion is a 429 too, whose reset lies weeks ahead [FAQ].
        Err(quota) => error(Family::Config, 429, None).header("x-ratelimit-reset", &http_date(quota.reset)),
    }
}

/// The error names the first failure: the Config API has no list of fields.
fn read(call: &Call, config: &MockConfig) -> Result<NewRegulation, Answer> {
    if call.content_type() != "application/json" {
        return Err(invalid("the body must be application/json"));
    }
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(&call.body) else {
        return Err(invalid("the body must be a JSON object"));
    };
    let kind = body.get("regulation_type").and_then(Value::as_str).unwrap_or_default();
    let known = TYPES.iter().find(|(spelling, _)| *spelling == kind);
    let Some((_, kind)) = known else { return Err(invalid("regulation_type is not valid")) };
    let attributes = body.get("attributes").cloned().unwrap_or_default();
    // `objectId` is for cloud sources, which need a collection [DEL19].
    if attributes["name"] != "userId" {
        return Err(invalid("attributes.name must be userId"));
    }
    let Value::Array(values) = &attributes["values"] else { return Err(invalid("attributes.values must be a list")) };
    if values.is_empty() || values.len() > MAX_SUBJECTS {
        return Err(invalid("attributes.values must hold 1 to 5000 ids"));
    }
    let ids: Option<Vec<String>> =
        values.iter().map(|id| id.as_str().filter(|id| !id.is_empty()).map(str::to_owned)).collect();
    let Some(subjects) = ids else { return Err(invalid("attributes.values must hold strings that are not empty")) };
    let scope = scope(call, config)?;
    Ok(NewRegulation { kind: (*kind).to_owned(), subject_type: "USER_ID".to_owned(), subjects, scope })
}

/// Sources are named by slug here \[CFGD\].
fn scope(call: &Call, config: &MockConfig) -> Result<Scope, Answer> {
    if call.endpoint != Endpoint::CreateSourceRegulation {
        return Ok(Scope::Workspace);
    }
    let slug = call.segment(4);
    let at = config.source_slugs.iter().position(|known| *known == slug);
    let id = at.and_then(|at| config.sources.get(at));
    id.map(|id| Scope::Source(id.clone())).ok_or_else(|| error(Family::Config, 404, None))
}
