//! What holds for every route: how large, how long, and what the answer's headers say.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use crate::problem::Problem;

/// The longest body: fifty people with all their identities are a tenth of it.
pub(crate) const BODY: usize = 1024 * 1024;
/// How long an answer may take to begin, the reading of the body included.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers in time: also somebody who sends slowly.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            format!("the call took longer than {} s; nothing of it is half-done", PATIENCE.as_secs()),
        )
        .into_response(),
    }
}

/// What is about people is neither kept on the way nor shown in somebody else's frame, and is nothing but what it says it is.
pub(crate) async fn plain_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff"), (header::X_FRAME_OPTIONS, "DENY")];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let of_ours = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in of_ours {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// There is nothing at this path.
pub(crate) async fn no_such_route(_: Request<Body>) -> Problem {
    Problem::missing("no_such_route", "the path is not one of this service; /openapi.json lists them")
}

/// There is something at this path, but not for this method.
pub(crate) async fn no_such_method(_: Request<Body>) -> Problem {
    let detail = "the path is not for this method; /openapi.json lists them";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "no_such_method", detail)
}
