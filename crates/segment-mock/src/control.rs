//! `/__mock/...`: control from other processes. These requests meet no faults and are not recorded.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;

use crate::answer::Answer;
use crate::call::{Call, segments_of};
use crate::faults::FaultRule;
use crate::shared::Shared;
use crate::state::RegulationView;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

/// Answers a control request; `None` for every other.
pub(crate) fn handle(call: &Call, shared: &Shared) -> Option<Answer> {
    let segments = segments_of(call.path());
    let ["__mock", rest @ ..] = segments.as_slice() else { return None };
    let answer = match (call.method.as_str(), rest) {
        ("POST", ["advance"]) => parsed(call, |advance: Advance| {
            shared.config.clock.advance(Duration::from_secs(advance.seconds));
            json!({"now": shared.config.clock.now()})
        }),
        ("POST", ["faults"]) => parsed(call, |rule: FaultRule| {
            let mut world = shared.world();
            world.faults.add(rule);
            json!({"faults": world.faults.left()})
        }),
        ("GET", ["regulations"]) => Answer::json(200, regulations(shared)),
        ("GET", ["requests"]) => Answer::json(200, requests(shared)),
        _ => Answer::json(404, json!({"error": "no such control"})),
    };
    Some(answer)
}

fn parsed<T: for<'de> Deserialize<'de>>(call: &Call, act: impl FnOnce(T) -> serde_json::Value) -> Answer {
    match serde_json::from_slice(&call.body) {
        Ok(body) => Answer::json(200, act(body)),
        Err(reason) => Answer::json(400, json!({"error": reason.to_string()})),
    }
}

fn regulations(shared: &Shared) -> serde_json::Value {
    let now = shared.config.clock.now();
    let world = shared.settled();
    let views: Vec<_> = world.regulations.all().iter().map(|one| RegulationView::of(one, now)).collect();
    json!({"now": now, "regulations": views})
}

fn requests(shared: &Shared) -> serde_json::Value {
    let counts = shared.world().log.counts();
    let total: u64 = counts.values().sum();
    json!({"total": total, "counts": counts, "max_in_flight": shared.max_in_flight()})
}
