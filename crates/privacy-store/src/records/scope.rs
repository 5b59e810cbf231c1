//! Which rows a worker may touch, as one bound parameter.

use segment_core::ClaimScope;

/// `NULL` for everything, else a JSON list of request ids: the same statement serves both.
pub(super) fn parameter(scope: &ClaimScope) -> Option<String> {
    match scope {
        ClaimScope::Requests(ids) => {
            let ids: Vec<_> = ids.iter().map(segment_core::RequestId::as_str).collect();
            Some(serde_json::Value::from(ids).to_string())
        }
        _ => None,
    }
}
