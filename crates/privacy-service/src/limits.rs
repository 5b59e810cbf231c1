//! What holds for every route: how large, how long, and what the answer's headers say.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use tracing::Instrument as _;

use crate::problem::Problem;

/// The longest body: fifty people with all their identities are a tenth of it.
pub(crate) const BODY: usize = 1024 * 1024;
/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long somebody may take to say what they want.
const BODY_PATIENCE: Duration = Duration::from_secs(20);

/// Answers in time. What was begun is done to its end also when nobody waits for it any more: a part of it would be worse.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::spawn(next.run(request).in_current_span());
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::unexpected("the service stopped in the middle of it; its log says more").into_response(),
        Err(_) => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "took_too_long",
            format!(
                "it takes longer than {} s, and goes on: ask what became of it before you ask again",
                PATIENCE.as_secs()
            ),
        )
        .into_response(),
    }
}

/// Reads a body, unless it comes too slowly.
pub(crate) async fn body<T, E: Into<Problem>>(read: impl Future<Output = Result<T, E>>) -> Result<T, Problem> {
    match tokio::time::timeout(BODY_PATIENCE, read).await {
        Ok(read) => read.map_err(Into::into),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too_slow",
            format!("the body did not come within {} s; nothing was done", BODY_PATIENCE.as_secs()),
        )),
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

/// What changes something has no parameters: whoever sends one must not believe that it was heeded.
pub(crate) async fn no_query_of_a_change(request: Request, next: Next) -> Response {
    if !request.method().is_safe() && request.uri().query().is_some_and(|query| !query.is_empty()) {
        let detail = "this takes no parameters after the question mark; what is asked stands in the body";
        return Problem::invalid("query_invalid", detail).into_response();
    }
    next.run(request).await
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
