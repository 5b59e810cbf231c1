//! P0 to P3: the token, the rules of create bodies, and the limits.

use reqwest::Method;
use segment_mock::{MockConfig, Permission};
use serde_json::{Value, json};

use crate::support::{Api, DAY, SOURCE, failures, fields, regulation};

#[tokio::test]
async fn only_the_public_token_opens_it() {
    let api = Api::plain();
    let refused = json!({"errors": [{"type": "unauthorized", "message": "Unauthorized"}]});
    let request = || api.request(Method::GET, "/");
    for request in [
        request(),
        request().bearer_auth("other"),
        request().bearer_auth("mock-space-secret"),
        request().basic_auth("mock-public-token", Some("")),
    ] {
        let reply = Api::send(request).await;
        assert_eq!((reply.status, reply.json()), (401, refused.clone()));
    }
    let workspace = api.get("/").await.json();
    let expected = json!({"id": "7hT2mQx9LpVbN4cRk8sWzA", "slug": "acme", "name": "Acme"});
    assert_eq!(workspace["data"]["workspace"], expected);
}

#[tokio::test]
async fn missing_permission_is_401_or_403_but_the_workspace_is_readable() {
    for (permission, status) in [(Permission::DeniedWith401, 401), (Permission::DeniedWith403, 403)] {
        let api = Api::new(MockConfig::new().permission(permission));
        assert_eq!(api.get("/").await.status, 200);
        assert_eq!(api.get("/suppressions").await.status, status);
        let reply = api.post("/regulations", &regulation("DELETE_ONLY", &["u"])).await;
        assert_eq!(reply.status, status);
        assert!(api.mock.regulations().is_empty());
    }
}

#[tokio::test]
async fn creates_and_remembers() {
    let api = Api::plain();
    let reply = api.post("/regulations", &regulation("SUPPRESS_WITH_DELETE", &["U-1", "u-2"])).await;
    assert_eq!(reply.status, 200);
    let id = reply.json()["data"]["regulateId"].as_str().unwrap().to_owned();
    assert!(id.len() == 27 && id.chars().all(|one| one.is_ascii_alphanumeric()), "{id}");
    let stored = &api.mock.regulations()[0];
    assert_eq!((&stored.id, stored.subjects.as_slice()), (&id, ["U-1".to_owned(), "u-2".to_owned()].as_slice()));
    assert_eq!(stored.regulation_type, "SUPPRESS_WITH_DELETE");
    // No idempotency: the same body makes another.
    assert_ne!(api.regulate("SUPPRESS_WITH_DELETE", &["U-1", "u-2"]).await, id);
}

#[tokio::test]
async fn a_422_lists_every_failure_and_quotes_the_field() {
    let api = Api::plain();
    let reply = api.post("/regulations", &json!({"subjectType": 7})).await;
    let expected = [
        ("regulationType", "\"regulationType\" is required"),
        ("subjectType", "\"subjectType\" must be a string"),
        ("subjectIds", "\"subjectIds\" is required"),
    ];
    assert_eq!(failures(&reply), expected.map(|(field, message)| (field.to_owned(), message.to_owned())));
    assert_eq!(reply.json()["errors"][0]["type"], "input-validation");
    let long: Vec<String> = (0..5_001).map(|index| format!("u-{index}")).collect();
    for (subjects, field) in [
        (json!([]), "subjectIds"),
        (json!("u-1"), "subjectIds"),
        (json!(["u-1", ""]), "subjectIds[1]"),
        (json!(["u-1", "u-2", 3]), "subjectIds[2]"),
        (json!(long), "subjectIds"),
    ] {
        let body = json!({"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": subjects});
        assert_eq!(fields(&api.post("/regulations", &body).await), [field]);
    }
    assert!(api.mock.regulations().is_empty());
    let most: Vec<&str> = long.iter().skip(1).map(String::as_str).collect();
    api.regulate("DELETE_ONLY", &most).await;
}

/// One create body per row: path, type, subject type, and the fields of the 422 (none: accepted).
#[tokio::test]
async fn types_and_subjects_depend_on_the_endpoint() {
    let api = Api::plain();
    let (source, cloud) = (format!("/regulations/sources/{SOURCE}"), format!("/regulations/cloudsources/{SOURCE}"));
    let workspace = "/regulations".to_owned();
    let rows: [(&str, &str, &str, &[&str]); 16] = [
        (&workspace, "DELETE_INTERNAL", "USER_ID", &[]),
        (&workspace, "SUPPRESS_WITH_DELETE_INTERNAL", "USER_ID", &[]),
        (&workspace, "UNSUPPRESS", "USER_ID", &[]),
        (&workspace, "DELETE_ONLY", "OBJECT_ID", &[]),
        (&workspace, "DELETE_ARCHIVE_ONLY", "USER_ID", &["regulationType"]),
        (&workspace, "BULK_DELETE_ONLY", "USER_ID", &["regulationType"]),
        (&workspace, "Suppress_With_Delete", "USER_ID", &["regulationType"]),
        (&workspace, "DELETE_ONLY", "userId", &["subjectType"]),
        (&workspace, "DELETE_ONLY", "ANONYMOUS_ID", &["subjectType", "subjectType"]),
        (&source, "SUPPRESS_ONLY", "USER_ID", &[]),
        (&source, "DELETE_ARCHIVE_ONLY", "ANONYMOUS_ID", &[]),
        (&source, "DELETE_ONLY", "ANONYMOUS_ID", &["subjectType"]),
        (&source, "DELETE_ONLY", "OBJECT_ID", &["subjectType"]),
        (&cloud, "DELETE_ONLY", "OBJECT_ID", &[]),
        (&cloud, "DELETE_ARCHIVE_ONLY", "OBJECT_ID", &["regulationType"]),
        (&cloud, "DELETE_ONLY", "USER_ID", &["subjectType"]),
    ];
    for (path, kind, subject_type, expected) in rows {
        let body = json!({
            "regulationType": kind, "subjectType": subject_type, "subjectIds": ["x"], "collection": "contacts",
        });
        let reply = api.post(path, &body).await;
        let refused = if expected.is_empty() { Vec::new() } else { fields(&reply) };
        assert_eq!((reply.status == 200, refused.as_slice()), (expected.is_empty(), &*refused), "{}", reply.body);
        assert_eq!(refused, expected, "{path} {kind} {subject_type}");
    }
    let no_collection = json!({"regulationType": "DELETE_ONLY", "subjectType": "OBJECT_ID", "subjectIds": ["x"]});
    assert_eq!(fields(&api.post(&cloud, &no_collection).await), ["collection"]);
    let stored = api.mock.regulations();
    let last = stored.last().unwrap();
    assert_eq!((last.source_id.as_deref(), last.collection.as_deref()), (Some(SOURCE), Some("contacts")));
}

#[tokio::test]
async fn unknown_sources_and_slugs_are_404_and_ids_have_a_length() {
    let api = Api::new(MockConfig::new().source("another", "another-slug"));
    let body = regulation("SUPPRESS_ONLY", &["u"]);
    assert_eq!(api.post("/regulations/sources/another", &body).await.status, 200);
    assert_eq!(api.post("/regulations/sources/my-slug", &body).await.status, 404);
    assert_eq!(api.get("/regulations/sources/my-slug").await.status, 404);
    let long = "x".repeat(256);
    assert_eq!(fields(&api.get(&format!("/regulations/{long}")).await), ["regulateId"]);
    assert_eq!(fields(&api.get(&format!("/regulations/sources/{long}")).await), ["sourceId"]);
    assert_eq!(api.get(&format!("/regulations/{}", &long[1..])).await.status, 404);
}

#[tokio::test]
async fn media_types_are_checked_and_mirrored() {
    let api = Api::plain();
    let body = regulation("SUPPRESS_ONLY", &["u"]).to_string();
    let request =
        |media: &str| api.public_request(Method::POST, "/regulations").header("content-type", media).body(body.clone());
    for media in [
        "application/json; charset=utf-8",
        "application/vnd.segment.v1+json",
        "application/vnd.segment.v1beta+json",
        "application/vnd.segment.v1alpha+json",
        "application/vnd.segment.stable+json",
    ] {
        assert_eq!(Api::send(request(media)).await.status, 200, "{media}");
    }
    for media in ["text/plain", "application/x-www-form-urlencoded"] {
        assert_eq!(fields(&Api::send(request(media)).await), ["content-type"]);
    }
    let accept = "application/vnd.segment.v1+json, application/json";
    let reply = Api::send(request("application/json").header("accept", accept)).await;
    assert_eq!(reply.header("content-type"), Some("application/vnd.segment.v1+json"));
    let broken = api.public_request(Method::POST, "/regulations").header("content-type", "application/json");
    assert_eq!(fields(&Api::send(broken.body("{")).await)[0], "body");
}

#[tokio::test]
async fn over_4_mb_is_413() {
    let api = Api::plain();
    let big = "x".repeat(1024 * 1024);
    let body = |count: usize| regulation("DELETE_ONLY", &vec![big.as_str(); count]);
    let reply = api.post("/regulations", &body(4)).await;
    assert_eq!((reply.status, reply.json()["errors"][0]["message"].as_str()), (413, Some("Payload too large")));
    assert_eq!(api.post("/regulations", &body(3)).await.status, 200);
}

#[tokio::test]
async fn the_quota_counts_subjects_per_category_and_month() {
    let api = Api::new(MockConfig::new().monthly_quota(3));
    let quota = |reply: &crate::support::Reply| {
        let header = |name: &str| reply.header(&format!("x-ratelimit-{name}")).unwrap_or_default().to_owned();
        (reply.status, header("consumed"), header("remaining"), header("reset"))
    };
    let state = |status, consumed: &str, remaining: &str, reset: &str| {
        (status, consumed.to_owned(), remaining.to_owned(), reset.to_owned())
    };
    let august = "Mon, 31 Aug 2026 23:59:59 GMT";
    let reply = api.post("/regulations", &regulation("DELETE_ONLY", &["a", "b"])).await;
    assert_eq!(quota(&reply), state(200, "2", "1", august));
    let reply = api.post("/regulations", &regulation("SUPPRESS_WITH_DELETE", &["a", "b"])).await;
    assert_eq!(quota(&reply), state(429, "2", "0", august));
    // What stays in Segment has its own quota.
    let reply = api.post("/regulations", &regulation("DELETE_INTERNAL", &["a", "b", "c"])).await;
    assert_eq!(quota(&reply), state(200, "3", "0", august));
    let reply = api.post("/regulations", &regulation("UNSUPPRESS", &["a"])).await;
    assert_eq!(reply.status, 429);
    api.mock.advance(DAY * 30);
    let reply = api.post("/regulations", &regulation("SUPPRESS_WITH_DELETE", &["a", "b"])).await;
    assert_eq!(quota(&reply), state(200, "2", "1", "Wed, 30 Sep 2026 23:59:59 GMT"));
}

#[tokio::test]
async fn posts_per_minute_are_limited_on_demand() {
    let api = Api::new(MockConfig::new().posts_per_minute(Some(2)));
    api.regulate("DELETE_ONLY", &["a"]).await;
    api.regulate("DELETE_ONLY", &["a"]).await;
    let reply = api.post("/regulations", &regulation("DELETE_ONLY", &["a"])).await;
    assert_eq!(reply.status, 429);
    let seconds: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    let data: Value = reply.json()["errors"][0]["data"].clone();
    assert!((1..=60).contains(&seconds) && data["msBeforeNext"].as_u64().unwrap() <= 60_000);
    assert_eq!(data["consumedPoints"], 3);
    assert_eq!(api.get("/regulations").await.status, 200);
}
