//! Every fault that replaces or spoils an answer, and for which requests it is meant.

use std::time::{Duration, Instant};

use reqwest::Method;
use segment_mock::{Endpoint, Fault, FaultRule, Profile};
use serde_json::json;

use crate::support::{Api, raw, regulation, until};

const GET_ROOT: &str = "GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer mock-public-token\r\n\r\n";

#[tokio::test]
async fn statuses_take_the_shape_of_the_api() {
    let api = Api::plain();
    for (fault, status, public, profile) in [
        (Fault::bad_request(), 400, "RequestError", "validation_error"),
        (Fault::unauthorized(), 401, "unauthorized", "authentication_error"),
        (Fault::forbidden(), 403, "forbidden", "forbidden"),
        (Fault::not_found(), 404, "NotFound", "not_found"),
        (Fault::too_large(), 413, "RequestError", "invalid_request_error"),
        (Fault::rate_limited(), 429, "RequestError", "rate_limit_error"),
        (Fault::server_error(), 500, "server", "internal_error"),
        (Fault::status(504), 504, "server", "internal_error"),
    ] {
        api.mock.fault(FaultRule::new(fault).times(2));
        let reply = api.get("/").await;
        assert_eq!((reply.status, &reply.json()["errors"][0]["type"]), (status, &json!(public)));
        let reply = api.profile("user_id:u/traits").await;
        assert_eq!((reply.status, &reply.json()["error"]["code"]), (status, &json!(profile)));
    }
    assert_eq!(api.mock.faults_left(), 0);
}

#[tokio::test]
async fn a_422_names_its_field() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::invalid_field("subjectIds[17]", "\"subjectIds[17]\" must be a string")));
    let reply = api.post("/regulations", &regulation("DELETE_ONLY", &["a"])).await;
    let expected = json!({
        "type": "input-validation", "message": "\"subjectIds[17]\" must be a string", "field": "subjectIds[17]",
    });
    assert_eq!((reply.status, reply.json()), (422, json!({"errors": [expected]})));
    assert!(api.mock.regulations().is_empty());
}

#[tokio::test]
async fn rate_limits_hint_in_one_way_each() {
    let api = Api::plain();
    let reply = async |fault: Fault| {
        api.mock.fault(FaultRule::new(fault));
        let reply = api.get("/").await;
        let data = reply.json()["errors"][0]["data"].clone();
        let header = |name: &str| reply.header(name).map(str::to_owned);
        (reply.status, header("retry-after"), data["msBeforeNext"].as_u64(), header("x-ratelimit-reset"))
    };
    assert_eq!(reply(Fault::rate_limited()).await, (429, None, None, None));
    assert_eq!(reply(Fault::retry_after(42)).await, (429, Some("42".into()), None, None));
    assert_eq!(reply(Fault::ms_before_next(41_873)).await, (429, None, Some(41_873), None));
    let soon = "Sun, 02 Aug 2026 08:16:00 GMT".to_owned();
    assert_eq!(reply(Fault::reset_in(Duration::from_secs(30))).await, (429, None, None, Some(soon)));
    let far = "Mon, 31 Aug 2026 23:59:59 GMT".to_owned();
    assert_eq!(reply(Fault::quota_exhausted()).await, (429, None, None, Some(far)));
    api.mock.fault(FaultRule::new(Fault::rate_limited()));
    let profile = api.profile("user_id:u/traits").await;
    let expected = json!({"error": {"code": "rate_limit_error", "message": "Too many requests"}});
    assert_eq!((profile.status, profile.json()), (429, expected));
}

#[tokio::test]
async fn proxies_and_pages_answer_without_json() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::upstream()));
    let reply = api.get("/").await;
    assert_eq!((reply.status, reply.header("content-type")), (503, Some("text/plain")));
    assert_eq!(reply.body, "upstream connect error or disconnect/reset before headers");
    for status in [200, 502] {
        api.mock.fault(FaultRule::new(Fault::html(status)));
        let reply = api.get("/").await;
        assert_eq!((reply.status, reply.header("content-type")), (status, Some("text/html; charset=utf-8")));
        assert!(reply.body.starts_with("<!DOCTYPE html>"));
    }
    api.mock.fault(FaultRule::new(Fault::reply(418, "text/x-tea", "short").header("x-pot", "yes")));
    let reply = api.get("/").await;
    assert_eq!((reply.status, reply.header("x-pot"), reply.body.as_str()), (418, Some("yes"), "short"));
}

#[tokio::test]
async fn redirects_point_elsewhere() {
    let api = Api::plain();
    for status in [302, 307] {
        api.mock.fault(FaultRule::new(Fault::redirect(status, "http://127.0.0.1:9/elsewhere")));
        let reply = api.get("/").await;
        assert_eq!((reply.status, reply.header("location")), (status, Some("http://127.0.0.1:9/elsewhere")));
    }
}

#[test]
fn truncated_json_is_honest_about_its_length() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::truncated_json()));
    let request = GET_ROOT.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let answer = raw(&api.mock, &request).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains(&format!("content-length: {}", body.len())), "{answer}");
    assert!(body.starts_with("{\"data\"") && serde_json::from_str::<serde_json::Value>(body).is_err());
}

#[test]
fn a_short_body_promises_more_than_comes() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::short_body()));
    // Without `connection: close` it is the mock that ends the connection.
    let answer = raw(&api.mock, GET_ROOT).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()).unwrap();
    let length: usize = length.parse().unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && !body.is_empty() && body.len() < length, "{answer}");
}

#[test]
fn a_cut_connection_brings_nothing() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::cut()));
    assert_eq!(raw(&api.mock, GET_ROOT).unwrap(), "");
    assert_eq!(api.mock.requests().len(), 1, "it was recorded");
}

#[tokio::test]
async fn cut_forgets_the_request_and_accept_then_cut_does_not() {
    let api = Api::plain();
    let body = regulation("SUPPRESS_ONLY", &["u-1"]);
    api.mock.fault(FaultRule::new(Fault::cut()).on(Endpoint::CreateRegulation));
    api.mock.fault(FaultRule::new(Fault::accept_then_cut()).on(Endpoint::CreateRegulation));
    assert!(Api::try_send(api.post_request("/regulations", &body)).await.is_err());
    assert!(api.mock.regulations().is_empty());
    assert!(Api::try_send(api.post_request("/regulations", &body)).await.is_err());
    assert_eq!(api.mock.regulations().len(), 1);
    assert_eq!(api.mock.suppressed(), ["u-1"]);
    assert_eq!(api.get("/").await.status, 200, "the next connection works");
}

#[test]
fn accept_then_cut_brings_nothing() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::accept_then_cut()));
    let body = regulation("DELETE_ONLY", &["a"]).to_string();
    let head = "POST /regulations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer mock-public-token\r\n";
    let length = body.len();
    let request = format!("{head}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    assert_eq!(raw(&api.mock, &request).unwrap(), "");
    assert_eq!(api.mock.regulations().len(), 1);
}

#[tokio::test]
async fn accepted_without_an_id_is_stored() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::accept_without_id()));
    let reply = api.post("/regulations", &regulation("DELETE_ONLY", &["a"])).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"data": {}})));
    assert_eq!(api.mock.regulations().len(), 1);
}

#[tokio::test]
async fn slow_answers_come_late_but_act_at_once() {
    let api = Api::plain();
    let slow = || FaultRule::new(Fault::slow(Duration::from_millis(80))).on(Endpoint::CreateRegulation);
    api.mock.fault(slow());
    let before = Instant::now();
    api.regulate("DELETE_ONLY", &["a"]).await;
    assert!(before.elapsed() >= Duration::from_millis(80));
    // A client that gives up has created the regulation all the same.
    api.mock.fault(FaultRule::new(Fault::slow(Duration::from_mins(10))));
    let request = Api::try_send(api.post_request("/regulations", &regulation("DELETE_ONLY", &["a"])));
    let request = tokio::spawn(request);
    until(|| api.mock.regulations().len() == 2).await;
    request.abort();
    assert!(request.await.is_err());
}

#[tokio::test]
async fn rules_choose_their_requests() {
    let api = Api::plain();
    let teapot = || Fault::status(418);
    api.mock.fault(FaultRule::new(teapot()).method("delete"));
    api.mock.fault(FaultRule::new(teapot()).path_prefix("/suppr"));
    api.mock.fault(FaultRule::new(teapot()).body_contains("u-13"));
    api.mock.fault(FaultRule::new(teapot()).on(Endpoint::Workspace).nth(2).times(2));
    let mut seen = Vec::new();
    for path in ["/", "/", "/", "/", "/regulations", "/suppressions", "/suppressions"] {
        seen.push(api.get(path).await.status);
    }
    assert_eq!(seen, [200, 418, 418, 200, 200, 418, 200]);
    assert_eq!(api.post("/regulations", &regulation("DELETE_ONLY", &["u-1"])).await.status, 200);
    assert_eq!(api.post("/regulations", &regulation("DELETE_ONLY", &["u-13"])).await.status, 418);
    assert_eq!(api.delete("/regulations/x").await.status, 418);
    assert_eq!(api.mock.faults_left(), 0);
}

#[tokio::test]
async fn rules_follow_one_another_and_always_lasts() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::status(500)));
    api.mock.fault(FaultRule::new(Fault::status(502)).times(2));
    api.mock.fault(FaultRule::new(Fault::status(503)).always());
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(api.get("/").await.status);
    }
    assert_eq!(seen, [500, 502, 502, 503, 503]);
    assert_eq!(api.mock.faults_left(), 1);
    api.mock.clear_faults();
    assert_eq!(api.get("/").await.status, 200);
}

#[tokio::test]
async fn faults_come_before_authentication_and_headers_may_be_added() {
    let api = Api::plain();
    api.mock.add_profile(Profile::new("use_1"));
    api.mock.fault(FaultRule::new(Fault::status(503).header("retry-after", "7")));
    let reply = Api::send(api.request(Method::GET, "/")).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("7")));
}
