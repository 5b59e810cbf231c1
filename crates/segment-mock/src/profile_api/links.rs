//! F5: links to accounts, at most 20 a page \[PROF\].

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::profile_api::{Found, reference};
use crate::state::Link;

const MAX: usize = 20;

pub(super) fn answer(found: &Found<'_>) -> Result<Answer, Answer> {
    let limit = found.limit(found.shared.config.pages.links, MAX)?;
    let all: Vec<(usize, &Link)> = found.profile.links.iter().enumerate().collect();
    let page = found.page(all, limit, |(index, _)| STANDARD.encode(format!("link-{index}")))?;
    let data: Vec<Value> = page.members.into_iter().map(|(_, link)| entry(link, found)).collect();
    let mut body = json!({"data": data});
    // The vendor's sample has no cursor: send one only when there are more pages [I].
    if page.next.is_some() || found.call.query.get("next").is_some() {
        body["cursor"] = found.cursor(page.next.as_deref());
    }
    Ok(Answer::json(200, body))
}

fn entry(link: &Link, found: &Found<'_>) -> Value {
    let ids = link.external_ids.iter().map(|(kind, value)| {
        let mut id = reference(&link.to_collection, kind, value);
        id["source_id"] = json!(crate::state::DEFAULT_SOURCE);
        id["created_at"] = json!(found.profile.created_at);
        id
    });
    json!({"to_collection": link.to_collection, "external_ids": ids.collect::<Vec<_>>()})
}
