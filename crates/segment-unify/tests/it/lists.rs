//! Lists: all pages, all parameters, and the cursor rules.

use futures_util::TryStreamExt;
use segment_core::{
    ErrorKind, EventSort, EventsQuery, ExternalIdsQuery, LinksQuery, TraitClass, TraitsQuery, ports::Profiles,
};
use segment_mock::{CursorUrl, Endpoint, Fault, FaultRule, MockConfig, MockSegment, Profile};

use crate::rig::{api, start, user};

fn sum<T>(pages: &[segment_core::Page<T>]) -> usize {
    pages.iter().map(|page| page.items.len()).sum()
}

/// How many items each list has when it is read to its end.
async fn counts(mock: &MockSegment) -> [usize; 4] {
    let (api, ann) = (api(mock), user("u-1001"));
    let traits: Vec<_> = api.traits_all(&ann, TraitsQuery::default()).try_collect().await.unwrap();
    let ids: Vec<_> = api.external_ids_all(&ann, ExternalIdsQuery::default()).try_collect().await.unwrap();
    let events: Vec<_> = api.events_all(&ann, EventsQuery::default()).try_collect().await.unwrap();
    let links: Vec<_> = api.links_all(&ann, LinksQuery::default()).try_collect().await.unwrap();
    [sum(&traits), sum(&ids), sum(&events), sum(&links)]
}

#[tokio::test]
async fn every_form_of_cursor_is_read_to_the_end_and_no_url_is_followed() {
    let elsewhere = MockSegment::start(MockConfig::new()).unwrap();
    let forms = [CursorUrl::Absolute, CursorUrl::Relative, CursorUrl::Empty, CursorUrl::AbsoluteOn(elsewhere.url())];
    for form in forms {
        let mock = start(MockConfig::new().cursor_url(form));
        assert_eq!(counts(&mock).await, [450, 62, 250, 45]);
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn no_events_are_an_empty_list() {
    let mock = start(MockConfig::new());
    // Segment, and the mock, answer `data: null`.
    mock.add_profile(Profile::new("use_ben").external_id("user_id", "u-ben"));
    let page = api(&mock).events(&user("u-ben"), &EventsQuery::default()).await.unwrap().unwrap();
    assert_eq!((page.items.len(), page.next), (0, None));
}

#[tokio::test]
async fn a_missing_cursor_is_the_last_page() {
    let mock = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::missing_cursor()).on(Endpoint::ProfileEvents).always());
    let pages: Vec<_> = api(&mock).events_all(&user("u-1001"), EventsQuery::default()).try_collect().await.unwrap();
    assert_eq!(pages.len(), 1);
}

#[tokio::test]
async fn a_cursor_leads_on_only_if_it_says_that_there_is_more() {
    for cursor in [
        r#"{"url":"/v1/spaces/spa_mock?next=b","has_more":false,"next":"b"}"#,
        r#"{"url":"/v1/spaces/spa_mock?next=b","next":"b"}"#,
        r#"{"url":"/v1/spaces/spa_mock?next=b","has_more":true,"next":""}"#,
        r#"{"url":"/v1/spaces/spa_mock?next=b","has_more":true,"next":null}"#,
        r#"{"has_more":true}"#,
        "null",
    ] {
        let mock = start(MockConfig::new());
        let body = format!(r#"{{"data":[{{"type":"track"}}],"cursor":{cursor}}}"#);
        mock.fault(FaultRule::new(Fault::reply(200, "application/json", body)).always());
        let pages: Vec<_> = api(&mock).events_all(&user("u-1001"), EventsQuery::default()).try_collect().await.unwrap();
        assert_eq!((pages.len(), mock.requests().len()), (1, 1), "{cursor}");
    }
}

#[tokio::test]
async fn a_repeated_cursor_stops_with_an_error() {
    let mock = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::repeated_cursor()).on(Endpoint::ProfileEvents).always());
    let pages: Result<Vec<_>, _> = api(&mock).events_all(&user("u-1001"), EventsQuery::default()).try_collect().await;
    assert_eq!(pages.unwrap_err().kind(), ErrorKind::EndlessList);
    assert!(mock.requests_to(Endpoint::ProfileEvents).len() <= 3);
}

#[tokio::test]
async fn an_endless_list_stops_with_an_error() {
    let mock = start(MockConfig::new());
    // Always another cursor, always the same page.
    mock.fault(FaultRule::new(Fault::endless_cursor()).always());
    let (api, ann) = (api(&mock), user("u-1001"));
    let endless = |outcome: Result<Vec<()>, segment_core::SegmentError>| {
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::EndlessList);
        assert!(mock.requests().len() <= 3, "{}", mock.requests().len());
        mock.clear_requests();
    };
    endless(api.traits_all(&ann, TraitsQuery::default()).map_ok(drop).try_collect().await);
    endless(api.external_ids_all(&ann, ExternalIdsQuery::default()).map_ok(drop).try_collect().await);
    endless(api.events_all(&ann, EventsQuery::default()).map_ok(drop).try_collect().await);
    endless(api.links_all(&ann, LinksQuery::default()).map_ok(drop).try_collect().await);
}

#[tokio::test]
async fn an_error_in_the_middle_ends_the_list_as_an_error() {
    let mock = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::ProfileEvents).nth(2).always());
    let (api, ann) = (api(&mock), user("u-1001"));
    let mut pages = Box::pin(api.events_all(&ann, EventsQuery::default()));
    assert_eq!(pages.try_next().await.unwrap().unwrap().items.len(), 100);
    assert_eq!(pages.try_next().await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert!(pages.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_limit_above_the_maximum_is_told_or_capped_and_no_item_is_lost() {
    let asked = TraitsQuery { limit: Some(1_000), ..TraitsQuery::default() };
    let mock = start(MockConfig::new());
    assert_eq!(api(&mock).traits(&user("u-1001"), &asked).await.unwrap_err().status(), Some(400));
    let mock = start(MockConfig::new().cap_limits(true));
    let pages: Vec<_> = api(&mock).traits_all(&user("u-1001"), asked).try_collect().await.unwrap();
    assert_eq!((pages.len(), sum(&pages)), (3, 450));
}

#[tokio::test]
async fn parameters_select() {
    let mock = start(MockConfig::new());
    let (api, ann) = (api(&mock), user("u-1001"));
    let (api, ann) = (&api, &ann);
    let traits = |query: TraitsQuery| async move { api.traits(ann, &query).await.unwrap().unwrap().items };
    let audiences = traits(TraitsQuery { class: Some(TraitClass::Audience), ..TraitsQuery::default() }).await;
    assert_eq!(audiences.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["readers"]);
    let computed = traits(TraitsQuery { class: Some(TraitClass::ComputedTrait), ..TraitsQuery::default() }).await;
    assert_eq!(computed.len(), 1);
    let two =
        TraitsQuery { include: vec!["trait_001".into(), "readers".into()], verbose: true, ..TraitsQuery::default() };
    let two = traits(two).await;
    assert_eq!(two.len(), 2);
    assert!(two.iter().all(|one| one.value.expose().get("value").is_some()), "verbose wraps values");

    let emails = ExternalIdsQuery { include: vec!["email".into()], ..ExternalIdsQuery::default() };
    let emails = api.external_ids(ann, &emails).await.unwrap().unwrap().items;
    assert_eq!(emails[0].value.expose(), "ann@example.com");

    let now = mock.clock().now();
    let hours = |hours: i64| now.checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap();
    let events = |query: EventsQuery| async move {
        let pages: Vec<_> = api.events_all(ann, query).try_collect().await.unwrap();
        pages.into_iter().flat_map(|page| page.items).collect::<Vec<_>>()
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(events(EventsQuery { include: names(&["Order Completed"]), ..EventsQuery::default() }).await.len(), 125);
    assert_eq!(events(EventsQuery { exclude: names(&["Clicked"]), ..EventsQuery::default() }).await.len(), 125);
    let window = EventsQuery { start: Some(hours(2)), end: Some(hours(1)), ..EventsQuery::default() };
    assert_eq!(events(window).await.len(), 59, "one a minute, both ends left out");
    let first = |sort| EventsQuery { sort: Some(sort), limit: Some(1), ..EventsQuery::default() };
    let time = |events: &[segment_core::Event]| events[0].record.expose()["timestamp"].as_str().unwrap().to_owned();
    let oldest = api.events(ann, &first(EventSort::Ascending)).await.unwrap().unwrap().items;
    let newest = api.events(ann, &first(EventSort::Descending)).await.unwrap().unwrap().items;
    assert!(time(&oldest) < time(&newest));
}

#[tokio::test]
async fn a_limit_that_is_refused_is_lowered_once() {
    let mock = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::bad_request()).on(Endpoint::ProfileTraits));
    let page = api(&mock).traits(&user("u-1001"), &TraitsQuery::default()).await.unwrap().unwrap();
    assert_eq!(page.items.len(), 100);
    let limits: Vec<_> = mock.requests_to(Endpoint::ProfileTraits).into_iter().map(|one| one.path_and_query).collect();
    assert!(limits[0].ends_with("limit=200") && limits[1].ends_with("limit=100"), "{limits:?}");

    mock.fault(FaultRule::new(Fault::bad_request()).on(Endpoint::ProfileTraits).always());
    let asked = TraitsQuery { limit: Some(7), ..TraitsQuery::default() };
    assert_eq!(api(&mock).traits(&user("u-1001"), &asked).await.unwrap_err().status(), Some(400));
    assert_eq!(mock.requests_to(Endpoint::ProfileTraits).len(), 3, "the caller's own limit is not changed");
}
