//! F3: events of the last 14 days, at most 100 a page \[PROF, LIM\].

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::before;
use crate::profile_api::{Found, reference};
use crate::state::StoredEvent;
use crate::timestamps::millis;

const MAX: usize = 100;
const WINDOW: Duration = Duration::from_hours(14 * 24);

pub(super) fn answer(found: &Found<'_>) -> Result<Answer, Answer> {
    let limit = found.limit(found.shared.config.pages.events, MAX)?;
    let ascending = found.choice("sort", &["asc", "desc"])? == Some("asc");
    let mut all = chosen(found)?;
    all.sort_by(|one, other| (one.timestamp, &one.message_id).cmp(&(other.timestamp, &other.message_id)));
    if !ascending {
        all.reverse();
    }
    if all.is_empty() {
        // `data` is null, not empty, when there is nothing [FIDES].
        return Ok(Answer::json(200, json!({"data": null, "cursor": found.cursor(None)})));
    }
    let page = found.page(all, limit, |event| key(event))?;
    let data: Vec<Value> = page.members.into_iter().map(|event| entry(event, found)).collect();
    Ok(Answer::json(200, json!({"data": data, "cursor": found.cursor(page.next.as_deref())})))
}

/// The events that window, times and names leave.
fn chosen<'a>(found: &Found<'a>) -> Result<Vec<&'a StoredEvent>, Answer> {
    let (start, end) = (found.time("start")?, found.time("end")?);
    let (include, exclude) = (found.call.query.list("include"), found.call.query.list("exclude"));
    let oldest = before(found.now, WINDOW);
    let wanted = |event: &&StoredEvent| {
        let named = |names: &Vec<&str>| event.name.as_deref().is_some_and(|name| names.contains(&name));
        event.timestamp >= oldest
            && start.is_none_or(|start| event.timestamp > start)
            && end.is_none_or(|end| event.timestamp < end)
            && include.as_ref().is_none_or(named)
            && !exclude.as_ref().is_some_and(named)
    };
    Ok(found.profile.events.iter().filter(wanted).collect())
}

/// `next` is base64 of time and message id \[PROF\].
fn key(event: &StoredEvent) -> String {
    STANDARD.encode(format!("{}::{}", millis(event.timestamp), event.message_id))
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
