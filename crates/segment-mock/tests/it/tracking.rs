//! Identify, alone and in a batch.

use reqwest::Method;
use segment_mock::Profile;
use serde_json::{Map, Value, json};

use crate::support::{Api, DAY, SOURCE, regulation};

async fn traits(api: &Api, user_id: &str) -> Value {
    api.profile(&format!("user_id:{user_id}/traits?limit=200")).await.json()["traits"].clone()
}

fn api() -> Api {
    let api = Api::plain();
    let profile = Profile::new("use_1").external_id("user_id", "u-1").external_id("email", "ann@example.test");
    let profile = profile.trait_("email", "ann@example.test").trait_("phone", "+15550001").trait_("plan", "pro");
    api.mock.add_profile(profile.computed_trait("total", 5).audience("vip", true));
    api
}

#[tokio::test]
async fn null_removes_custom_traits_only() {
    let api = api();
    let cleared = json!({"email": null, "phone": null, "plan": "", "total": null, "vip": null, "new": 1});
    let body = json!({"userId": "U-1", "messageId": "mask-1", "traits": cleared});
    let reply = api.track("/v1/identify", &body).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"success": true})));
    // An empty string overwrites; computed traits and audiences come back.
    assert_eq!(traits(&api, "u-1").await, json!({"plan": "", "total": 5, "vip": true, "new": 1}));
    assert!(api.mock.profile_exists("email", "ann@example.test"), "identifiers stay");
    assert_eq!(api.mock.profiles(), 1);
}

#[tokio::test]
async fn identify_makes_profiles_and_shows_the_raw_spelling_in_events() {
    let api = api();
    let body = json!({"userId": "New-User", "anonymousId": "anon-9", "traits": {"email": "New@example.test"}});
    api.track("/v1/identify", &body).await;
    assert_eq!(api.mock.profiles(), 2);
    for id in ["user_id:new-user", "anonymous_id:anon-9", "email:new@example.test"] {
        assert_eq!(api.profile(&format!("{id}/metadata")).await.status, 200, "{id}");
    }
    let events = api.profile("user_id:new-user/events").await.json();
    assert_eq!(events["data"][0]["external_ids"][0]["id"], "New-User");
    assert_eq!(events["data"][0]["traits"], json!({"email": "New@example.test"}));
}

#[tokio::test]
async fn suppressed_users_are_dropped_with_a_200() {
    let api = api();
    let identify = |user: &str, value: u32| json!({"userId": user, "traits": {"seen": value}});
    api.regulate("SUPPRESS_ONLY", &["u-1"]).await;
    let reply = api.track("/v1/identify", &identify("u-1", 1)).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"success": true})));
    assert!(traits(&api, "u-1").await.get("seen").is_none());
    api.regulate("UNSUPPRESS", &["u-1"]).await;
    api.track("/v1/identify", &identify("u-1", 2)).await;
    assert_eq!(traits(&api, "u-1").await["seen"], 2);
    let source = format!("/regulations/sources/{SOURCE}");
    api.post(&source, &regulation("SUPPRESS_ONLY", &["u-1"])).await;
    api.track("/v1/identify", &identify("u-1", 3)).await;
    assert_eq!(traits(&api, "u-1").await["seen"], 2);
    assert!(api.mock.suppressed().is_empty(), "the source's suppressions are its own");
}

#[tokio::test]
async fn data_after_a_deletion_make_a_new_profile() {
    let api = api();
    api.regulate("DELETE_ONLY", &["u-1"]).await;
    api.mock.advance(DAY * 3);
    api.track("/v1/identify", &json!({"userId": "u-1", "traits": {"seen": 1}})).await;
    assert_eq!(traits(&api, "u-1").await, json!({"seen": 1}));
}

#[tokio::test]
async fn a_wrong_key_is_answered_like_a_right_one() {
    let api = api();
    let send = async |user: Option<&str>, body: &Value| {
        let mut request = api.request(Method::POST, "/v1/identify").body(body.to_string());
        if let Some(user) = user {
            request = request.basic_auth(user, Some(""));
        }
        let reply = Api::send(request).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"success": true})));
    };
    let mut body = json!({"userId": "u-1", "traits": {"seen": 1}});
    send(Some("wrong"), &body).await;
    send(None, &body).await;
    assert!(traits(&api, "u-1").await.get("seen").is_none());
    body["writeKey"] = json!("mock-write-key");
    send(None, &body).await;
    assert_eq!(traits(&api, "u-1").await["seen"], 1);
}

#[tokio::test]
async fn size_and_json_are_the_only_400s() {
    let api = api();
    let big = |size: usize| json!({"userId": "u-1", "traits": {"big": "x".repeat(size)}});
    assert_eq!(api.track("/v1/identify", &big(33_000)).await.status, 400);
    assert_eq!(api.track("/v1/identify", &big(32_000)).await.status, 200);
    assert_eq!(api.track("/v1/identify", &json!("text")).await.status, 400);
    assert_eq!(api.track("/v1/identify", &json!({"traits": {"a": 1}})).await.status, 200);
    let many: Map<String, Value> = (0..300).map(|index| (format!("t{index}"), json!(1))).collect();
    assert_eq!(api.track("/v1/identify", &json!({"userId": "u-1", "traits": many})).await.status, 200);
    assert!(traits(&api, "u-1").await.get("t1").is_none(), "300 traits are rejected by Unify");
    assert_eq!(api.mock.profiles(), 1);
}

#[tokio::test]
async fn batches_identify_and_messages_count_once() {
    let api = api();
    let event =
        |id: &str, value: u32| json!({"type": "identify", "userId": "u-1", "messageId": id, "traits": {"seen": value}});
    let batch = |events: Vec<Value>| json!({"batch": events});
    let track = json!({"type": "track", "userId": "u-2", "event": "x"});
    assert_eq!(api.track("/v1/batch", &batch(vec![track, event("m-1", 1)])).await.status, 200);
    assert_eq!(traits(&api, "u-1").await["seen"], 1);
    api.track("/v1/identify", &event("m-1", 2)).await;
    api.track("/v1/identify", &event(&"m".repeat(101), 2)).await;
    assert_eq!(traits(&api, "u-1").await["seen"], 1, "repeated and overlong message ids are dropped");
    let many = (0..2_501).map(|_| json!({"type": "identify"})).collect();
    assert_eq!(api.track("/v1/batch", &batch(many)).await.status, 200);
    let big = json!({"type": "identify", "userId": "u-3", "traits": {"big": "x".repeat(33_000)}});
    assert_eq!(api.track("/v1/batch", &batch(vec![big])).await.status, 200);
    assert_eq!(api.track("/v1/batch", &json!({"x": "x".repeat(500 * 1024)})).await.status, 400);
    assert_eq!(api.mock.profiles(), 1);
}
