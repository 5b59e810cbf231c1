//! A profile as tests describe it, and as it is stored.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::{after, before};
use crate::state::Ids;
use crate::state::profile_parts::{Event, Link, Mapping, StoredEvent, Trait, TraitClass, When};

const DAY: Duration = Duration::from_hours(24);

/// The source of traits and ids that name none.
pub(crate) const DEFAULT_SOURCE: &str = "sRc1Web0001";

/// A profile to put into the mock.
///
/// External ids are stored lower-cased, as the Profile API shows them \[PROF, GH-7767\]; events keep the spelling that
/// [`Event::external_id`] gave.
#[derive(Clone, Debug)]
pub struct Profile {
    segment_id: String,
    collection: &'static str,
    external_ids: Vec<(String, String)>,
    traits: Vec<(String, Value, TraitClass)>,
    events: Vec<Event>,
    links: Vec<Link>,
    created_at: Option<Timestamp>,
}

impl Profile {
    /// A person, with a Segment id such as `use_0001`.
    #[must_use]
    pub fn new(segment_id: impl Into<String>) -> Self {
        Self::of(segment_id.into(), "users")
    }

    /// An account of the `accounts` collection.
    #[must_use]
    pub fn account(segment_id: impl Into<String>) -> Self {
        Self::of(segment_id.into(), "accounts")
    }

    fn of(segment_id: String, collection: &'static str) -> Self {
        let (external_ids, traits, events, links) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { segment_id, collection, external_ids, traits, events, links, created_at: None }
    }

    /// Adds an external id; later ones count as newer.
    #[must_use]
    pub fn external_id(mut self, kind: impl Into<String>, value: impl Into<String>) -> Self {
        self.external_ids.push((kind.into(), value.into()));
        self
    }

    /// Adds a custom trait.
    #[must_use]
    pub fn trait_(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.any_trait(key.into(), value.into(), TraitClass::Custom)
    }

    /// Adds a computed trait, which identify cannot remove.
    #[must_use]
    pub fn computed_trait(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.any_trait(key.into(), value.into(), TraitClass::Computed)
    }

    /// Adds membership of an audience.
    #[must_use]
    pub fn audience(self, key: impl Into<String>, member: bool) -> Self {
        self.any_trait(key.into(), member.into(), TraitClass::Audience)
    }

    fn any_trait(mut self, key: String, value: Value, class: TraitClass) -> Self {
        self.traits.push((key, value, class));
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }

    /// Adds a link to an account.
    #[must_use]
    pub fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// When the profile was created; 200 days before the clock's present by default.
    #[must_use]
    pub fn created_at(mut self, at: Timestamp) -> Self {
        self.created_at = Some(at);
        self
    }

    /// Its Segment id.
    #[must_use]
    pub fn segment_id(&self) -> &str {
        &self.segment_id
    }

    /// Stores the description with everything it leaves open filled in.
    pub(crate) fn resolve(self, now: Timestamp, ids: &mut Ids) -> StoredProfile {
        let created_at = self.created_at.unwrap_or_else(|| before(now, DAY * 200));
        let mut stored = StoredProfile::new(self.segment_id, self.collection, created_at);
        for (kind, value) in self.external_ids {
            stored.add_external_id(&kind, &value, None, created_at, ids);
        }
        for (key, value, class) in self.traits {
            let source_id = DEFAULT_SOURCE.to_owned();
            stored.traits.push(Trait { key, value, class, source_id, updated_at: created_at });
        }
        let known = stored.id_pairs();
        stored.events = self.events.into_iter().map(|event| resolve_event(event, &known, now, ids)).collect();
        stored.events.sort_by(|one, other| one.order().cmp(&other.order()));
        stored.links = self.links;
        stored.updated_at = stored.events.iter().map(|event| event.timestamp).max().unwrap_or(created_at);
        stored
    }
}

fn resolve_event(event: Event, known: &[(String, String)], now: Timestamp, ids: &mut Ids) -> StoredEvent {
    let timestamp = match event.at {
        When::At(at) => at,
        When::Ago(ago) => before(now, ago),
    };
    StoredEvent {
        kind: event.kind,
        name: event.name,
        properties: event.properties,
        traits: event.traits,
        context: event.context,
        external_ids: if event.external_ids.is_empty() { known.to_vec() } else { event.external_ids },
        message_id: event.message_id.unwrap_or_else(|| format!("ajs-{}", ids.token(12))),
        source_id: event.source_id.unwrap_or_else(|| DEFAULT_SOURCE.to_owned()),
        timestamp,
    }
}

#[derive(Clone, Debug)]
pub(crate) struct StoredProfile {
    pub(crate) segment_id: String,
    pub(crate) collection: &'static str,
    /// Oldest first.
    pub(crate) external_ids: Vec<Mapping>,
    pub(crate) traits: Vec<Trait>,
    /// Oldest first.
    pub(crate) events: Vec<StoredEvent>,
    pub(crate) links: Vec<Link>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl StoredProfile {
    pub(crate) fn new(segment_id: String, collection: &'static str, created_at: Timestamp) -> Self {
        let (external_ids, traits, events, links) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { segment_id, collection, external_ids, traits, events, links, created_at, updated_at: created_at }
    }

    /// Adds an event at its place.
    pub(crate) fn add_event(&mut self, event: StoredEvent) {
        let at = self.events.partition_point(|known| known.order() <= event.order());
        self.events.insert(at, event);
    }

    pub(crate) fn id_pairs(&self) -> Vec<(String, String)> {
        self.external_ids.iter().map(|one| (one.kind.clone(), one.value.clone())).collect()
    }

    /// Adds an external id, lower-cased and a moment newer than the last, unless it is there already.
    pub(crate) fn add_external_id(
        &mut self,
        kind: &str,
        value: &str,
        first_message_id: Option<String>,
        at: Timestamp,
        ids: &mut Ids,
    ) {
        let value = value.to_lowercase();
        if self.external_ids.iter().any(|one| one.kind == kind && one.value == value) {
            return;
        }
        let age = u64::try_from(self.external_ids.len()).unwrap_or_default();
        self.external_ids.push(Mapping {
            map_id: format!("map_{}", ids.ksuid(at)),
            kind: kind.to_owned(),
            value,
            source_id: DEFAULT_SOURCE.to_owned(),
            // Nanoseconds, because the vendor's samples have them.
            created_at: after(at, Duration::from_nanos(age * 1_000_001 + age % 3)),
            first_message_id,
        });
    }

    /// Sets a custom trait; `null` removes it \[UFAQ\]. Computed traits and audiences stay as they are \[I\].
    pub(crate) fn set_custom_trait(&mut self, key: &str, value: Value, source_id: &str, now: Timestamp) {
        let known = self.traits.iter().position(|one| one.key == key);
        let custom = known.is_none_or(|index| self.traits[index].class == TraitClass::Custom);
        if !custom {
            return;
        }
        let source_id = source_id.to_owned();
        let new = Trait { key: key.to_owned(), value, class: TraitClass::Custom, source_id, updated_at: now };
        match known {
            Some(index) if new.value.is_null() => drop(self.traits.remove(index)),
            Some(index) => self.traits[index] = new,
            None if new.value.is_null() => {}
            None => self.traits.push(new),
        }
    }
}
