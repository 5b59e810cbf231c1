//! C4 and C8: lists, paged by `page_size` and `page_token` \[CFGD\].

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{TYPES, answer, invalid};
use crate::answer::Answer;
use crate::call::Call;
use crate::config::{EntryIds, ListOrder, MockConfig};
use crate::state::{Regulation, Scope, World};
use crate::timestamps::micros;

/// "generally 10 or 100" \[CFGD\]
const PAGE_SIZE: usize = 100;

/// C4: filters `status` and `regulation_types` \[BUF\].
pub(super) fn regulations(call: &Call, world: &World, config: &MockConfig, now: Timestamp) -> Answer {
    let status = call.query.get("status");
    let types = call.query.array("regulation_types");
    if !types.iter().all(|kind| TYPES.iter().any(|(spelling, _)| spelling == kind)) {
        return invalid("regulation_types is not valid");
    }
    let wanted = |one: &&Regulation| {
        one.shown(now)
            && one.what.scope == Scope::Workspace
            && status.is_none_or(|status| one.status(now) == status)
            && (types.is_empty() || types.contains(&spelling(&one.what.kind)))
    };
    let mut found: Vec<&Regulation> = world.regulations.all().iter().filter(wanted).collect();
    if config.order == ListOrder::NewestFirst {
        found.reverse();
    }
    page(call, found, config, "regulations", |regulation| entry(regulation, config, now))
}

fn entry(regulation: &Regulation, config: &MockConfig, now: Timestamp) -> Value {
    let mut entry = json!({
        "id": regulation.id,
        "status": regulation.status(now),
        "regulation_type": spelling(&regulation.what.kind),
        "created_at": micros(regulation.created_at),
    });
    match config.config_shape.ids {
        EntryIds::Attributes => entry["attributes"] = json!({"name": "userId", "values": regulation.what.subjects}),
        EntryIds::Subjects => entry["subjects"] = json!(regulation.what.subjects),
    }
    if let Some(at) = regulation.finished_at(now) {
        entry["finished_at"] = json!(micros(at));
    }
    entry
}

fn spelling(kind: &str) -> &str {
    TYPES.iter().find(|(_, public)| *public == kind).map_or(kind, |(spelling, _)| spelling)
}

/// C8.
pub(super) fn suppressed(call: &Call, world: &World, config: &MockConfig) -> Answer {
    let mut users = world.suppressions.of_workspace();
    if config.order == ListOrder::NewestFirst {
        users.reverse();
    }
    page(call, users, config, "attributes", |user_id| json!({"name": "userId", "values": [user_id]}))
}

/// One page; the token is the offset, and opaque to clients.
fn page<T>(call: &Call, all: Vec<T>, config: &MockConfig, name: &str, entry: impl Fn(T) -> Value) -> Answer {
    let number = |key: &str, default: usize| call.query.get(key).map_or(Some(default), |text| text.parse().ok());
    let token = call.query.get("page_token").filter(|token| !token.is_empty()).unwrap_or("page-0");
    let offset = token.strip_prefix("page-").and_then(|offset| offset.parse::<usize>().ok());
    let (Some(size @ 1..), Some(offset)) = (number("page_size", PAGE_SIZE), offset) else {
        return invalid("page_size or page_token is not valid");
    };
    let end = offset + size;
    let next = if end < all.len() { format!("page-{end}") } else { String::new() };
    let entries: Vec<Value> = all.into_iter().skip(offset).take(size).map(entry).collect();
    answer(config, json!({name: entries, "next_page_token": next}))
}
