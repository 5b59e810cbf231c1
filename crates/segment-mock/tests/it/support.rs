//! A small raw client; it shares nothing with our clients either.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use segment_mock::{MockConfig, MockSegment};
use serde_json::{Value, json};

pub(crate) const SOURCE: &str = "qW3eR5tY7uI9oP1aS2dF4g";
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

pub(crate) struct Api {
    pub(crate) mock: MockSegment,
    http: Client,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Api {
    pub(crate) fn new(config: MockConfig) -> Self {
        let http = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
        Self { mock: MockSegment::start(config).expect("a mock"), http }
    }

    pub(crate) fn plain() -> Self {
        Self::new(MockConfig::new())
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.mock.url()))
    }

    pub(crate) async fn try_send(request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { status, headers, body: response.text().await? })
    }

    pub(crate) async fn send(request: RequestBuilder) -> Reply {
        Self::try_send(request).await.expect("an answer")
    }

    pub(crate) fn public_request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth("mock-public-token")
    }

    pub(crate) fn post_request(&self, path: &str, body: &Value) -> RequestBuilder {
        self.public_request(Method::POST, path).header("content-type", "application/json").body(body.to_string())
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Self::send(self.public_request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        Self::send(self.post_request(path, body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        Self::send(self.public_request(Method::DELETE, path)).await
    }

    /// Creates a regulation of users in the workspace and returns its id.
    pub(crate) async fn regulate(&self, kind: &str, users: &[&str]) -> String {
        let reply = self.post("/regulations", &regulation(kind, users)).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["data"]["regulateId"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        let reply = self.get(&format!("/regulations/{id}")).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["data"]["regulation"]["overallStatus"].as_str().expect("a status").to_owned()
    }

    pub(crate) fn profile_request(&self, identifier_and_rest: &str) -> RequestBuilder {
        let path = format!("/v1/spaces/spa_mock/collections/users/profiles/{identifier_and_rest}");
        self.request(Method::GET, &path).basic_auth("mock-space-secret", Some(""))
    }

    pub(crate) async fn profile(&self, identifier_and_rest: &str) -> Reply {
        Self::send(self.profile_request(identifier_and_rest)).await
    }

    pub(crate) async fn track(&self, path: &str, body: &Value) -> Reply {
        let request = self.request(Method::POST, path).basic_auth("mock-write-key", Some(""));
        Self::send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    pub(crate) async fn control(&self, method: Method, path: &str, body: &Value) -> Reply {
        Self::send(self.request(method, path).body(body.to_string())).await
    }
}

pub(crate) fn regulation(kind: &str, users: &[&str]) -> Value {
    json!({"regulationType": kind, "subjectType": "USER_ID", "subjectIds": users})
}

/// Sends bytes as they are and reads until the other side closes or resets; falling silent is an error.
pub(crate) fn raw(mock: &MockSegment, request: &str) -> std::io::Result<String> {
    let address = mock.url().replace("http://", "");
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(request.as_bytes())?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(reason) if reason.kind() != ErrorKind::ConnectionReset => return Err(reason),
        _ => {}
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The field names and messages of a 422.
pub(crate) fn failures(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status, 422, "{}", reply.body);
    let body = reply.json();
    let errors = body["errors"].as_array().expect("errors").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    errors.map(|error| (text(&error["field"]), text(&error["message"]))).collect()
}

pub(crate) fn fields(reply: &Reply) -> Vec<String> {
    failures(reply).into_iter().map(|(field, _)| field).collect()
}

/// Waits for something the server does on its own time.
pub(crate) async fn until(happened: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if happened() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never happened");
}
