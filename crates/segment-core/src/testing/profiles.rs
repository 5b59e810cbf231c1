//! A space that keeps profiles in memory.

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::{
    Cursor, Event, EventsQuery, ExternalId, ExternalIdsQuery, Link, LinksQuery, Metadata, Page, Paged, Pii, ProfileRef,
    SegmentError, Trait, TraitsQuery, ports::Profiles,
};

/// One person of a [`FakeProfiles`].
#[derive(Debug, Clone, Default)]
pub struct FakeProfile {
    /// `use_…`
    pub segment_id: Pii<String>,
    /// Names and values.
    pub traits: Vec<(String, Value)>,
    /// Types and values, lower-cased as Segment shows them.
    pub external_ids: Vec<(String, String)>,
    /// Records as Segment sends them.
    pub events: Vec<Value>,
    /// Records as Segment sends them.
    pub links: Vec<Value>,
}

/// People by their external ids. Only `limit` and `next` of a query are heeded.
#[derive(Debug, Clone, Default)]
pub struct FakeProfiles(Vec<FakeProfile>);

impl FakeProfiles {
    /// A space with these people.
    #[must_use]
    pub fn of(people: Vec<FakeProfile>) -> Self {
        Self(people)
    }

    fn find(&self, profile: &ProfileRef) -> Option<&FakeProfile> {
        self.0.iter().find(|person| match profile {
            ProfileRef::SegmentId(id) => id == &person.segment_id,
            ProfileRef::ExternalId { kind, value } => {
                person.external_ids.iter().any(|(of, id)| of == kind.external_id_type() && id == value.expose())
            }
        })
    }
}

fn page<T, U>(all: &[T], limit: Option<u16>, next: Option<&Cursor>, item: impl Fn(&T) -> U) -> Page<U> {
    let start = next.and_then(|next| next.as_str().parse().ok()).unwrap_or(0);
    let end = limit.map_or(all.len(), |limit| start + usize::from(limit)).min(all.len());
    let items = all.get(start..end).unwrap_or_default().iter().map(item).collect();
    Page { items, next: (end < all.len()).then(|| Cursor::new(end.to_string())).flatten() }
}

#[async_trait]
impl Profiles for FakeProfiles {
    async fn metadata(&self, profile: &ProfileRef) -> Result<Option<Metadata>, SegmentError> {
        let fields = || Pii::new(json!({"created_at": "2024-01-05T10:00:00.123Z"}));
        Ok(self.find(profile).map(|person| Metadata { segment_id: Some(person.segment_id.clone()), fields: fields() }))
    }

    async fn traits(&self, profile: &ProfileRef, query: &TraitsQuery) -> Paged<Trait> {
        let item = |(name, value): &(String, Value)| Trait { name: name.clone(), value: Pii::new(value.clone()) };
        // All of them are custom traits.
        let traits = |person: &FakeProfile| if query.class.is_some() { Vec::new() } else { person.traits.clone() };
        Ok(self.find(profile).map(|person| page(&traits(person), query.limit, query.next.as_ref(), item)))
    }

    async fn external_ids(&self, profile: &ProfileRef, query: &ExternalIdsQuery) -> Paged<ExternalId> {
        let item = |(kind, value): &(String, String)| ExternalId {
            kind: kind.clone(),
            value: Pii::from(value.as_str()),
            record: Pii::new(json!({"type": kind, "id": value})),
        };
        Ok(self.find(profile).map(|person| page(&person.external_ids, query.limit, query.next.as_ref(), item)))
    }

    async fn events(&self, profile: &ProfileRef, query: &EventsQuery) -> Paged<Event> {
        let item = |record: &Value| Event { record: Pii::new(record.clone()) };
        Ok(self.find(profile).map(|person| page(&person.events, query.limit, query.next.as_ref(), item)))
    }

    async fn links(&self, profile: &ProfileRef, query: &LinksQuery) -> Paged<Link> {
        let item = |record: &Value| Link { record: Pii::new(record.clone()) };
        Ok(self.find(profile).map(|person| page(&person.links, query.limit, query.next.as_ref(), item)))
    }
}
