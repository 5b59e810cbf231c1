//! Changes to a true answer.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Fields that a document calls optional, or that some vendor sample leaves out.
const OPTIONAL: [&str; 18] = [
    "finishedAt",
    "finished_at",
    "errString",
    "err_string",
    "regulationType",
    "regulation_type",
    "parent",
    "create_time",
    "next_page_token",
    "next",
    "previous",
    "totalEntries",
    "segment_id",
    "expires_at",
    "first_message_id",
    "limit",
    "related",
    "encoding",
];

/// Fields whose values the documents enumerate.
const ENUMS: [&str; 7] =
    ["status", "overallStatus", "overall_status", "regulationType", "regulation_type", "subjectType", "encoding"];

/// The id of what was created, on the Config API.
const CREATED: [&str; 2] = ["regulate_id", "regulateId"];

/// What an entry of a list says its ids in.
const SUBJECTS: [&str; 3] = ["subjects", "subjectIds", "attributes"];

/// Objects that hold people's data, not the vendor's fields.
const PEOPLES_DATA: [&str; 3] = ["traits", "properties", "context"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Rewrite {
    WithoutId,
    MissingData,
    NullData,
    MissingCursor,
    RepeatedCursor,
    EndlessCursor,
    MissingOptional,
    ExtraFields,
    UnknownEnums,
    WithoutSubjects,
}

impl Rewrite {
    /// Whether the request's own cursor must be forgotten, because this change invented it.
    pub(crate) fn invents_cursors(self) -> bool {
        matches!(self, Self::RepeatedCursor | Self::EndlessCursor)
    }

    pub(crate) fn apply(self, body: &mut Value) {
        match self {
            Self::WithoutId if body.get("data").is_some() => body["data"] = json!({}),
            Self::WithoutId => each_object(body, &mut |object| object.retain(|key, _| !is(&CREATED, key))),
            Self::MissingData => drop_key(body, data_key(body)),
            Self::NullData => {
                let key = data_key(body);
                body[key] = Value::Null;
            }
            Self::MissingCursor => {
                drop_key(body, "cursor");
                drop_key(body, "next_page_token");
                drop_key(body, "nextPageToken");
                if let Some(data) = body.get_mut("data") {
                    drop_key(data, "pagination");
                }
            }
            Self::RepeatedCursor => set_next(body, "again"),
            Self::EndlessCursor => set_next(body, &unused_cursor()),
            Self::MissingOptional => each_object(body, &mut |object| object.retain(|key, value| !omits(key, value))),
            Self::ExtraFields => each_object(body, &mut |object| {
                object.insert("x_mock_extra".into(), json!({"new": [1, 2, 3]}));
            }),
            Self::UnknownEnums => each_object(body, &mut |object| {
                for (_, value) in object.iter_mut().filter(|(key, value)| is(&ENUMS, key) && value.is_string()) {
                    *value = json!("BRAND_NEW");
                }
            }),
            Self::WithoutSubjects => {
                each_object(body, &mut |object| object.retain(|key, _| !is(&SUBJECTS, key)));
            }
        }
    }
}

/// An empty `next` may be left out; leaving out a real one would lose pages.
fn omits(key: &str, value: &Value) -> bool {
    is(&OPTIONAL, key) && (!key.starts_with("next") || value.as_str().is_none_or(str::is_empty))
}

fn is(names: &[&str], key: &str) -> bool {
    names.contains(&key)
}

fn data_key(body: &Value) -> &'static str {
    let lists = ["traits", "regulations", "attributes", "workspaces", "regulate_id", "regulateId"];
    lists.into_iter().find(|key| body.get(key).is_some()).unwrap_or("data")
}

fn drop_key(value: &mut Value, key: &str) {
    if let Some(object) = value.as_object_mut() {
        object.remove(key);
    }
}

fn set_next(body: &mut Value, next: &str) {
    if body.get("cursor").is_some() {
        body["cursor"]["next"] = json!(next);
        body["cursor"]["has_more"] = json!(true);
    } else if body["data"].is_object() {
        body["data"]["pagination"]["next"] = json!(STANDARD.encode(next));
    } else {
        let key = if body.get("nextPageToken").is_some() { "nextPageToken" } else { "next_page_token" };
        body[key] = json!(next);
    }
}

fn unused_cursor() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    format!("more-{}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Visits every object of the vendor's, outermost first.
fn each_object(value: &mut Value, visit: &mut dyn FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            for (key, member) in object.iter_mut() {
                if !is(&PEOPLES_DATA, key) && key != "x_mock_extra" {
                    each_object(member, visit);
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(|member| each_object(member, visit)),
        _ => {}
    }
}
