//! The rules of [`Profiles`].

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use futures_util::TryStreamExt;

use crate::{
    Event, EventsQuery, ExternalId, ExternalIdsQuery, IdentityKind, Link, LinksQuery, Page, Paged, Pii, ProfileRef,
    Service, Trait, TraitsQuery, pages, ports::Profiles,
};

/// The person whom the space under test has to know, and nobody else: her profile id,
pub const SEGMENT_ID: &str = "use_3FgH1jKlMn5pQrS7tUvWxYz9aBc";
/// her external ids,
pub const EXTERNAL_IDS: [(&str, &str); 3] =
    [("user_id", "u-1001"), ("email", "ann+1/?#%@example.com"), ("phone", "+49 1")];
/// her traits,
pub const TRAITS: [(&str, i64); 5] = [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)];
/// the names of her events, all of the last 14 days,
pub const EVENTS: [&str; 5] = ["One", "Two", "Three", "Four", "Five"];
/// and the ids of the accounts she is linked to.
pub const LINKS: [&str; 3] = ["g-1", "g-2", "g-3"];

/// A space that holds the person of this module.
pub trait ProfilesFixture: Sync {
    /// The implementation under test.
    fn profiles(&self) -> &dyn Profiles;
}

fn by(kind: &str, value: &str) -> ProfileRef {
    ProfileRef::external_id(IdentityKind::parse(kind).unwrap(), Pii::from(value))
}

fn ann() -> ProfileRef {
    by("user_id", "u-1001")
}

async fn all<T, F, Fut>(fetch: F) -> Vec<Page<T>>
where
    T: Clone + PartialEq,
    F: FnMut(Option<crate::Cursor>) -> Fut,
    Fut: Future<Output = Paged<T>>,
{
    let pages = unlimited(fetch).await;
    assert!(pages.iter().all(|page| page.items.len() <= 2), "a limit is kept");
    pages
}

async fn unlimited<T, F, Fut>(fetch: F) -> Vec<Page<T>>
where
    T: Clone + PartialEq,
    F: FnMut(Option<crate::Cursor>) -> Fut,
    Fut: Future<Output = Paged<T>>,
{
    pages(Service::ProfileApi, fetch).try_collect().await.unwrap()
}

fn items<T>(pages: Vec<Page<T>>) -> Vec<T> {
    pages.into_iter().flat_map(|page| page.items).collect()
}

/// A profile is found by each of its external ids and by its own id.
pub async fn a_profile_is_found_by_all_its_ids(profiles: &dyn Profiles) {
    let by_ids = EXTERNAL_IDS.iter().map(|(kind, value)| by(kind, value));
    for profile in by_ids.chain([ProfileRef::SegmentId(SEGMENT_ID.into())]) {
        let metadata = profiles.metadata(&profile).await.unwrap().unwrap();
        assert_eq!(metadata.segment_id, Some(SEGMENT_ID.into()));
        assert!(metadata.fields.expose().is_object());
    }
}

/// A profile that does not exist is `None`, for every resource.
pub async fn nobody_is_none(profiles: &dyn Profiles) {
    let nobody = by("user_id", "nobody");
    assert_eq!(profiles.metadata(&nobody).await.unwrap(), None);
    assert_eq!(profiles.traits(&nobody, &TraitsQuery::default()).await.unwrap(), None);
    assert_eq!(profiles.external_ids(&nobody, &ExternalIdsQuery::default()).await.unwrap(), None);
    assert_eq!(profiles.events(&nobody, &EventsQuery::default()).await.unwrap(), None);
    assert_eq!(profiles.links(&nobody, &LinksQuery::default()).await.unwrap(), None);
}

/// Segment matches lower case only, and implementations do not lower-case by themselves.
pub async fn capitals_are_not_found(profiles: &dyn Profiles) {
    assert_eq!(profiles.metadata(&by("user_id", "U-1001")).await.unwrap(), None);
}

/// Every trait comes once, over all pages.
pub async fn traits_come_over_all_pages(profiles: &dyn Profiles) {
    let ann = &ann();
    let found = items(
        all(|next| async move {
            profiles.traits(ann, &TraitsQuery { limit: Some(2), next, ..TraitsQuery::default() }).await
        })
        .await,
    );
    let mut found: Vec<_> = found.into_iter().map(|Trait { name, value }| (name, value.into_exposed())).collect();
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(found, TRAITS.map(|(name, value)| (name.to_owned(), value.into())));
}

/// Every external id comes once, over all pages.
pub async fn external_ids_come_over_all_pages(profiles: &dyn Profiles) {
    let ann = &ann();
    let found = items(
        all(|next| async move {
            profiles.external_ids(ann, &ExternalIdsQuery { limit: Some(2), next, ..ExternalIdsQuery::default() }).await
        })
        .await,
    );
    let mut found: Vec<_> =
        found.into_iter().map(|ExternalId { kind, value, .. }| (kind, value.into_exposed())).collect();
    found.sort();
    let mut expect = EXTERNAL_IDS.map(|(kind, value)| (kind.to_owned(), value.to_owned()));
    expect.sort();
    assert_eq!(found, expect);
}

/// Every event comes once, whole, over all pages.
pub async fn events_come_over_all_pages(profiles: &dyn Profiles) {
    let ann = &ann();
    let found = items(
        all(|next| async move {
            profiles.events(ann, &EventsQuery { limit: Some(2), next, ..EventsQuery::default() }).await
        })
        .await,
    );
    let name = |Event { record }: Event| record.expose()["event"].as_str().unwrap().to_owned();
    let mut found: Vec<_> = found.into_iter().map(name).collect();
    found.sort();
    let mut expect = EVENTS.map(str::to_owned);
    expect.sort();
    assert_eq!(found, expect);
}

/// Every link comes once, over all pages.
pub async fn links_come_over_all_pages(profiles: &dyn Profiles) {
    let ann = &ann();
    let found = items(all(|next| async move { profiles.links(ann, &LinksQuery { limit: Some(2), next }).await }).await);
    let id = |Link { record }: Link| record.expose()["external_ids"][0]["id"].as_str().unwrap().to_owned();
    let mut found: Vec<_> = found.into_iter().map(id).collect();
    found.sort();
    assert_eq!(found, LINKS);
}

/// Without a limit the implementation takes its own, and everything still comes once.
pub async fn everything_comes_without_a_limit(profiles: &dyn Profiles) {
    let ann = &ann();
    let traits =
        unlimited(|next| async move { profiles.traits(ann, &TraitsQuery { next, ..TraitsQuery::default() }).await });
    assert_eq!(items(traits.await).len(), TRAITS.len());
    let ids = unlimited(|next| async move {
        profiles.external_ids(ann, &ExternalIdsQuery { next, ..ExternalIdsQuery::default() }).await
    });
    assert_eq!(items(ids.await).len(), EXTERNAL_IDS.len());
    let events =
        unlimited(|next| async move { profiles.events(ann, &EventsQuery { next, ..EventsQuery::default() }).await });
    assert_eq!(items(events.await).len(), EVENTS.len());
    let links = unlimited(|next| async move { profiles.links(ann, &LinksQuery { limit: None, next }).await });
    assert_eq!(items(links.await).len(), LINKS.len());
}

/// Makes a `#[tokio::test]` of each function of [`profiles`](crate::testing::conformance::profiles). Its argument is the
/// path of an `async fn() -> impl ProfilesFixture`.
#[macro_export]
macro_rules! profiles_conformance {
    ($fresh:path) => {
        $crate::profiles_conformance! { @each $fresh:
            a_profile_is_found_by_all_its_ids
            nobody_is_none
            capitals_are_not_found
            traits_come_over_all_pages
            external_ids_come_over_all_pages
            events_come_over_all_pages
            links_come_over_all_pages
            everything_comes_without_a_limit
        }
    };
    (@each $fresh:path: $($rule:ident)+) => {
        $(
            #[tokio::test]
            async fn $rule() {
                use $crate::testing::conformance::profiles::ProfilesFixture as _;
                let fixture = $fresh().await;
                $crate::testing::conformance::profiles::$rule(fixture.profiles()).await;
            }
        )+
    };
}
