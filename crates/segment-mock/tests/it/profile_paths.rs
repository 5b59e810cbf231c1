//! Who may read profiles, and how identifiers are spelled in paths.

use reqwest::Method;
use segment_mock::Profile;

use crate::support::{Api, raw};

fn api() -> Api {
    let api = Api::plain();
    api.mock.add_profile(
        Profile::new("use_3FgH1jKlMn5p")
            .external_id("user_id", "U-1001")
            .external_id("email", "Ann+News@Example.test")
            .external_id("user_id", "a/b?c#d%e f:g")
            .external_id("user_id", "a b")
            .external_id("user_id", "émile"),
    );
    api
}

/// The status of a metadata request whose identifier goes out exactly as written.
fn status(api: &Api, identifier: &str) -> u16 {
    let path = format!("/v1/spaces/spa_mock/collections/users/profiles/{identifier}/metadata");
    let authorization = "Basic bW9jay1zcGFjZS1zZWNyZXQ6";
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: {authorization}\r\nconnection: close\r\n\r\n");
    let answer = raw(&api.mock, &request).expect("an answer");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status")
}

#[tokio::test]
async fn identifiers_are_decoded_once_and_match_lower_case_only() {
    let api = api();
    for (identifier, expected) in [
        ("user_id:u-1001", 200),
        ("user_id%3Au-1001", 200),
        ("user_id:U-1001", 404),
        ("User_id:u-1001", 404),
        ("user_id:u-9999", 404),
        ("email:ann%2Bnews@example.test", 200),
        ("email:ann%2bnews%40example.test", 200),
        ("email:ann%252Bnews@example.test", 404),
        ("user_id:a+b", 404),
        ("user_id:a%20b", 200),
        ("user_id:a%2Fb%3Fc%23d%25e%20f%3Ag", 200),
        ("user_id:a%2Fb%3Fc%23d%25e%20f:g", 200),
        ("user_id:%C3%A9mile", 200),
        ("use_3FgH1jKlMn5p", 200),
        ("use_3fgh1jklmn5p", 404),
        ("u-1001", 404),
        ("user_id", 404),
        // Unescaped characters are the vendor's 500.
        ("user_id:a!b", 500),
        ("user_id:a$b", 500),
        ("user_id:a'b(c)", 500),
        ("user_id:a%b", 500),
        ("user_id:a,b", 500),
    ] {
        assert_eq!(status(&api, identifier), expected, "{identifier}");
    }
}

#[tokio::test]
async fn a_raw_plus_does_not_match_a_stored_plus() {
    let api = api();
    assert_eq!(status(&api, "email:ann+news@example.test"), 404);
}

#[tokio::test]
async fn only_the_space_token_in_the_user_part_opens_it() {
    let api = api();
    let path = "/v1/spaces/spa_mock/collections/users/profiles/user_id:u-1001/metadata";
    let request = || api.request(Method::GET, path);
    for (request, status) in [
        (request().basic_auth("mock-space-secret", Some("")), 200),
        (request().basic_auth("mock-space-secret", Some("None")), 200),
        (request().basic_auth("other", Some("mock-space-secret")), 401),
        (request().basic_auth("mock-public-token", Some("")), 401),
        (request().bearer_auth("mock-space-secret"), 401),
        (request(), 401),
    ] {
        let reply = Api::send(request).await;
        assert_eq!(reply.status, status);
        assert!(reply.header("request-id").is_some());
        if status == 401 {
            assert_eq!(reply.json()["error"]["code"], "authentication_error");
        }
    }
}

#[tokio::test]
async fn space_and_collection_must_be_right() {
    let api = api();
    let at =
        async |path: &str| Api::send(api.request(Method::GET, path).basic_auth("mock-space-secret", Some(""))).await;
    let reply = at("/v1/spaces/spa_other/collections/users/profiles/user_id:u-1001/metadata").await;
    assert_eq!((reply.status, reply.json()["error"]["code"].as_str()), (404, Some("not_found")));
    let reply = at("/v1/spaces/spa_mock/collections/accounts/profiles/user_id:u-1001/metadata").await;
    assert_eq!(reply.status, 404);
    let reply = at("/v1/spaces/spa_mock/collections/people/profiles/user_id:u-1001/metadata").await;
    assert_eq!(reply.status, 404);
    let reply = at("/v1/spaces/spa_mock/collections/us!ers/profiles/user_id:u-1001/metadata").await;
    let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!((reply.status, message.as_str()), (400, "The parameter `collection` has invalid character(s) `!`"));
}

#[tokio::test]
async fn not_found_is_as_documented() {
    let reply = api().profile("user_id:nobody/traits").await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.body, r#"{"error":{"code":"not_found","message":"Profile was not found."}}"#);
}
