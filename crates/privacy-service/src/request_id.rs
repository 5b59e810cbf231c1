//! Every call has an id: the caller's, or one of ours. It stands in the answer and in the log.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue};
use tracing::Instrument as _;

use crate::{metrics, service::Service};

const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// Names the call. What a caller gives is taken if it can stand in a log as it is.
pub(crate) async fn name(State(service): State<Service>, mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&NAME).filter(|given| is_plain(given)).cloned();
    let id = given.unwrap_or_else(|| {
        let mut bytes = [0; 12];
        service.random().fill(&mut bytes);
        HeaderValue::from_str(&hex::encode(bytes)).unwrap_or_else(|_| HeaderValue::from_static("none"))
    });
    request.headers_mut().insert(NAME, id.clone());
    // The route without what stands in it: a path may hold anything.
    let span = tracing::info_span!(
        "http",
        method = metrics::method(request.method()),
        request_id = id.to_str().unwrap_or_default()
    );
    let mut response = next.run(request).instrument(span).await;
    response.headers_mut().insert(NAME, id);
    response
}

fn is_plain(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_ids_are_taken() {
        for (value, plain) in [("0f-A_1.2", true), ("", false), ("a b", false), ("a\"b", false), ("ä", false)] {
            assert_eq!(is_plain(&HeaderValue::from_bytes(value.as_bytes()).unwrap()), plain, "{value}");
        }
        assert!(!is_plain(&HeaderValue::from_str(&"a".repeat(65)).unwrap()));
    }
}
