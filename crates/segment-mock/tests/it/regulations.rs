//! The life of a regulation: P4, P8 and what it does to profiles.

use std::time::Duration;

use segment_mock::{DestinationStatus, MockConfig, Outcome, Profile, Which};
use serde_json::json;

use crate::support::{Api, DAY, HOUR, SOURCE, fields, regulation};

fn person(user_id: &str) -> Profile {
    Profile::new(format!("use_{user_id}")).external_id("user_id", user_id)
}

#[tokio::test]
async fn time_takes_it_through_its_statuses() {
    let api = Api::plain();
    let id = api.regulate("DELETE_ONLY", &["u-1"]).await;
    let mut seen = vec![api.status(&id).await];
    for step in [HOUR, Duration::from_secs(71 * 3_600 - 1), Duration::from_secs(1)] {
        api.mock.advance(step);
        seen.push(api.status(&id).await);
    }
    assert_eq!(seen, ["INITIALIZED", "RUNNING", "RUNNING", "FINISHED"]);
    let body = api.get(&format!("/regulations/{id}")).await.json();
    let expected = json!({
        "id": id, "workspaceId": "7hT2mQx9LpVbN4cRk8sWzA", "overallStatus": "FINISHED",
        "createdAt": "2026-08-02T08:15:30.123456Z", "finishedAt": "2026-08-05T08:15:30.123456Z", "streamStatus": [],
    });
    assert_eq!(body, json!({"data": {"regulation": expected}}));
}

#[tokio::test]
async fn the_timing_is_configurable() {
    let config = MockConfig::new().running_after(Duration::ZERO).finished_after(HOUR);
    let api = Api::new(config);
    let id = api.regulate("DELETE_ONLY", &["u-1"]).await;
    assert_eq!(api.status(&id).await, "RUNNING");
    api.mock.advance(HOUR);
    assert_eq!(api.status(&id).await, "FINISHED");
}

/// One row per type and outcome: whether the profile is gone at the end.
#[tokio::test]
async fn finished_and_failed_deletions_drop_the_profile() {
    let rows: [(&str, Outcome, bool); 12] = [
        ("DELETE_ONLY", Outcome::finished(), true),
        ("DELETE_INTERNAL", Outcome::finished(), true),
        ("SUPPRESS_WITH_DELETE", Outcome::failed(), true),
        ("SUPPRESS_WITH_DELETE_INTERNAL", Outcome::finished(), true),
        ("SUPPRESS_ONLY", Outcome::finished(), false),
        ("UNSUPPRESS", Outcome::finished(), false),
        ("DELETE_ONLY", Outcome::partial_success(), false),
        ("DELETE_ONLY", Outcome::invalid(), false),
        ("DELETE_ONLY", Outcome::not_supported(), false),
        ("DELETE_ONLY", Outcome::status("PAUSED"), false),
        ("DELETE_ONLY", Outcome::finished().keeps_profiles(), false),
        ("DELETE_ONLY", Outcome::partial_success().erases_profiles(), true),
    ];
    for (kind, outcome, gone) in rows {
        let api = Api::plain();
        api.mock.add_profile(person("U-1").external_id("email", "ann@example.test"));
        api.mock.add_profile(person("u-2"));
        let label = format!("{kind} {outcome:?}");
        api.mock.set_outcome(Which::Next, outcome);
        // The spelling differs from the stored, lower-cased one.
        let id = api.regulate(kind, &["U-1"]).await;
        api.mock.advance(Duration::from_secs(3 * 86_400 - 1));
        assert!(api.mock.profile_exists("user_id", "u-1"), "{label}: not before the end");
        api.mock.advance(Duration::from_secs(1));
        assert_eq!(api.profile("email:ann@example.test/metadata").await.status == 404, gone, "{label}");
        assert_eq!(api.mock.profiles(), if gone { 1 } else { 2 });
        assert!(!matches!(api.status(&id).await.as_str(), "RUNNING" | "INITIALIZED"));
    }
}

#[tokio::test]
async fn archives_and_objects_are_no_profiles() {
    let api = Api::plain();
    api.mock.add_profile(person("u-1"));
    let path = format!("/regulations/sources/{SOURCE}");
    api.post(&path, &regulation("DELETE_ARCHIVE_ONLY", &["u-1"])).await;
    let objects = json!({"regulationType": "DELETE_ONLY", "subjectType": "OBJECT_ID", "subjectIds": ["u-1"]});
    api.post("/regulations", &objects).await;
    api.mock.advance(DAY * 4);
    assert!(api.mock.profile_exists("user_id", "u-1"));
}

#[tokio::test]
async fn outcomes_are_scripted_for_next_id_subject_and_any() {
    let api = Api::plain();
    api.mock.set_outcome(Which::Subject("bad".into()), Outcome::invalid());
    api.mock.set_outcome(Which::Next, Outcome::failed());
    let next = api.regulate("DELETE_ONLY", &["a"]).await;
    let usual = api.regulate("DELETE_ONLY", &["b"]).await;
    let subject = api.regulate("DELETE_ONLY", &["c", "bad"]).await;
    let by_id = api.regulate("DELETE_ONLY", &["d"]).await;
    api.mock.set_outcome(Which::Id(by_id.clone()), Outcome::not_supported().finished_after(HOUR * 2));
    api.mock.advance(HOUR * 2);
    assert_eq!(api.status(&by_id).await, "NOT_SUPPORTED");
    assert_eq!(api.status(&usual).await, "RUNNING");
    api.mock.advance(DAY * 3);
    for (id, status) in [(&next, "FAILED"), (&usual, "FINISHED"), (&subject, "INVALID")] {
        assert_eq!(api.status(id).await, status);
    }
    api.mock.set_outcome(Which::Any, Outcome::status("BRAND_NEW"));
    assert_eq!(api.status(&usual).await, "FINISHED", "what has ended stays");
    let other = api.regulate("DELETE_ONLY", &["a"]).await;
    api.mock.advance(DAY * 3);
    assert_eq!(api.status(&other).await, "BRAND_NEW");
}

#[tokio::test]
async fn destinations_report_at_the_end() {
    let api = Api::plain();
    let outcome = Outcome::failed()
        .destination(DestinationStatus::new("Braze", "FINISHED"))
        .destination(DestinationStatus::new("Analytics", "NOT_SUPPORTED").id("d2").error("not supported"))
        .stream("other", vec![DestinationStatus::new("X", "FAILED").null_error().finished_at("2026-08-04")]);
    api.mock.set_outcome(Which::Next, outcome);
    let id = api.regulate("DELETE_ONLY", &["a"]).await;
    let streams =
        async || api.get(&format!("/regulations/{id}")).await.json()["data"]["regulation"]["streamStatus"].clone();
    assert_eq!(streams().await, json!([]));
    api.mock.advance(DAY * 3);
    let braze = json!({
        "name": "Braze", "id": "60f1a2b3c4d5e6f7a8b9c0d1", "status": "FINISHED", "errString": "",
        "finishedAt": "2026-08-05T08:15:30.123456Z",
    });
    let analytics = json!({
        "name": "Analytics", "id": "d2", "status": "NOT_SUPPORTED", "errString": "not supported", "finishedAt": "",
    });
    let other = json!({
        "name": "X", "id": "60f1a2b3c4d5e6f7a8b9c0d1", "status": "FAILED", "errString": null,
        "finishedAt": "2026-08-04",
    });
    let expected = json!([
        {"id": SOURCE, "destinationStatus": [braze, analytics]},
        {"id": "other", "destinationStatus": [other]},
    ]);
    assert_eq!(streams().await, expected);
}

#[tokio::test]
async fn a_forced_status_may_go_backwards() {
    let api = Api::plain();
    api.mock.add_profile(person("u-1"));
    let id = api.regulate("DELETE_ONLY", &["u-1"]).await;
    assert!(api.mock.force_status(&id, "FINISHED"));
    assert_eq!(api.status(&id).await, "FINISHED");
    assert!(!api.mock.profile_exists("user_id", "u-1"));
    api.mock.force_status(&id, "RUNNING");
    api.mock.advance(DAY * 10);
    assert_eq!(api.status(&id).await, "RUNNING");
    assert!(!api.mock.force_status("nobody", "RUNNING"));
}

#[tokio::test]
async fn after_90_days_it_is_gone() {
    let api = Api::plain();
    let id = api.regulate("DELETE_ONLY", &["u-1"]).await;
    api.mock.advance(Duration::from_secs(90 * 86_400 - 1));
    assert_eq!(api.status(&id).await, "FINISHED");
    api.mock.advance(Duration::from_secs(1));
    assert_eq!(api.get(&format!("/regulations/{id}")).await.status, 404);
    assert_eq!(api.get("/regulations").await.json()["data"]["regulations"], json!([]));
    assert!(!api.mock.regulations()[0].shown);
}

#[tokio::test]
async fn a_new_one_may_stay_invisible_for_a_while() {
    let api = Api::new(MockConfig::new().eventual(Duration::from_secs(30)));
    let id = api.regulate("SUPPRESS_ONLY", &["u-1"]).await;
    assert_eq!(api.get(&format!("/regulations/{id}")).await.status, 404);
    assert_eq!(api.get("/regulations").await.json()["data"]["pagination"]["totalEntries"], 0);
    api.mock.advance(Duration::from_secs(30));
    assert_eq!(api.status(&id).await, "INITIALIZED");
    assert_eq!(api.get("/regulations").await.json()["data"]["pagination"]["totalEntries"], 1);
}

#[tokio::test]
async fn delete_works_only_while_initialized() {
    let api = Api::plain();
    let first = api.regulate("SUPPRESS_WITH_DELETE", &["u-1"]).await;
    let path = format!("/regulations/{first}");
    let reply = api.delete(&path).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"data": {"status": "SUCCESS"}})));
    assert!(api.mock.regulations().is_empty() && api.mock.suppressed().is_empty());
    assert_eq!(api.delete(&path).await.status, 404);
    let second = api.regulate("DELETE_ONLY", &["u-1"]).await;
    api.mock.advance(HOUR);
    assert_eq!(fields(&api.delete(&format!("/regulations/{second}")).await), ["regulateId"]);
    assert_eq!(api.status(&second).await, "RUNNING");
}

#[tokio::test]
async fn withdrawing_one_leaves_the_others_at_work() {
    let api = Api::plain();
    api.mock.add_profile(person("u-2"));
    let first = api.regulate("DELETE_ONLY", &["u-1"]).await;
    let second = api.regulate("DELETE_ONLY", &["u-2"]).await;
    api.delete(&format!("/regulations/{first}")).await;
    api.mock.advance(DAY * 3);
    assert_eq!(api.status(&second).await, "FINISHED");
    assert_eq!(api.mock.profiles(), 0);
}

#[tokio::test]
async fn the_source_cannot_lift_what_the_workspace_suppresses() {
    let api = Api::plain();
    api.regulate("SUPPRESS_ONLY", &["u-1"]).await;
    let path = format!("/regulations/sources/{SOURCE}");
    let reply = api.post(&path, &regulation("UNSUPPRESS", &["u-1"])).await;
    assert_eq!(reply.status, 200);
    api.mock.advance(DAY * 3);
    let id = reply.json()["data"]["regulateId"].as_str().unwrap().to_owned();
    assert_eq!(api.status(&id).await, "FAILED");
    assert_eq!(api.mock.suppressed(), ["u-1"]);
}
