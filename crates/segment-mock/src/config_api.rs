//! The legacy Config API: regulations and suppressed users of a workspace \[FIDES, EDX, BUF, CFGD\]. No document prints what
//! it answers when it is read: that is inferred, and switchable (U1).

mod create;
mod lists;
mod shape;

use std::time::Duration;

use axum::http::header;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, error};
use crate::call::Call;
use crate::config::{MockConfig, Permission};
use crate::endpoint::{Endpoint, Family};
use crate::state::World;
use crate::timestamps::micros;
use shape::shaped;

/// The text of a proxy that has no route: the URL is wrong, nothing is down \[CFGD\].
const NO_ROUTE: &str = "upstream connect error or disconnect/reset before headers";

/// What its workspaces were made at; the value is invented.
const CREATED: &str = "2021-02-03T10:11:12.131Z";

/// Both spellings of a type: the Config API's \[GH-6243\] and the Public API's \[I\].
const TYPES: [(&str, &str); 5] = [
    ("Suppress", "SUPPRESS_ONLY"),
    ("Unsuppress", "UNSUPPRESS"),
    ("Suppress_With_Delete", "SUPPRESS_WITH_DELETE"),
    ("Delete", "DELETE_ONLY"),
    ("Delete_Internal", "DELETE_INTERNAL"),
];

pub(crate) fn handle(call: &Call, world: &mut World, config: &MockConfig, now: Timestamp) -> Answer {
    if call.raw_segment(1) != "workspaces" {
        return Answer::text(503, "text/plain", NO_ROUTE);
    }
    if let Err((wait, _)) = world.config_rate.take() {
        return too_many(wait);
    }
    if call.header(header::AUTHORIZATION) != Some(&format!("Bearer {}", config.config_token)) {
        return error(Family::Config, 401, None);
    }
    match (call.endpoint, config.permission) {
        (Endpoint::ListWorkspaces, _) => {
            return answer(config, json!({"workspaces": [workspace(config)], "next_page_token": ""}));
        }
        (Endpoint::Unknown, _) => return error(Family::Config, 404, None),
        // Slugs, not ids [CFGD].
        _ if call.segment(2) != config.workspace_slug => return error(Family::Config, 404, None),
        (Endpoint::Workspace, _) => return answer(config, workspace(config)),
        (_, Permission::DeniedWith401) => return error(Family::Config, 401, None),
        (_, Permission::DeniedWith403) => return error(Family::Config, 403, None),
        (_, Permission::Full) => {}
    }
    match call.endpoint {
        Endpoint::CreateRegulation | Endpoint::CreateSourceRegulation => create::create(call, world, config, now),
        Endpoint::GetRegulation => get(call, world, config, now),
        Endpoint::DeleteRegulation => delete(call, world, now),
        Endpoint::ListRegulations => lists::regulations(call, world, config, now),
        Endpoint::ListSuppressions => lists::suppressed(call, world, config),
        _ => error(Family::Config, 404, None),
    }
}

fn answer(config: &MockConfig, body: Value) -> Answer {
    Answer::json(200, shaped(body, config.config_shape))
}

fn too_many(wait: Duration) -> Answer {
    error(Family::Config, 429, None).header("retry-after", &(wait.as_secs() + 1))
}

fn invalid(message: &str) -> Answer {
    error(Family::Config, 400, Some(message))
}

/// \[CFGI; FEND\]
fn workspace(config: &MockConfig) -> Value {
    let MockConfig { workspace_slug: slug, workspace_name: name, config_workspace_id: id, .. } = config;
    json!({"name": format!("workspaces/{slug}"), "display_name": name, "id": id, "create_time": CREATED})
}

/// C5, the snake case of the Public API's answer \[I\].
fn get(call: &Call, world: &World, config: &MockConfig, now: Timestamp) -> Answer {
    let Some(regulation) = world.regulations.get(&call.segment(4), now) else {
        return error(Family::Config, 404, None);
    };
    let stream = config.source_slugs.first().map_or("", String::as_str);
    let mut body = json!({
        "id": regulation.id,
        "parent": format!("workspaces/{}", config.workspace_slug),
        "overall_status": regulation.status(now),
        "created_at": micros(regulation.created_at),
        "stream_status": shape::snake(regulation.stream_status(now, stream)),
    });
    if let Some(at) = regulation.finished_at(now) {
        body["finished_at"] = json!(micros(at));
    }
    answer(config, body)
}

/// C6, only while INITIALIZED \[BUF\].
fn delete(call: &Call, world: &mut World, now: Timestamp) -> Answer {
    let id = call.segment(4);
    match world.regulations.get(&id, now).map(|regulation| regulation.status(now).to_owned()) {
        None => error(Family::Config, 404, None),
        Some(status) if status != "INITIALIZED" => invalid("the regulation has to be in an initialized state"),
        Some(_) => {
            world.withdraw_regulation(&id);
            Answer::json(200, json!({}))
        }
    }
}
