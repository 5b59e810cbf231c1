//! The port of segment-core on the Profile API.

use async_trait::async_trait;
use futures_util::Stream;
use secrecy::SecretString;
use segment_core::{
    ErrorKind, Event, EventsQuery, ExternalId, ExternalIdsQuery, IdentityKind, Link, LinksQuery, Metadata, Page, Paged,
    Pii, ProfileRef, SegmentError, Service, Trait, TraitsQuery, pages, ports::Profiles,
};
use segment_http::{ApiRequest, Credential, Endpoint, Environment, Transport};

use crate::{
    answers,
    requests::{self, ProfilePath},
};

/// The profiles of one space, read with the space's access secret.
#[derive(Debug, Clone)]
pub struct ProfileApi {
    transport: Transport,
    space: String,
}

/// Items a page, and what to ask for instead when Segment answers 400 (docs/segment-api.md, 3.3).
#[derive(Clone, Copy)]
struct Limit {
    first: u16,
    lower: u16,
}

const TRAITS: Limit = Limit { first: 200, lower: 100 };
const EXTERNAL_IDS: Limit = Limit { first: 25, lower: 10 };
const EVENTS: Limit = Limit { first: 100, lower: 25 };
const LINKS: Limit = Limit { first: 20, lower: 10 };

impl ProfileApi {
    /// A client for this endpoint, such as [`Endpoint::PROFILES_US`], and a space id (`spa_…` or the older ten
    /// characters), with the Unify access secret of that space.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Misuse`] if the secret cannot stand in a header.
    pub fn new(
        endpoint: Endpoint,
        space: impl Into<String>,
        access_secret: SecretString,
        environment: Environment,
    ) -> Result<Self, SegmentError> {
        let credential = Credential::BasicUser(access_secret);
        let transport = Transport::new(Service::ProfileApi, endpoint, &credential, answers::problem, environment)?;
        Ok(Self { transport, space: space.into() })
    }

    /// Changes the transport, such as its retries.
    #[must_use]
    pub fn map_transport(self, change: impl FnOnce(Transport) -> Transport) -> Self {
        Self { transport: change(self.transport), ..self }
    }

    /// All traits, page by page.
    pub fn traits_all<'a>(
        &'a self,
        profile: &'a ProfileRef,
        query: TraitsQuery,
    ) -> impl Stream<Item = Result<Page<Trait>, SegmentError>> + 'a {
        pages(Service::ProfileApi, move |next| {
            let query = TraitsQuery { next, ..query.clone() };
            async move { self.traits(profile, &query).await }
        })
    }

    /// All external ids, page by page.
    pub fn external_ids_all<'a>(
        &'a self,
        profile: &'a ProfileRef,
        query: ExternalIdsQuery,
    ) -> impl Stream<Item = Result<Page<ExternalId>, SegmentError>> + 'a {
        pages(Service::ProfileApi, move |next| {
            let query = ExternalIdsQuery { next, ..query.clone() };
            async move { self.external_ids(profile, &query).await }
        })
    }

    /// All events of the last 14 days, page by page.
    pub fn events_all<'a>(
        &'a self,
        profile: &'a ProfileRef,
        query: EventsQuery,
    ) -> impl Stream<Item = Result<Page<Event>, SegmentError>> + 'a {
        pages(Service::ProfileApi, move |next| {
            let query = EventsQuery { next, ..query.clone() };
            async move { self.events(profile, &query).await }
        })
    }

    /// All links, page by page.
    pub fn links_all<'a>(
        &'a self,
        profile: &'a ProfileRef,
        query: LinksQuery,
    ) -> impl Stream<Item = Result<Page<Link>, SegmentError>> + 'a {
        pages(Service::ProfileApi, move |next| {
            let query = LinksQuery { next, ..query.clone() };
            async move { self.links(profile, &query).await }
        })
    }

    /// One page of an account's traits, by its group id; `None` if there is no such account.
    pub async fn account_traits(&self, group_id: &Pii<String>, query: &TraitsQuery) -> Paged<Trait> {
        let path = ProfilePath::account(&self.space, group_id);
        self.page(|limit| requests::traits(&path, query, limit), query.limit, TRAITS, answers::traits).await
    }

    /// One page of an account's links, such as to its people, by its group id; `None` if there is no such account.
    pub async fn account_links(&self, group_id: &Pii<String>, query: &LinksQuery) -> Paged<Link> {
        let path = ProfilePath::account(&self.space, group_id);
        self.page(|limit| requests::links(&path, query, limit), query.limit, LINKS, answers::links).await
    }

    /// **Beta at Segment**, for spaces that Segment has enabled it for: removes one external id, such as an old e-mail
    /// address, from the profile of a user id. What its answers look like is inferred; a status of success is believed.
    ///
    /// It is *not* an erasure: data stay, and a replay brings the id back. The last `user_id` cannot be removed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`] if the space does not have it; [`ErrorKind::Invalid`] for a type that cannot be removed or
    /// the id that the profile is named by; [`ErrorKind::NotFound`] with [`SegmentError::code`] `not_found` (no such profile) or
    /// `eid_not_found`: after a lost answer the latter may be the effect of this very call.
    pub async fn delete_external_id(
        &self,
        user_id: &Pii<String>,
        kind: &str,
        value: &Pii<String>,
    ) -> Result<(), SegmentError> {
        let profile = ProfileRef::external_id(IdentityKind::UserId, user_id.clone());
        self.transport.read(&requests::delete_external_id(&self.path(&profile), kind, value), |_| Some(())).await
    }

    async fn read<T: Send>(
        &self,
        call: &ApiRequest,
        parse: impl Fn(&[u8]) -> Option<T> + Send + Sync,
    ) -> Result<Option<T>, SegmentError> {
        match self.transport.read(call, parse).await {
            Ok(value) => Ok(Some(value)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One page; a 400 to our own limit is asked again once with a lower one, since the maxima are not documented.
    async fn page<T: Send>(
        &self,
        call: impl Fn(u16) -> ApiRequest + Send + Sync,
        given: Option<u16>,
        limit: Limit,
        parse: impl Fn(&[u8]) -> Option<Page<T>> + Send + Sync,
    ) -> Paged<T> {
        match self.read(&call(given.unwrap_or(limit.first)), &parse).await {
            Err(error) if error.status() == Some(400) && given.is_none() => self.read(&call(limit.lower), &parse).await,
            answer => answer,
        }
    }

    fn path(&self, profile: &ProfileRef) -> ProfilePath {
        ProfilePath::new(&self.space, profile)
    }
}

#[async_trait]
impl Profiles for ProfileApi {
    async fn metadata(&self, profile: &ProfileRef) -> Result<Option<Metadata>, SegmentError> {
        self.read(&requests::metadata(&self.path(profile)), answers::metadata).await
    }

    async fn traits(&self, profile: &ProfileRef, query: &TraitsQuery) -> Paged<Trait> {
        let path = self.path(profile);
        self.page(|limit| requests::traits(&path, query, limit), query.limit, TRAITS, answers::traits).await
    }

    async fn external_ids(&self, profile: &ProfileRef, query: &ExternalIdsQuery) -> Paged<ExternalId> {
        let path = self.path(profile);
        let call = |limit| requests::external_ids(&path, query, limit);
        self.page(call, query.limit, EXTERNAL_IDS, answers::external_ids).await
    }

    async fn events(&self, profile: &ProfileRef, query: &EventsQuery) -> Paged<Event> {
        let path = self.path(profile);
        self.page(|limit| requests::events(&path, query, limit), query.limit, EVENTS, answers::events).await
    }

    async fn links(&self, profile: &ProfileRef, query: &LinksQuery) -> Paged<Link> {
        let path = self.path(profile);
        self.page(|limit| requests::links(&path, query, limit), query.limit, LINKS, answers::links).await
    }
}
