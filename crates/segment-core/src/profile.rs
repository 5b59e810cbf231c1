//! What Unify holds on a person, and how it is asked (docs/segment-api.md, 3).

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::{Cursor, IdentityKind, Pii};

/// How a profile is addressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "whoever stores or sends one must handle every form")]
pub enum ProfileRef {
    /// By one of its external ids: `<type>:<value>` (documented).
    ExternalId {
        /// the external id type
        kind: IdentityKind,
        /// the value; Segment matches lower case only
        value: Pii<String>,
    },
    /// By Segment's own profile id, `use_…` (inferred from third-party code against the live service).
    SegmentId(Pii<String>),
}

impl ProfileRef {
    /// By an external id.
    #[must_use]
    pub fn external_id(kind: IdentityKind, value: Pii<String>) -> Self {
        Self::ExternalId { kind, value }
    }
}

/// The profile's own facts. Every field but the timestamps of the last change may be missing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metadata {
    /// Segment's id of the profile, `use_…`; missing in the documentation, present in the live service.
    pub segment_id: Option<Pii<String>>,
    /// The `metadata` object as it was received.
    pub fields: Pii<Value>,
}

/// One trait: a custom trait, a computed trait or an audience membership.
#[derive(Clone, PartialEq)]
pub struct Trait {
    /// The trait's name, such as `plan`.
    pub name: String,
    /// Its value, or with `verbose` an object of `value`, `source_id` and `updated_at`.
    pub value: Pii<Value>,
}

impl fmt::Debug for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trait").field("name", &"[personal data]").field("value", &self.value).finish()
    }
}

/// One external id of a profile.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalId {
    /// Its type, such as `email`.
    pub kind: String,
    /// Its value; identifiers are shown lower-cased.
    pub value: Pii<String>,
    /// The record as it was received.
    pub record: Pii<Value>,
}

/// One event of the last 14 days.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The record as it was received: type, event, properties, context, ids and all.
    pub record: Pii<Value>,
}

impl Event {
    /// When it happened, by its `timestamp` (documented); `None` where it has none that can be read.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.record.expose().get("timestamp").and_then(Value::as_str)?.parse().ok()
    }

    /// What tells it from others: its `message_id` (documented), or all of it where it has none.
    pub(crate) fn name(&self) -> String {
        let record = self.record.expose();
        record.get("message_id").and_then(Value::as_str).map_or_else(|| record.to_string(), str::to_owned)
    }

    /// The user ids of this event in the spelling in which they were sent: the external ids of type `user_id`.
    pub fn user_ids(&self) -> impl Iterator<Item = Pii<String>> + '_ {
        let ids = self.record.expose().get("external_ids").and_then(Value::as_array).into_iter().flatten();
        ids.filter(|id| id.get("type").and_then(Value::as_str) == Some("user_id"))
            .filter_map(|id| id.get("id").and_then(Value::as_str))
            .map(Pii::from)
    }
}

/// One link to a profile of another collection, such as an account.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The record as it was received.
    pub record: Pii<Value>,
}

/// `class` of the traits query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraitClass {
    /// Audience memberships only.
    Audience,
    /// Computed traits only.
    ComputedTrait,
}

/// `sort` of the events query; Segment's default is descending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventSort {
    /// Oldest first.
    Ascending,
    /// Newest first.
    Descending,
}

/// The documented parameters of `…/traits`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TraitsQuery {
    /// Only traits of this class.
    pub class: Option<TraitClass>,
    /// Only these traits.
    pub include: Vec<String>,
    /// Each value with its source and time.
    pub verbose: bool,
    /// Items a page, 1 to 200 (the default here is 200, Segment's is 10).
    pub limit: Option<u16>,
    /// The page.
    pub next: Option<Cursor>,
}

/// The documented parameters of `…/external_ids`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExternalIdsQuery {
    /// Only ids of these types.
    pub include: Vec<String>,
    /// Items a page, 1 to 25 (the default here is 25).
    pub limit: Option<u16>,
    /// Send `verbose=true`; its effect is not documented.
    pub verbose: bool,
    /// The page.
    pub next: Option<Cursor>,
}

/// The documented parameters of `…/events`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventsQuery {
    /// Only events after this moment.
    pub start: Option<Timestamp>,
    /// Only events before this moment.
    pub end: Option<Timestamp>,
    /// Only events of these names.
    pub include: Vec<String>,
    /// No events of these names.
    pub exclude: Vec<String>,
    /// The order; Segment's default is newest first.
    pub sort: Option<EventSort>,
    /// Items a page, 1 to 100 (the default here is 100).
    pub limit: Option<u16>,
    /// The page.
    pub next: Option<Cursor>,
}

/// The documented parameters of `…/links`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinksQuery {
    /// Items a page, 1 to 20 (the default here is 20).
    pub limit: Option<u16>,
    /// The page.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_tells_the_raw_spelling_of_user_ids() {
        let record = serde_json::json!({"external_ids": [
            {"type": "anonymous_id", "id": "a-1"}, {"type": "user_id", "id": "U-1001"}, {"type": "user_id"}]});
        let ids: Vec<_> = Event { record: Pii::new(record) }.user_ids().collect();
        assert_eq!(ids, [Pii::from("U-1001")]);
    }
}
