//! What was asked of the mock.

use std::collections::{BTreeMap, VecDeque};

use axum::http::header;
use bytes::Bytes;
use jiff::Timestamp;

use crate::call::Call;
use crate::endpoint::Endpoint;

/// One request as it arrived, whether or not it was answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The endpoint it meant.
    pub endpoint: Endpoint,
    /// The method, in capitals.
    pub method: String,
    /// Path and query exactly as sent, still percent-encoded.
    pub path_and_query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Accept` header.
    pub accept: Option<String>,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
    /// When it arrived, in virtual time.
    pub at: Timestamp,
}

impl RecordedRequest {
    pub(crate) fn of(call: &Call, at: Timestamp) -> Self {
        let header = |name| call.header(name).map(str::to_owned);
        Self {
            endpoint: call.endpoint,
            method: call.method.clone(),
            path_and_query: call.target.clone(),
            authorization: header(header::AUTHORIZATION),
            accept: header(header::ACCEPT),
            content_type: header(header::CONTENT_TYPE),
            body: call.body.clone(),
            at,
        }
    }

    /// The body as JSON; `Null` when it is not.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Debug)]
pub(crate) struct RequestLog {
    entries: VecDeque<RecordedRequest>,
    counts: BTreeMap<Endpoint, u64>,
    keep: usize,
}

impl RequestLog {
    pub(crate) fn new(keep: usize) -> Self {
        Self { entries: VecDeque::new(), counts: BTreeMap::new(), keep }
    }

    pub(crate) fn push(&mut self, request: RecordedRequest) {
        *self.counts.entry(request.endpoint).or_default() += 1;
        self.entries.push_back(request);
        while self.entries.len() > self.keep {
            self.entries.pop_front();
        }
    }

    pub(crate) fn entries(&self) -> Vec<RecordedRequest> {
        self.entries.iter().cloned().collect()
    }

    pub(crate) fn counts(&self) -> BTreeMap<Endpoint, u64> {
        self.counts.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.counts.clear();
    }
}
