//! F1 to F5: parameters, pages, cursors and shapes.

use std::time::Duration;

use segment_mock::{CursorUrl, Event, Link, MockConfig, PageDefaults, Profile};
use serde_json::{Value, json};

use crate::support::{Api, DAY, HOUR};

fn ann() -> Profile {
    Profile::new("use_ann")
        .external_id("user_id", "u-1001")
        .external_id("email", "Ann@Example.test")
        .external_id("anonymous_id", "anon-1")
        .trait_("email", "ann@example.test")
        .trait_("plan", "pro")
        .trait_("vip", true)
        .computed_trait("total_spent", 12.5)
        .audience("big_spenders", false)
}

fn with_ann(config: MockConfig, profile: Profile) -> Api {
    let api = Api::new(config);
    api.mock.add_profile(profile);
    api
}

/// Follows `next` to the end and returns every page's list.
async fn pages(api: &Api, resource: &str, list: &str) -> Vec<Value> {
    let (mut next, mut pages) = (String::new(), Vec::new());
    loop {
        let reply = api.profile(&format!("user_id:u-1001/{resource}&next={}", next.replace('=', "%3D"))).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let mut body = reply.json();
        pages.push(body[list].take());
        next = body["cursor"]["next"].as_str().unwrap_or_default().to_owned();
        assert_eq!(body["cursor"]["has_more"].as_bool().unwrap_or_default(), !next.is_empty());
        if next.is_empty() {
            return pages;
        }
    }
}

#[tokio::test]
async fn traits_by_class_include_and_verbose() {
    let api = with_ann(MockConfig::new(), ann());
    let traits = async |query: &str| {
        let reply = api.profile(&format!("user_id:u-1001/traits?{query}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()
    };
    let all =
        json!({"email": "ann@example.test", "plan": "pro", "vip": true, "total_spent": 12.5, "big_spenders": false});
    let end = json!({"url": "", "has_more": false, "next": "", "limit": 10});
    assert_eq!(traits("").await, json!({"traits": all, "cursor": end}));
    assert_eq!(traits("class=audience").await["traits"], json!({"big_spenders": false}));
    assert_eq!(traits("class=computed_trait").await["traits"], json!({"total_spent": 12.5}));
    assert_eq!(traits("include=plan,nothing,vip").await["traits"], json!({"plan": "pro", "vip": true}));
    let verbose = traits("include=plan&verbose=true").await;
    let plan = verbose["traits"]["plan"].as_object().unwrap();
    assert_eq!((plan["value"].as_str(), plan.len()), (Some("pro"), 3));
    assert!(plan["source_id"].is_string() && plan["updated_at"].is_string());
}

#[tokio::test]
async fn traits_page_from_a_trait_name() {
    let api = with_ann(MockConfig::new(), ann());
    let pages = pages(&api, "traits?limit=2", "traits").await;
    let expected = [
        json!({"email": "ann@example.test", "plan": "pro"}),
        json!({"vip": true, "total_spent": 12.5}),
        json!({"big_spenders": false}),
    ];
    assert_eq!(pages, expected);
}

#[tokio::test]
async fn limits_have_maxima_and_defaults() {
    let api = with_ann(MockConfig::new(), ann());
    for (resource, max) in [("traits", 200), ("external_ids", 25), ("events", 100), ("links", 20)] {
        let at = async |limit: &str| api.profile(&format!("user_id:u-1001/{resource}?limit={limit}")).await;
        assert_eq!(at(&max.to_string()).await.status, 200);
        for bad in [(max + 1).to_string(), "0".into(), "ten".into(), "-1".into()] {
            let reply = at(&bad).await;
            assert_eq!((reply.status, &reply.json()["error"]["code"]), (400, &json!("validation_error")), "{bad}");
        }
    }
    let pages = PageDefaults::default().traits(1).external_ids(2);
    let api = with_ann(MockConfig::new().cap_limits(true).pages(pages), ann());
    let capped = api.profile("user_id:u-1001/traits?limit=999").await.json();
    assert_eq!(capped["cursor"]["limit"], 200);
    let one = api.profile("user_id:u-1001/traits").await.json();
    assert_eq!(one["traits"].as_object().unwrap().len(), 1);
    let two = api.profile("user_id:u-1001/external_ids").await.json();
    assert_eq!(two["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_cursor_url_has_all_the_printed_forms() {
    let path = "/v1/spaces/spa_mock/collections/users/profiles";
    let query = "%3Acollection=users&%3Aid=user_id%3Au-1001&%3Anamespace=spa_mock&next=plan";
    let absolute = format!("{path}/user_id:u-1001/traits?{query}");
    let relative = format!("{path}/use_ann/traits");
    for (form, first, last) in [
        (CursorUrl::Absolute, None, ""),
        (CursorUrl::AbsoluteOn("http://127.0.0.1:9".into()), Some(format!("http://127.0.0.1:9{absolute}")), ""),
        (CursorUrl::Relative, Some(relative.clone()), relative.as_str()),
        (CursorUrl::Empty, Some(String::new()), ""),
    ] {
        let api = with_ann(MockConfig::new().cursor_url(form), ann());
        let url = async |query: &str| {
            api.profile(&format!("user_id:u-1001/traits?{query}")).await.json()["cursor"]["url"].clone()
        };
        let first = first.unwrap_or_else(|| format!("{}{absolute}", api.mock.url()));
        assert_eq!(url("limit=1").await, json!(first));
        assert_eq!(url("limit=200").await, json!(last));
    }
}

#[tokio::test]
async fn the_absolute_url_leads_to_the_next_page() {
    let api = with_ann(MockConfig::new(), ann());
    let first = api.profile("user_id:u-1001/traits?limit=2").await.json();
    let url = first["cursor"]["url"].as_str().unwrap().replace(&api.mock.url(), "");
    let request = api.request(reqwest::Method::GET, &url).basic_auth("mock-space-secret", Some(""));
    assert_eq!(Api::send(request).await.json()["traits"].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn external_ids_are_lower_case_and_newest_first() {
    let api = with_ann(MockConfig::new(), ann());
    let pages = pages(&api, "external_ids?limit=2", "data").await;
    let all: Vec<&Value> = pages.iter().flat_map(|page| page.as_array().unwrap()).collect();
    let ids: Vec<&str> = all.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["anon-1", "ann@example.test", "u-1001"]);
    let mut first = all[1].clone();
    assert!(first["created_at"].take().as_str().unwrap().ends_with('Z'));
    let expected = json!({
        "source_id": "sRc1Web0001", "collection": "users", "id": "ann@example.test", "type": "email",
        "created_at": null, "encoding": "none",
    });
    assert_eq!(first, expected);
    let next = api.profile("user_id:u-1001/external_ids?limit=1").await.json();
    assert!(next["cursor"]["next"].as_str().unwrap().starts_with("map_"));
    let some = api.profile("user_id:u-1001/external_ids?include=user_id,email").await.json();
    assert_eq!(some["data"].as_array().unwrap().len(), 2);
    let unknown = api.profile("user_id:u-1001/external_ids?next=map_nothing").await;
    assert_eq!(unknown.status, 400);
}

fn eventful() -> Profile {
    let track = |name: &str, ago: Duration| Event::track(name).ago(ago).message_id(format!("m-{name}"));
    ann()
        .event(track("Order Completed", HOUR).properties(json!({"total": 12.5})).external_id("user_id", "U-1001"))
        .event(Event::page("Home").ago(HOUR * 2).message_id("m-home"))
        .event(Event::identify(json!({"plan": "pro"})).ago(HOUR * 3).message_id("m-identify"))
        .event(track("Signed Up", DAY * 14))
        .event(track("Too Old", DAY * 14 + Duration::from_secs(1)))
}

async fn names(api: &Api, query: &str) -> Vec<String> {
    let reply = api.profile(&format!("user_id:u-1001/events?{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = reply.json();
    let events = body["data"].as_array().into_iter().flatten();
    events.map(|event| event["event"].as_str().unwrap_or("-").to_owned()).collect()
}

#[tokio::test]
async fn events_have_a_window_filters_and_an_order() {
    let api = with_ann(MockConfig::new(), eventful());
    for (query, expected) in [
        ("limit=100", vec!["Order Completed", "Home", "-", "Signed Up"]),
        ("sort=asc", vec!["Signed Up", "-", "Home", "Order Completed"]),
        ("include=Home,Signed%20Up", vec!["Home", "Signed Up"]),
        ("exclude=Home", vec!["Order Completed", "-", "Signed Up"]),
        ("start=2026-08-02", vec!["Order Completed", "Home", "-"]),
        ("start=2026-08-02T06:15:30.123456Z", vec!["Order Completed"]),
        ("end=2026-08-02T00:00:00", vec!["Signed Up"]),
        ("end=2026-08-02T08:15:30%2B02:00", vec!["-", "Signed Up"]),
    ] {
        assert_eq!(names(&api, query).await, expected, "{query}");
    }
    for bad in ["start=yesterday", "sort=up", "end=2026-13-01"] {
        assert_eq!(api.profile(&format!("user_id:u-1001/events?{bad}")).await.status, 400, "{bad}");
    }
    api.mock.advance(Duration::from_secs(1));
    assert_eq!(names(&api, "").await.len(), 3, "the window moves with the clock");
}

#[tokio::test]
async fn events_look_like_the_samples() {
    let api = with_ann(MockConfig::new(), eventful());
    let body = api.profile("user_id:u-1001/events?limit=1").await.json();
    let expected = json!({
        "external_ids": [{"collection": "users", "type": "user_id", "id": "U-1001", "encoding": "none"}],
        "context": {"ip": "192.0.2.7"}, "type": "track", "event": "Order Completed",
        "message_id": "m-Order Completed", "source_id": "sRc1Web0001", "timestamp": "2026-08-02T07:15:30.123Z",
        "properties": {"total": 12.5}, "related": {"users": "use_ann"},
    });
    assert_eq!(body["data"], json!([expected]));
    let pages = pages(&api, "events?limit=3", "data").await;
    assert_eq!(pages.iter().map(|page| page.as_array().unwrap().len()).collect::<Vec<_>>(), [3, 1]);
    let identify = &pages[0][2];
    assert_eq!((&identify["type"], &identify["traits"]), (&json!("identify"), &json!({"plan": "pro"})));
    assert!(identify.get("event").is_none() && identify.get("properties").is_none());
    assert_eq!(identify["external_ids"].as_array().unwrap().len(), 3, "without own ids the profile's are shown");
}

#[tokio::test]
async fn no_events_are_null() {
    let api = with_ann(MockConfig::new(), ann());
    let body = api.profile("user_id:u-1001/events").await.json();
    assert_eq!(body, json!({"data": null, "cursor": {"url": "", "has_more": false, "next": ""}}));
}

#[tokio::test]
async fn metadata_has_a_segment_id_on_top() {
    let created = "2024-01-05T10:00:00.123Z".parse().unwrap();
    let api = with_ann(MockConfig::new(), eventful().created_at(created));
    let body = api.profile("email:ann@example.test/metadata?verbose=true").await.json();
    let metadata = json!({
        "created_at": "2024-01-05T10:00:00.123Z", "updated_at": "2026-08-02T07:15:30.123Z", "expires_at": null,
        "first_message_id": "m-Too Old", "first_source_id": "sRc1Web0001",
        "last_message_id": "m-Order Completed", "last_source_id": "sRc1Web0001",
    });
    assert_eq!(body, json!({"segment_id": "use_ann", "metadata": metadata}));
}

#[tokio::test]
async fn links_have_a_cursor_only_with_more_pages() {
    let profile = (0..3).fold(ann(), |profile, index| profile.link(Link::account(format!("g-{index}"))));
    let api = with_ann(MockConfig::new(), profile);
    api.mock.add_profile(Profile::account("use_g0").external_id("group_id", "G-0").trait_("industry", "retail"));
    let body = api.profile("user_id:u-1001/links").await.json();
    assert_eq!(body["data"].as_array().unwrap().len(), 3);
    assert!(body.get("cursor").is_none());
    let link = &body["data"][0];
    assert_eq!((&link["to_collection"], &link["external_ids"][0]["id"]), (&json!("accounts"), &json!("g-0")));
    let pages = pages(&api, "links?limit=2", "data").await;
    assert_eq!(pages.iter().map(|page| page.as_array().unwrap().len()).collect::<Vec<_>>(), [2, 1]);
    let path = "/v1/spaces/spa_mock/collections/accounts/profiles/group_id:g-0/traits";
    let request = api.request(reqwest::Method::GET, path).basic_auth("mock-space-secret", Some(""));
    assert_eq!(Api::send(request).await.json()["traits"], json!({"industry": "retail"}));
    assert_eq!(api.mock.profiles(), 1, "accounts are not people");
}

#[tokio::test]
async fn an_external_id_belongs_to_the_newest_profile() {
    let api = with_ann(MockConfig::new(), ann());
    api.mock.add_profile(Profile::new("use_other").external_id("email", "ann@example.test"));
    let body = api.profile("email:ann@example.test/metadata").await.json();
    assert_eq!(body["segment_id"], "use_other");
    assert!(api.mock.profile_exists("user_id", "u-1001"));
}
