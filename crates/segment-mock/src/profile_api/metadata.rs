//! F4: metadata, with the top-level `segment_id` that the live service adds \[FIDES\].

use serde_json::json;

use crate::answer::Answer;
use crate::state::{DEFAULT_SOURCE, StoredEvent, StoredProfile};
use crate::timestamps::millis;

pub(super) fn answer(profile: &StoredProfile) -> Answer {
    let by_time = |event: &&StoredEvent| event.timestamp;
    let (first, last) = (profile.events.iter().min_by_key(by_time), profile.events.iter().max_by_key(by_time));
    let message = |event: Option<&StoredEvent>| event.map_or_else(|| "ajs-1".into(), |event| event.message_id.clone());
    let source =
        |event: Option<&StoredEvent>| event.map_or_else(|| DEFAULT_SOURCE.into(), |event| event.source_id.clone());
    let metadata = json!({
        "created_at": millis(profile.created_at),
        "updated_at": millis(profile.updated_at),
        "expires_at": null,
        "first_message_id": message(first),
        "first_source_id": source(first),
        "last_message_id": message(last),
        "last_source_id": source(last),
    });
    Answer::json(200, json!({"segment_id": profile.segment_id, "metadata": metadata}))
}
