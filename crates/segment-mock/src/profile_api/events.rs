//! F3: events of the last 14 days, at most 100 a page \[PROF, LIM\].

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::before;
use crate::profile_api::{Found, invalid, reference};
use crate::state::StoredEvent;
use crate::timestamps::millis;

const MAX: usize = 100;
const WINDOW: Duration = Duration::from_hours(14 * 24);

pub(super) fn answer(found: &Found<'_>) -> Result<Answer, Answer> {
    let limit = found.limit(found.shared.config.pages.events, MAX)?;
    let ascending = found.choice("sort", &["asc", "desc"])? == Some("asc");
    let wanted = wanted(found)?;
    let events = &found.profile.events;
    // A profile of a million events has ten thousand pages: none of them looks at all events.
    let first = match found.call.query.get("next").filter(|next| !next.is_empty()) {
        Some(next) => Some(position(events, next).ok_or_else(|| invalid("The parameter `next` is not valid."))?),
        None => None,
    };
    let mut page: Vec<_> = if ascending {
        events[first.unwrap_or(0)..].iter().filter(|event| wanted(event)).take(limit + 1).collect()
    } else {
        events[..first.map_or(events.len(), |first| first + 1)]
            .iter()
            .rev()
            .filter(|event| wanted(event))
            .take(limit + 1)
            .collect()
    };
    if page.is_empty() {
        // `data` is null, not empty, when there is nothing [FIDES].
        return Ok(Answer::json(200, json!({"data": null, "cursor": found.cursor(None)})));
    }
    let next = (page.len() > limit).then(|| page.pop().map(key)).flatten();
    let data: Vec<Value> = page.into_iter().map(|event| entry(event, found)).collect();
    Ok(Answer::json(200, json!({"data": data, "cursor": found.cursor(next.as_deref())})))
}

/// Which events window, times and names leave.
fn wanted<'a>(found: &'a Found<'_>) -> Result<impl Fn(&StoredEvent) -> bool + 'a, Answer> {
    let ignored = found.shared.config.ignore_event_times;
    let (start, end) = if ignored { (None, None) } else { (found.time("start")?, found.time("end")?) };
    let (include, exclude) = (found.call.query.list("include"), found.call.query.list("exclude"));
    let oldest = before(found.now, WINDOW);
    Ok(move |event: &StoredEvent| {
        let named = |names: &Vec<&str>| event.name.as_deref().is_some_and(|name| names.contains(&name));
        event.timestamp >= oldest
            && start.is_none_or(|start| event.timestamp > start)
            && end.is_none_or(|end| event.timestamp < end)
            && include.as_ref().is_none_or(named)
            && !exclude.as_ref().is_some_and(named)
    })
}

/// `next` is base64 of time and message id \[PROF\].
fn key(event: &StoredEvent) -> String {
    STANDARD.encode(format!("{}::{}", millis(event.timestamp), event.message_id))
}

/// Where the event of a key is, among events in the order of their times.
fn position(events: &[StoredEvent], next: &str) -> Option<usize> {
    let decoded = String::from_utf8(STANDARD.decode(next).ok()?).ok()?;
    let time = decoded.split_once("::")?.0.parse::<Timestamp>().ok()?;
    let from = events.partition_point(|event| event.timestamp < time);
    let of_time = events[from..].iter().take_while(|event| millis(event.timestamp) == millis(time));
    of_time.into_iter().position(|event| key(event) == next).map(|at| from + at)
}

fn entry(event: &StoredEvent, found: &Found<'_>) -> Value {
    let collection = found.profile.collection;
    let ids: Vec<Value> = event.external_ids.iter().map(|(kind, value)| reference(collection, kind, value)).collect();
    let mut entry = json!({
        "external_ids": ids, "context": event.context, "type": event.kind, "message_id": event.message_id,
        "source_id": event.source_id, "timestamp": millis(event.timestamp),
        "related": {collection: found.profile.segment_id},
    });
    if let Some(name) = &event.name {
        entry["event"] = json!(name);
    }
    if let Some(properties) = &event.properties {
        entry["properties"] = properties.clone();
    }
    if let Some(traits) = &event.traits {
        entry["traits"] = traits.clone();
    }
    entry
}
