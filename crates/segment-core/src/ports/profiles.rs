//! Reading profiles.

use async_trait::async_trait;

use crate::{
    Event, EventsQuery, ExternalId, ExternalIdsQuery, Link, LinksQuery, Metadata, Paged, ProfileRef, SegmentError,
    Trait, TraitsQuery,
};

/// What Unify holds on a person: the users collection of one space. A profile that does not exist is `Ok(None)`.
///
/// Lists come page by page; [`pages`](crate::pages) reads them to the end.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Profiles: Send + Sync + std::fmt::Debug {
    /// The profile's own facts.
    async fn metadata(&self, profile: &ProfileRef) -> Result<Option<Metadata>, SegmentError>;

    /// One page of traits.
    async fn traits(&self, profile: &ProfileRef, query: &TraitsQuery) -> Paged<Trait>;

    /// One page of external ids.
    async fn external_ids(&self, profile: &ProfileRef, query: &ExternalIdsQuery) -> Paged<ExternalId>;

    /// One page of events; only the last 14 days can be read (documented).
    async fn events(&self, profile: &ProfileRef, query: &EventsQuery) -> Paged<Event>;

    /// One page of links.
    async fn links(&self, profile: &ProfileRef, query: &LinksQuery) -> Paged<Link>;
}
