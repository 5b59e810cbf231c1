//! `/__mock/...`: control from other processes.

use reqwest::Method;
use serde_json::json;

use crate::support::Api;

#[tokio::test]
async fn time_moves_on_request() {
    let api = Api::plain();
    let id = api.regulate("DELETE_ONLY", &["a"]).await;
    let reply = api.control(Method::POST, "/__mock/advance", &json!({"seconds": 3600})).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"now": "2026-08-02T09:15:30.123456Z"})));
    assert_eq!(api.status(&id).await, "RUNNING");
    let wrong = api.control(Method::POST, "/__mock/advance", &json!({"minutes": 1})).await;
    assert!(wrong.status == 400 && wrong.json()["error"].as_str().unwrap().contains("minutes"));
}

#[tokio::test]
async fn regulations_are_listed_whatever_their_age() {
    let api = Api::plain();
    let id = api.regulate("DELETE_ONLY", &["U-1"]).await;
    api.control(Method::POST, "/__mock/advance", &json!({"seconds": 100 * 86_400})).await;
    let body = api.control(Method::GET, "/__mock/regulations", &json!(null)).await.json();
    let one = &body["regulations"][0];
    assert_eq!((&one["id"], &one["status"], &one["shown"]), (&json!(id), &json!("FINISHED"), &json!(false)));
    assert_eq!((&one["subjects"], &one["regulation_type"]), (&json!(["U-1"]), &json!("DELETE_ONLY")));
    assert_eq!(one["created_at"], "2026-08-02T08:15:30.123456Z");
}

#[tokio::test]
async fn requests_are_counted_per_endpoint_without_control() {
    let api = Api::plain();
    api.get("/").await;
    api.get("/").await;
    api.profile("user_id:u/traits").await;
    let body = api.control(Method::GET, "/__mock/requests", &json!(null)).await.json();
    assert_eq!(body, json!({"total": 3, "counts": {"workspace": 2, "profile_traits": 1}, "max_in_flight": 1}));
    assert_eq!(api.control(Method::GET, "/__mock/other", &json!(null)).await.status, 404);
    assert_eq!(api.mock.requests().len(), 3);
}

/// Every kind of the README's table, with the status it leads to (0: no answer).
#[tokio::test]
async fn faults_have_a_json_form() {
    let api = Api::plain();
    for (fault, status) in [
        (json!({"kind": "status", "status": 422, "message": "m", "field": "f"}), 422),
        (json!({"kind": "reply", "status": 418, "content_type": "text/plain", "body": "tea"}), 418),
        (json!({"kind": "rate_limit", "retry_after": 3}), 429),
        (json!({"kind": "rate_limit", "ms_before_next": 3}), 429),
        (json!({"kind": "rate_limit", "reset_in": 3}), 429),
        (json!({"kind": "rate_limit", "reset_at_month_end": true}), 429),
        (json!({"kind": "redirect", "status": 307, "location": "http://127.0.0.1:9/"}), 307),
        (json!({"kind": "truncated_json"}), 200),
        (json!({"kind": "short_body"}), 0),
        (json!({"kind": "cut"}), 0),
        (json!({"kind": "accept_then_cut"}), 0),
        (json!({"kind": "slow", "millis": 1}), 200),
        (json!({"kind": "rewrite", "rewrite": "without_id", "headers": [["x-more", "1"]]}), 200),
    ] {
        let rule = json!({"endpoint": "list_regulations", "method": "GET", "path_prefix": "/reg", "fault": fault});
        let reply = api.control(Method::POST, "/__mock/faults", &rule).await;
        assert_eq!((reply.status, reply.json()), (200, json!({"faults": 1})), "{fault}");
        let reply = Api::try_send(api.public_request(Method::GET, "/regulations")).await;
        assert_eq!(reply.as_ref().map_or(0, |reply| reply.status), status, "{fault}");
        if fault["headers"].is_array() {
            let reply = reply.unwrap();
            assert_eq!((reply.header("x-more"), reply.json()), (Some("1"), json!({"data": {}})));
        }
    }
    for rewrite in [
        "missing_data",
        "null_data",
        "missing_cursor",
        "repeated_cursor",
        "endless_cursor",
        "missing_optional",
        "extra_fields",
        "unknown_enums",
        "without_subjects",
    ] {
        let rule = json!({"fault": {"kind": "rewrite", "rewrite": rewrite}, "times": null, "nth": 2});
        assert_eq!(api.control(Method::POST, "/__mock/faults", &rule).await.status, 200, "{rewrite}");
    }
    assert_eq!(api.mock.faults_left(), 9);
    for wrong in [json!({"fault": {"kind": "flood"}}), json!({"fualt": {"kind": "cut"}}), json!({})] {
        assert_eq!(api.control(Method::POST, "/__mock/faults", &wrong).await.status, 400);
    }
}
