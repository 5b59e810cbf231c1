//! The parts of a profile: events and links as tests describe them, and all parts as they are stored.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// An event of a person, made by [`Event::track`], [`Event::page`], [`Event::identify`] or [`Event::of_type`].
#[derive(Clone, Debug)]
pub struct Event {
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) properties: Option<Value>,
    pub(crate) traits: Option<Value>,
    pub(crate) context: Value,
    pub(crate) external_ids: Vec<(String, String)>,
    pub(crate) message_id: Option<String>,
    pub(crate) source_id: Option<String>,
    pub(crate) at: When,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    At(Timestamp),
    Ago(Duration),
}

impl Event {
    /// A track call.
    #[must_use]
    pub fn track(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), properties: Some(Value::Object(Map::new())), ..Self::of_type("track") }
    }

    /// A page call; pages carry a name too \[PROF\].
    #[must_use]
    pub fn page(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), properties: Some(Value::Object(Map::new())), ..Self::of_type("page") }
    }

    /// An identify call with its traits \[I\].
    #[must_use]
    pub fn identify(traits: Value) -> Self {
        Self { traits: Some(traits), ..Self::of_type("identify") }
    }

    /// A call of any type, such as `screen`, `group` or `alias`.
    #[must_use]
    pub fn of_type(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            name: None,
            properties: None,
            traits: None,
            context: serde_json::json!({"ip": "192.0.2.7"}),
            external_ids: Vec::new(),
            message_id: None,
            source_id: None,
            at: When::Ago(Duration::from_hours(1)),
        }
    }

    /// Its properties.
    #[must_use]
    pub fn properties(mut self, properties: Value) -> Self {
        self.properties = Some(properties);
        self
    }

    /// Its context.
    #[must_use]
    pub fn context(mut self, context: Value) -> Self {
        self.context = context;
        self
    }

    /// An id as the call spelled it, capitals included; without any, the profile's own ids are shown.
    #[must_use]
    pub fn external_id(mut self, kind: impl Into<String>, value: impl Into<String>) -> Self {
        self.external_ids.push((kind.into(), value.into()));
        self
    }

    /// Its message id.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.message_id = Some(id.into());
        self
    }

    /// The source it came from.
    #[must_use]
    pub fn source_id(mut self, id: impl Into<String>) -> Self {
        self.source_id = Some(id.into());
        self
    }

    /// When it happened.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = When::At(at);
        self
    }

    /// How long before the clock's present (at the time the profile is added) it happened; one hour by default.
    #[must_use]
    pub fn ago(mut self, ago: Duration) -> Self {
        self.at = When::Ago(ago);
        self
    }
}

/// A link of a person to an account.
#[derive(Clone, Debug)]
pub struct Link {
    pub(crate) to_collection: String,
    pub(crate) external_ids: Vec<(String, String)>,
}

impl Link {
    /// A link to the account with this `group_id`.
    #[must_use]
    pub fn account(group_id: impl Into<String>) -> Self {
        let external_ids = vec![("group_id".to_owned(), group_id.into())];
        Self { to_collection: "accounts".into(), external_ids }
    }

    /// Another id of the same account.
    #[must_use]
    pub fn external_id(mut self, kind: impl Into<String>, value: impl Into<String>) -> Self {
        self.external_ids.push((kind.into(), value.into()));
        self
    }
}

/// Where a trait comes from; only custom ones can be removed \[I\].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraitClass {
    Custom,
    Computed,
    Audience,
}

#[derive(Clone, Debug)]
pub(crate) struct Trait {
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) class: TraitClass,
    pub(crate) source_id: String,
    pub(crate) updated_at: Timestamp,
}

/// An external id with the `map_...` id that pages start from \[PROF\].
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) map_id: String,
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) source_id: String,
    pub(crate) created_at: Timestamp,
    pub(crate) first_message_id: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct StoredEvent {
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    pub(crate) properties: Option<Value>,
    pub(crate) traits: Option<Value>,
    pub(crate) context: Value,
    pub(crate) external_ids: Vec<(String, String)>,
    pub(crate) message_id: String,
    pub(crate) source_id: String,
    pub(crate) timestamp: Timestamp,
}

impl StoredEvent {
    /// What events are sorted by.
    pub(crate) fn order(&self) -> (Timestamp, &str) {
        (self.timestamp, &self.message_id)
    }
}
