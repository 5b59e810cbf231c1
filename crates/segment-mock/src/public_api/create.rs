//! P1 to P3: creating regulations.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::answer::{Answer, AnswerBody, error};
use crate::call::Call;
use crate::config::MockConfig;
use crate::endpoint::{Endpoint, Family};
use crate::public_api::validation::Failures;
use crate::public_api::{SOURCE_TYPES, WORKSPACE_TYPES, enveloped};
use crate::state::{Category, NewRegulation, Scope, World};
use crate::timestamps::http_date;

/// 4 MB per payload \[DEL\].
const MAX_BODY: usize = 4 * 1024 * 1024;

/// 5,000 ids per call \[DEL\].
const MAX_SUBJECTS: usize = 5_000;

/// The media types an SDK may send \[TS\], and the older spellings of \[W-VER\].
const MEDIA_TYPES: [&str; 7] = [
    "application/json",
    "application/vnd.segment.v1+json",
    "application/vnd.segment.v1beta+json",
    "application/vnd.segment.v1alpha+json",
    "application/vnd.segment.stable+json",
    "application/vnd.segment.beta+json",
    "application/vnd.segment.alpha+json",
];

pub(super) fn create(call: &Call, world: &mut World, config: &MockConfig, now: Timestamp) -> Answer {
    if call.body.len() > MAX_BODY {
        return error(Family::Public, 413, None);
    }
    if let Err((wait, count)) = world.rate.take() {
        return too_many(wait, count);
    }
    let new = match read(call) {
        Ok(new) => new,
        Err(refusal) => return refusal,
    };
    let subjects = u64::try_from(new.subjects.len()).unwrap_or(u64::MAX);
    match world.quota.take(Category::of(&new.kind), subjects, now) {
        Ok(quota) => {
            let id = world.create_regulation(new, now, config);
            enveloped(call, &json!({"regulateId": id}))
                .header("x-ratelimit-consumed", &quota.consumed)
                .header("x-ratelimit-remaining", &quota.remaining)
                .header("x-ratelimit-reset", &http_date(quota.reset))
        }
        // The monthly quota is a 429 too, whose reset lies weeks ahead (gotcha 18).
        Err(quota) => error(Family::Public, 429, None)
            .header("x-ratelimit-consumed", &quota.consumed)
            .header("x-ratelimit-remaining", &0)
            .header("x-ratelimit-reset", &http_date(quota.reset)),
    }
}

fn too_many(wait: Duration, count: u32) -> Answer {
    let mut answer = error(Family::Public, 429, None);
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    if let AnswerBody::Json(body) = &mut answer.body {
        body["errors"][0]["data"] = json!({"remainingPoints": 0, "msBeforeNext": millis, "consumedPoints": count});
    }
    answer.header("retry-after", &(wait.as_secs() + 1))
}

/// Reads and judges the body; the error is the 422 with all failures.
fn read(call: &Call) -> Result<NewRegulation, Answer> {
    let mut failures = Failures::default();
    if !MEDIA_TYPES.contains(&call.content_type().as_str()) {
        failures.add("content-type", "must be a JSON media type");
    }
    let body = if let Ok(Value::Object(body)) = serde_json::from_slice(&call.body) {
        body
    } else {
        failures.add("body", "must be of type object");
        Map::new()
    };
    let new = judge(call, &body, &mut failures);
    failures.into_answer().map_or(Ok(new), Err)
}

fn judge(call: &Call, body: &Map<String, Value>, failures: &mut Failures) -> NewRegulation {
    // Which types and subjects each endpoint takes [TS 73.2.0].
    let (types, subject_types): (&[&str], &[&str]) = match call.endpoint {
        Endpoint::CreateSourceRegulation => (&SOURCE_TYPES, &["USER_ID", "ANONYMOUS_ID"]),
        Endpoint::CreateCloudSourceRegulation => (&WORKSPACE_TYPES, &["OBJECT_ID"]),
        _ => (&WORKSPACE_TYPES, &["USER_ID", "OBJECT_ID"]),
    };
    let kind = text(body, "regulationType", failures);
    if let Some(kind) = &kind {
        failures.one_of("regulationType", kind, types);
    }
    let subject_type = text(body, "subjectType", failures);
    if let Some(subject_type) = &subject_type {
        failures.one_of("subjectType", subject_type, subject_types);
        if subject_type == "ANONYMOUS_ID" && kind.as_deref() != Some("DELETE_ARCHIVE_ONLY") {
            failures.add("subjectType", "must be USER_ID unless \"regulationType\" is DELETE_ARCHIVE_ONLY");
        }
    }
    let subjects = subjects(body, failures);
    let scope = match call.endpoint {
        Endpoint::CreateSourceRegulation => Scope::Source(call.segment(2)),
        Endpoint::CreateCloudSourceRegulation => {
            let collection = text(body, "collection", failures).unwrap_or_default();
            Scope::CloudSource { source: call.segment(2), collection }
        }
        _ => Scope::Workspace,
    };
    NewRegulation { kind: kind.unwrap_or_default(), subject_type: subject_type.unwrap_or_default(), subjects, scope }
}

fn text(body: &Map<String, Value>, field: &str, failures: &mut Failures) -> Option<String> {
    match body.get(field) {
        None => failures.add(field, "is required"),
        Some(Value::String(text)) if text.is_empty() => failures.add(field, "is not allowed to be empty"),
        Some(Value::String(text)) => return Some(text.clone()),
        Some(_) => failures.add(field, "must be a string"),
    }
    None
}

fn subjects(body: &Map<String, Value>, failures: &mut Failures) -> Vec<String> {
    const FIELD: &str = "subjectIds";
    let members = match body.get(FIELD) {
        None => {
            failures.add(FIELD, "is required");
            return Vec::new();
        }
        Some(Value::Array(members)) => members,
        Some(_) => {
            failures.add(FIELD, "must be an array");
            return Vec::new();
        }
    };
    if members.is_empty() {
        failures.add(FIELD, "must contain at least 1 items");
    }
    if members.len() > MAX_SUBJECTS {
        failures.add(FIELD, "must contain less than or equal to 5000 items");
    }
    let mut subjects = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        match member {
            Value::String(id) if id.is_empty() => {
                failures.add(&format!("{FIELD}[{index}]"), "is not allowed to be empty");
            }
            Value::String(id) => subjects.push(id.clone()),
            _ => failures.add(&format!("{FIELD}[{index}]"), "must be a string"),
        }
    }
    subjects
}
