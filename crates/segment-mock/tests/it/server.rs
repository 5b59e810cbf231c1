//! Starting, stopping and watching the server.

use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig, MockSegment};
use serde_json::json;

use crate::support::{Api, raw, until};

#[test]
fn serves_without_a_runtime_and_stops_when_dropped() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let address = mock.url().replace("http://", "");
    // An idle connection must not keep it alive.
    let idle = TcpStream::connect(&address).unwrap();
    let answer = raw(&mock, "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    drop(mock);
    assert!(TcpStream::connect(&address).is_err());
    drop(idle);
}

#[test]
fn a_taken_port_is_an_error() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let port = mock.url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(MockSegment::start(MockConfig::new().port(port)).is_err());
}

#[tokio::test]
async fn records_requests_as_they_came() {
    let api = Api::plain();
    let body = json!({"regulationType": "SUPPRESS_ONLY"});
    let request = api.post_request("/regulations?a=%5Bb%5D+c", &body).header("accept", "application/json");
    Api::send(request).await;
    api.profile("email:a%2Bb@example.test/traits").await;
    let requests = api.mock.requests();
    assert_eq!(requests[0].method, "POST");
    assert_eq!(requests[0].path_and_query, "/regulations?a=%5Bb%5D+c");
    assert_eq!(requests[0].authorization.as_deref(), Some("Bearer mock-public-token"));
    assert_eq!(requests[0].accept.as_deref(), Some("application/json"));
    assert_eq!(requests[0].content_type.as_deref(), Some("application/json"));
    assert_eq!(requests[0].json(), body);
    assert_eq!(requests[0].at, api.mock.clock().now());
    assert!(requests[1].path_and_query.ends_with("/email:a%2Bb@example.test/traits"));
    assert_eq!(api.mock.requests_to(Endpoint::ProfileTraits).len(), 1);
    api.mock.clear_requests();
    assert!(api.mock.requests().is_empty());
}

#[tokio::test]
async fn keeps_only_the_newest_requests_when_told_to() {
    let api = Api::new(MockConfig::new().keep_requests(2));
    for path in ["/", "/regulations", "/suppressions"] {
        api.get(path).await;
    }
    let kept: Vec<_> = api.mock.requests().into_iter().map(|request| request.endpoint).collect();
    assert_eq!(kept, [Endpoint::ListRegulations, Endpoint::ListSuppressions]);
}

#[tokio::test]
async fn latency_holds_every_answer() {
    let api = Api::new(MockConfig::new().latency(Duration::from_millis(60)));
    let before = std::time::Instant::now();
    api.get("/").await;
    assert!(before.elapsed() >= Duration::from_millis(60));
    assert_eq!(api.mock.max_in_flight(), 1);
}

#[tokio::test]
async fn max_in_flight_counts_requests_at_the_same_time() {
    let api = Api::plain();
    api.mock.fault(FaultRule::new(Fault::slow(Duration::from_mins(10))).always());
    let gets = (0..3).map(|_| tokio::spawn(Api::try_send(api.public_request(Method::GET, "/"))));
    let gets: Vec<_> = gets.collect();
    until(|| api.mock.max_in_flight() == 3).await;
    for get in gets {
        get.abort();
    }
}

#[tokio::test]
async fn unknown_routes_answer_in_the_envelope_of_their_api() {
    let api = Api::plain();
    let public = api.get("/nonsense").await;
    assert_eq!((public.status, public.json()["errors"][0]["type"].as_str()), (404, Some("NotFound")));
    let wrong_method = api.delete("/suppressions").await;
    assert_eq!(wrong_method.status, 404);
    let trailing = api.get("/regulations/").await;
    assert_eq!(trailing.status, 404);
    let profile = api.profile("user_id:u/properties").await;
    assert_eq!((profile.status, profile.json()["error"]["code"].as_str()), (404, Some("not_found")));
    let tracking = api.track("/v1/track", &json!({})).await;
    assert_eq!((tracking.status, &tracking.json()["success"]), (404, &json!(false)));
    let config =
        Api::send(api.request(Method::GET, "/v1beta/workspaces/acme/nonsense").bearer_auth("mock-config.token")).await;
    assert_eq!((config.status, config.json()), (404, json!({"error": "not found", "code": 5})));
}
