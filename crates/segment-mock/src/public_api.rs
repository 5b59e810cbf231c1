//! The Public API: regulations and suppressions of a workspace \[TS 73.2.0, OAS22\].

mod create;
mod lists;
mod pagination;
mod regulation;
mod validation;

use std::time::Duration;

use axum::http::header;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, error};
use crate::call::Call;
use crate::clock::after;
use crate::config::{MockConfig, Permission};
use crate::endpoint::{Endpoint, Family};
use crate::state::World;
use crate::timestamps::http_date;

/// The statuses of regulations and destinations \[TS\].
const STATUSES: [&str; 7] =
    ["FAILED", "FINISHED", "INITIALIZED", "INVALID", "NOT_SUPPORTED", "PARTIAL_SUCCESS", "RUNNING"];

/// What workspace scope accepts \[TS 73.2.0\].
const WORKSPACE_TYPES: [&str; 6] = [
    "DELETE_INTERNAL",
    "DELETE_ONLY",
    "SUPPRESS_ONLY",
    "SUPPRESS_WITH_DELETE",
    "SUPPRESS_WITH_DELETE_INTERNAL",
    "UNSUPPRESS",
];

/// What source scope accepts \[TS 73.2.0\].
const SOURCE_TYPES: [&str; 7] = [
    "DELETE_ARCHIVE_ONLY",
    "DELETE_INTERNAL",
    "DELETE_ONLY",
    "SUPPRESS_ONLY",
    "SUPPRESS_WITH_DELETE",
    "SUPPRESS_WITH_DELETE_INTERNAL",
    "UNSUPPRESS",
];

/// Ids in paths are 1 to 255 characters long \[OAS22\].
const MAX_PATH_ID: usize = 255;

pub(crate) fn handle(call: &Call, world: &mut World, config: &MockConfig, now: Timestamp) -> Answer {
    if call.header(header::AUTHORIZATION) != Some(&format!("Bearer {}", config.public_token)) {
        return error(Family::Public, 401, None);
    }
    match (call.endpoint, config.permission) {
        (Endpoint::Unknown, _) => return error(Family::Public, 404, None),
        (Endpoint::Workspace, _) => return success(call, &workspace(config), now),
        (_, Permission::DeniedWith401) => return error(Family::Public, 401, None),
        (_, Permission::DeniedWith403) => return error(Family::Public, 403, None),
        (_, Permission::Full) => {}
    }
    if let Some(refusal) = judge_path(call, config) {
        return refusal;
    }
    match call.endpoint {
        Endpoint::CreateRegulation | Endpoint::CreateSourceRegulation | Endpoint::CreateCloudSourceRegulation => {
            create::create(call, world, config, now)
        }
        Endpoint::GetRegulation => regulation::get(call, world, config, now),
        Endpoint::DeleteRegulation => regulation::delete(call, world, now),
        Endpoint::ListRegulations | Endpoint::ListSourceRegulations => lists::regulations(call, world, config, now),
        Endpoint::ListSuppressions => lists::suppressions(call, world, config, now),
        _ => error(Family::Public, 404, None),
    }
}

/// Refuses ids of the wrong length, and sources the workspace does not have: slugs are not ids \[I, gotcha 12\].
fn judge_path(call: &Call, config: &MockConfig) -> Option<Answer> {
    let (index, name) = match call.endpoint {
        Endpoint::GetRegulation | Endpoint::DeleteRegulation => (1, "regulateId"),
        Endpoint::CreateSourceRegulation | Endpoint::CreateCloudSourceRegulation | Endpoint::ListSourceRegulations => {
            (2, "sourceId")
        }
        _ => return None,
    };
    let id = call.segment(index);
    if id.is_empty() || id.chars().count() > MAX_PATH_ID {
        let mut failures = validation::Failures::default();
        failures.add(name, "length must be between 1 and 255 characters long");
        return failures.into_answer();
    }
    let known = name == "regulateId" || config.sources.contains(&id);
    (!known).then(|| error(Family::Public, 404, None))
}

fn workspace(config: &MockConfig) -> Value {
    let MockConfig { workspace_id: id, workspace_slug: slug, workspace_name: name, .. } = config;
    json!({"workspace": {"id": id, "slug": slug, "name": name}})
}

/// A 200 with the rate limit headers of reading endpoints; their limit is not published (U24).
fn success(call: &Call, data: &Value, now: Timestamp) -> Answer {
    enveloped(call, data)
        .header("x-ratelimit-consumed", &1)
        .header("x-ratelimit-remaining", &5_999)
        .header("x-ratelimit-reset", &http_date(after(now, Duration::from_mins(1))))
}

/// A 200 in the media type that was asked for \[W-VER\].
fn enveloped(call: &Call, data: &Value) -> Answer {
    let first = call.header(header::ACCEPT).and_then(|accept| accept.split([',', ';']).next()).unwrap_or_default();
    let answer = Answer::json(200, json!({"data": data}));
    if first.starts_with("application/vnd.segment.") { answer.header("content-type", &first.trim()) } else { answer }
}
