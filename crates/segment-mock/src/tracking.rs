//! The Tracking API, as far as masking needs it: identify, alone or in a batch \[HTTP\].

use axum::http::header;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::{Answer, error};
use crate::basic_auth::basic_user;
use crate::call::Call;
use crate::config::MockConfig;
use crate::endpoint::{Endpoint, Family};
use crate::state::{StoredEvent, StoredProfile, World};

/// 32 KB per call or event, 500 KB per batch, 2,500 events per batch \[HTTP\].
const MAX_CALL: usize = 32 * 1024;
const MAX_BATCH: usize = 500 * 1024;
const MAX_EVENTS: usize = 2_500;

/// Unify rejects an identify with as many traits \[LIM\].
const MAX_TRAITS: usize = 300;

/// Longer message ids are dropped silently \[LIM\].
const MAX_MESSAGE_ID: usize = 100;

pub(crate) fn handle(call: &Call, world: &mut World, config: &MockConfig, now: Timestamp) -> Answer {
    let limit = match call.endpoint {
        Endpoint::Identify => MAX_CALL,
        Endpoint::Batch => MAX_BATCH,
        _ => return error(Family::Tracking, 404, None),
    };
    if call.body.len() > limit {
        return error(Family::Tracking, 400, Some("request is too large"));
    }
    let Ok(body @ Value::Object(_)) = serde_json::from_slice::<Value>(&call.body) else {
        return error(Family::Tracking, 400, Some("malformed JSON"));
    };
    if !has_write_key(call, &body, config) {
        // A wrong key is answered like a right one; the data vanish.
        return success();
    }
    if call.endpoint == Endpoint::Batch {
        batch(&body, world, config, now);
    } else {
        identify(&body, world, config, now);
    }
    success()
}

fn success() -> Answer {
    Answer::json(200, json!({"success": true}))
}

fn batch(body: &Value, world: &mut World, config: &MockConfig, now: Timestamp) {
    let events = body["batch"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A batch with too many events is answered 200 and rejected.
    if events.len() <= MAX_EVENTS {
        let small = |event: &&Value| event.to_string().len() <= MAX_CALL;
        for event in events.iter().filter(|event| event["type"] == "identify").filter(small) {
            identify(event, world, config, now);
        }
    }
}

/// The key is the user part of Basic, or `writeKey` in the body.
fn has_write_key(call: &Call, body: &Value, config: &MockConfig) -> bool {
    let basic = call.header(header::AUTHORIZATION).and_then(basic_user);
    basic.as_deref().or(body["writeKey"].as_str()) == Some(&config.write_key)
}

/// Updates or makes the profile, unless one of the vendor's silent reasons to drop the call holds.
fn identify(event: &Value, world: &mut World, config: &MockConfig, now: Timestamp) {
    let (user_id, anonymous_id) = (id_of(event, "userId"), id_of(event, "anonymousId"));
    let source = config.sources.first().map_or("", String::as_str);
    let traits = event["traits"].as_object().cloned().unwrap_or_default();
    if user_id.is_some_and(|user_id| world.suppressions.drops(user_id, source))
        || traits.len() >= MAX_TRAITS
        || !is_new_message(event, world)
    {
        return;
    }
    let ids = [("user_id", user_id), ("anonymous_id", anonymous_id)];
    let ids: Vec<(&str, &str)> = ids.into_iter().filter_map(|(kind, id)| Some((kind, id?))).collect();
    if ids.is_empty() {
        return;
    }
    let known = ids.iter().find_map(|(kind, id)| world.profiles.take_user(kind, &id.to_lowercase()));
    let mut profile = known.unwrap_or_else(|| {
        let segment_id = format!("use_{}", world.ids.token(27));
        StoredProfile::new(segment_id, "users", now)
    });
    let message_id = event["messageId"].as_str().map_or_else(|| world.ids.token(20), str::to_owned);
    for (kind, id) in &ids {
        profile.add_external_id(kind, id, Some(message_id.clone()), now, &mut world.ids);
    }
    for (key, value) in &traits {
        // A new e-mail trait becomes another identifier [EXT]; null does not take the old one away [I].
        if let ("email", Some(email)) = (key.as_str(), value.as_str().filter(|email| !email.is_empty())) {
            profile.add_external_id("email", email, Some(message_id.clone()), now, &mut world.ids);
        }
        profile.set_custom_trait(key, value.clone(), source, now);
    }
    profile.updated_at = now;
    profile.add_event(StoredEvent {
        kind: "identify".into(),
        name: None,
        properties: None,
        traits: Some(Value::Object(traits)),
        context: event.get("context").cloned().unwrap_or_else(|| json!({})),
        external_ids: ids.iter().map(|(kind, id)| ((*kind).to_owned(), (*id).to_owned())).collect(),
        message_id,
        source_id: source.to_owned(),
        timestamp: now,
    });
    world.profiles.put(profile);
}

fn id_of<'a>(event: &'a Value, key: &str) -> Option<&'a str> {
    event[key].as_str().filter(|id| !id.is_empty())
}

/// A repeated `messageId` is the same message \[HTTP\]; one that is too long is dropped \[LIM\].
fn is_new_message(event: &Value, world: &mut World) -> bool {
    match event["messageId"].as_str() {
        None => true,
        Some(id) if id.len() > MAX_MESSAGE_ID => false,
        Some(id) => world.seen_messages.insert(id.to_owned()),
    }
}
