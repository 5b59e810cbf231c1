//! Faults that change a true answer: what lenient clients must survive.

use segment_mock::{DestinationStatus, Endpoint, Event, Fault, FaultRule, Outcome, Profile, Which};
use serde_json::{Value, json};

use crate::support::{Api, DAY};

async fn api() -> Api {
    let api = Api::plain();
    let profile = Profile::new("use_1").external_id("user_id", "u-1").external_id("email", "a@example.test");
    let profile = profile.trait_("plan", "pro").trait_("status", "gold");
    api.mock.add_profile(profile.event(Event::track("x").properties(json!({"status": "paid"}))));
    let destination = DestinationStatus::new("Braze", "FINISHED");
    api.mock.set_outcome(Which::Next, Outcome::failed().destination(destination));
    api.regulate("SUPPRESS_ONLY", &["u-1"]).await;
    api.regulate("SUPPRESS_ONLY", &["u-2"]).await;
    api.mock.advance(DAY * 3);
    api
}

async fn list(api: &Api, query: &str) -> Value {
    api.get(&format!("/regulations?{query}")).await.json()
}

#[tokio::test]
async fn data_may_be_null_or_missing() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::null_data()).times(2));
    assert_eq!(list(&api, "").await, json!({"data": null}));
    let traits = api.profile("use_1/traits").await.json();
    assert!(traits["traits"].is_null() && traits.get("traits").is_some() && traits.get("data").is_none());
    api.mock.fault(FaultRule::new(Fault::missing_data()).times(2));
    assert_eq!(list(&api, "").await, json!({}));
    let ids = api.profile("use_1/external_ids").await.json();
    assert!(ids.get("data").is_none() && ids["cursor"].is_object());
}

#[tokio::test]
async fn the_cursor_may_be_missing() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::missing_cursor()).times(2));
    let body = list(&api, "pagination.count=1").await;
    assert!(body["data"].get("pagination").is_none() && body["data"]["regulations"].is_array());
    let body = api.profile("use_1/traits?limit=1").await.json();
    assert!(body.get("cursor").is_none() && body.get("data").is_none() && body["traits"].is_object());
}

#[tokio::test]
async fn the_cursor_may_repeat_for_ever() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::repeated_cursor()).always());
    for query in ["pagination.count=1", "pagination.count=1&pagination.cursor=YWdhaW4%3D"] {
        let body = list(&api, query).await;
        assert_eq!(body["data"]["pagination"]["next"], "YWdhaW4=");
        assert_eq!(body["data"]["regulations"].as_array().unwrap().len(), 1);
    }
    for query in ["limit=1", "limit=1&next=again"] {
        let body = api.profile(&format!("use_1/traits?{query}")).await.json();
        assert_eq!((&body["cursor"]["next"], &body["cursor"]["has_more"]), (&json!("again"), &json!(true)));
        assert_eq!(body["traits"], json!({"plan": "pro"}));
    }
}

#[tokio::test]
async fn the_cursor_may_never_end() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::endless_cursor()).always());
    let mut seen = Vec::new();
    for _ in 0..3 {
        let next = seen.last().cloned().unwrap_or_default();
        let body = api.profile(&format!("use_1/external_ids?next={next}")).await.json();
        assert_eq!(body["data"].as_array().unwrap().len(), 2);
        seen.push(body["cursor"]["next"].as_str().unwrap().to_owned());
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

#[tokio::test]
async fn optional_fields_may_be_missing() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::missing_optional_fields()).always());
    let body = list(&api, "pagination.count=1").await;
    let entry = body["data"]["regulations"][0].as_object().unwrap();
    let mut keys: Vec<&str> = entry.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["createdAt", "id", "status", "subjectType", "subjects"]);
    assert_eq!(body["data"]["pagination"], json!({"current": "MA==", "next": "MQ=="}), "a real next stays");
    let id = api.mock.regulations()[0].id.clone();
    let body = api.get(&format!("/regulations/{id}")).await.json();
    let regulation = &body["data"]["regulation"];
    assert!(regulation.get("finishedAt").is_none());
    let destination = &regulation["streamStatus"][0]["destinationStatus"][0];
    assert_eq!(*destination, json!({"name": "Braze", "id": "60f1a2b3c4d5e6f7a8b9c0d1", "status": "FINISHED"}));
    let metadata = api.profile("use_1/metadata").await.json();
    assert!(metadata.get("segment_id").is_none() && metadata["metadata"].get("expires_at").is_none());
}

#[tokio::test]
async fn unknown_fields_may_appear_but_not_among_peoples_data() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::extra_fields()).always());
    let body = list(&api, "").await;
    for object in [&body, &body["data"], &body["data"]["regulations"][0], &body["data"]["pagination"]] {
        assert!(object["x_mock_extra"].is_object());
    }
    let traits = api.profile("use_1/traits").await.json();
    assert_eq!(traits["traits"], json!({"plan": "pro", "status": "gold"}));
    assert!(traits["x_mock_extra"].is_object() && traits["cursor"]["x_mock_extra"].is_object());
    let events = api.profile("use_1/events").await.json();
    assert_eq!(events["data"][0]["properties"], json!({"status": "paid"}));
}

#[tokio::test]
async fn enums_may_be_unknown() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::unknown_enums()).always());
    let body = list(&api, "").await;
    let entry = &body["data"]["regulations"][0];
    for key in ["status", "regulationType", "subjectType"] {
        assert_eq!(entry[key], "BRAND_NEW");
    }
    let id = api.mock.regulations()[0].id.clone();
    let body = api.get(&format!("/regulations/{id}")).await.json();
    let regulation = &body["data"]["regulation"];
    assert_eq!(regulation["overallStatus"], "BRAND_NEW");
    assert_eq!(regulation["streamStatus"][0]["destinationStatus"][0]["status"], "BRAND_NEW");
    let traits = api.profile("use_1/traits").await.json();
    assert_eq!(traits["traits"]["status"], "gold");
}

#[tokio::test]
async fn entries_may_lack_their_subjects() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::entries_without_subjects()).on(Endpoint::ListRegulations));
    api.mock.fault(FaultRule::new(Fault::entries_without_subjects()).on(Endpoint::ListSuppressions));
    let entry = list(&api, "").await["data"]["regulations"][0].clone();
    assert!(entry.get("subjects").is_none() && entry["id"].is_string());
    let suppressed = api.get("/suppressions").await.json()["data"]["suppressed"][0].clone();
    assert_eq!(suppressed, json!({"subjectType": "userId"}));
}

#[tokio::test]
async fn errors_are_left_as_they_are() {
    let api = api().await;
    api.mock.fault(FaultRule::new(Fault::extra_fields()));
    let reply = api.get("/regulations/nobody").await;
    assert_eq!(reply.json(), json!({"errors": [{"type": "NotFound", "message": "Resource not found"}]}));
}
