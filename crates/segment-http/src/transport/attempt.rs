//! One attempt: the only place that sends.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use segment_core::{ErrorKind, SegmentError, Service};

use super::{
    classify::{self, Problem, ReadProblem},
    hints,
    request::{ApiRequest, ApiResponse, Verb},
};

/// The media types that the Public API documents; the Profile API ignores the header.
const ACCEPTED: &str = "application/vnd.segment.v1+json, application/json";
/// A page of 25 regulations of 5,000 long ids is far below. What is larger is not what was asked for.
const MAX_BODY: usize = 64 << 20;
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

pub(super) struct Wire<'a> {
    pub(super) client: &'a reqwest::Client,
    pub(super) url: reqwest::Url,
    pub(super) authorization: &'a HeaderValue,
    pub(super) service: Service,
    pub(super) read_problem: ReadProblem,
}

impl Wire<'_> {
    pub(super) async fn send(
        &self,
        call: &ApiRequest,
        limit: Duration,
        now: Timestamp,
    ) -> Result<ApiResponse, SegmentError> {
        tokio::time::timeout(limit, self.exchange(call, now))
            .await
            .unwrap_or_else(|_| Err(SegmentError::new(self.service, ErrorKind::Timeout)))
    }

    async fn exchange(&self, call: &ApiRequest, now: Timestamp) -> Result<ApiResponse, SegmentError> {
        let method = match call.verb {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Delete => Method::DELETE,
        };
        let mut request = self.client.request(method, self.url.clone());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        request = request.header(ACCEPT, ACCEPTED).header(reqwest::header::AUTHORIZATION, self.authorization.clone());
        let response = request.send().await.map_err(|error| self.broken(error))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let request_id = header(&headers, &REQUEST_ID);
        let body = self.read(response).await.map_err(|error| error.with_request_id(request_id.clone()))?;
        if (200..300).contains(&status) {
            return Ok(ApiResponse { status, body, request_id });
        }
        let problem = (self.read_problem)(&body);
        let wait = hints::wait(&headers, problem.ms_before_next, now);
        // A 404 to anything but a creating call says that something is gone, so it must be Segment's own word and not that of a proxy's page.
        let foreign = status == 404 && call.verb != Verb::Post && problem == Problem::default();
        let kind = match status {
            _ if foreign => ErrorKind::Unreadable,
            // Of a creating call it could still mean that the answer is lost.
            503 if problem.unrouted && call.verb != Verb::Post => ErrorKind::NoRoute,
            _ => classify::kind(status, wait),
        };
        Err(SegmentError::new(self.service, kind)
            .with_status(status)
            .with_wait(wait)
            .with_request_id(request_id)
            .with_answer(problem.code, problem.field, problem.text))
    }

    async fn read(&self, response: reqwest::Response) -> Result<Bytes, SegmentError> {
        let status = response.status().as_u16();
        let mut body = BytesMut::new();
        let mut chunks = response.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| self.broken(error).with_status(status))?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(SegmentError::new(self.service, ErrorKind::Unreadable).with_status(status));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    fn broken(&self, error: reqwest::Error) -> SegmentError {
        // The URL can hold an e-mail address.
        SegmentError::new(self.service, classify::failure(&error)).with_source(error.without_url())
    }
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}
