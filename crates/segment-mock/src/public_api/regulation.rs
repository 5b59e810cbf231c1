//! P4 and P8: one regulation.

use jiff::Timestamp;
use serde_json::json;

use crate::answer::{Answer, error};
use crate::call::Call;
use crate::config::MockConfig;
use crate::endpoint::Family;
use crate::public_api::success;
use crate::public_api::validation::Failures;
use crate::state::World;
use crate::timestamps::micros;

/// The subjects and the type are not in it \[TS\].
pub(super) fn get(call: &Call, world: &World, config: &MockConfig, now: Timestamp) -> Answer {
    let Some(regulation) = world.regulations.get(&call.segment(1), now) else {
        return error(Family::Public, 404, None);
    };
    let stream = config.sources.first().map_or("", String::as_str);
    let mut body = json!({
        "id": regulation.id,
        "workspaceId": config.workspace_id,
        "overallStatus": regulation.status(now),
        "createdAt": micros(regulation.created_at),
        "streamStatus": regulation.stream_status(now, stream),
    });
    if let Some(at) = regulation.finished_at(now) {
        body["finishedAt"] = json!(micros(at));
    }
    success(call, &json!({"regulation": body}), now)
}

/// The older specification's delete, only while INITIALIZED \[OAS22\]; 73.0.0 removed it \[TS\].
pub(super) fn delete(call: &Call, world: &mut World, now: Timestamp) -> Answer {
    let id = call.segment(1);
    let Some(regulation) = world.regulations.get(&id, now) else {
        return error(Family::Public, 404, None);
    };
    if regulation.status(now) != "INITIALIZED" {
        let mut failures = Failures::default();
        failures.add("regulateId", "must be in the initialized state to be deleted");
        return failures.into_answer().unwrap_or_else(|| error(Family::Public, 422, None));
    }
    world.withdraw_regulation(&id);
    success(call, &json!({"status": "SUCCESS"}), now)
}
