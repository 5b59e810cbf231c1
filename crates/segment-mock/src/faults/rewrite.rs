//! Changes to a true answer.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// Fields that a document calls optional, or that some vendor sample leaves out.
const OPTIONAL: [&str; 12] = [
    "finishedAt",
    "errString",
    "regulationType",
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
const ENUMS: [&str; 5] = ["status", "overallStatus", "regulationType", "subjectType", "encoding"];

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
            Self::WithoutId => body["data"] = json!({}),
            Self::MissingData => drop_key(body, data_key(body)),
            Self::NullData => {
                let key = data_key(body);
                body[key] = Value::Null;
            }
            Self::MissingCursor => {
                drop_key(body, "cursor");
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
                each_object(body, &mut |object| object.retain(|key, _| key != "subjects" && key != "subjectIds"));
            }
        }
    }
}

/// An empty `next` may be left out; leaving out a real one would lose pages.
fn omits(key: &str, value: &Value) -> bool {
    is(&OPTIONAL, key) && (key != "next" || value.as_str().is_none_or(str::is_empty))
}

fn is(names: &[&str], key: &str) -> bool {
    names.contains(&key)
}

fn data_key(body: &Value) -> &'static str {
    if body.get("traits").is_some() { "traits" } else { "data" }
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
