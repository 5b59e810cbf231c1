//! F2: external ids, at most 25 a page, newest first \[PROF, AD\].

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::profile_api::Found;
use crate::state::Mapping;

const MAX: usize = 25;

pub(super) fn answer(found: &Found<'_>) -> Result<Answer, Answer> {
    let limit = found.limit(found.shared.config.pages.external_ids, MAX)?;
    let include = found.call.query.list("include");
    let included = |one: &&Mapping| include.as_ref().is_none_or(|kinds| kinds.contains(&one.kind.as_str()));
    let all: Vec<&Mapping> = found.profile.external_ids.iter().rev().filter(included).collect();
    let page = found.page(all, limit, |one| one.map_id.clone())?;
    let data: Vec<Value> = page.members.into_iter().map(|one| entry(one, found.profile.collection)).collect();
    Ok(Answer::json(200, json!({"data": data, "cursor": found.cursor(page.next.as_deref())})))
}

fn entry(one: &Mapping, collection: &str) -> Value {
    let mut entry = json!({
        "source_id": one.source_id, "collection": collection, "id": one.value, "type": one.kind,
        "created_at": one.created_at, "encoding": "none",
    });
    // Some vendor samples leave it out [AD].
    if let Some(message_id) = &one.first_message_id {
        entry["first_message_id"] = json!(message_id);
    }
    entry
}
