//! A call as pure data: what is sent is a string compare in tests.

use bytes::Bytes;
use segment_core::ports::Lane;

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Reads.
    Get,
    /// Creates or changes.
    Post,
    /// Withdraws.
    Delete,
}

/// A call to one of Segment's services.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiRequest {
    /// What it does.
    pub verb: Verb,
    /// The endpoint's pattern, such as `GET /regulations/{id}`: all of the URL that is ever logged.
    pub endpoint: &'static str,
    /// Path and query, encoded, beginning with `/`. It can hold personal data.
    pub target: String,
    /// A JSON body, of a POST.
    pub body: Option<Bytes>,
    /// The rate limit that it counts against.
    pub lane: Lane,
}

impl ApiRequest {
    /// A GET.
    #[must_use]
    pub fn get(endpoint: &'static str, target: String, lane: Lane) -> Self {
        Self { verb: Verb::Get, endpoint, target, body: None, lane }
    }

    /// A DELETE.
    #[must_use]
    pub fn delete(endpoint: &'static str, target: String, lane: Lane) -> Self {
        Self { verb: Verb::Delete, endpoint, target, body: None, lane }
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(endpoint: &'static str, target: String, body: Bytes, lane: Lane) -> Self {
        Self { verb: Verb::Post, endpoint, target, body: Some(body), lane }
    }
}

impl std::fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiRequest").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// A successful answer, read whole.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiResponse {
    /// The status, 200 to 299.
    pub status: u16,
    /// The body.
    pub body: Bytes,
    /// Segment's request id, if there was one.
    pub request_id: Option<String>,
}

impl std::fmt::Debug for ApiResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiResponse").field("status", &self.status).finish_non_exhaustive()
    }
}
