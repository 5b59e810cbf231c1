//! Which rows a worker may touch, as one bound parameter.

use segment_core::ClaimScope;

use super::db::Dialect;

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

/// A condition: somebody in the regulation `g` is in the scope.
pub(super) fn of_regulation(dialect: Dialect, parameter: &str) -> String {
    let member = dialect.within("m.request_id", parameter);
    format!("EXISTS (SELECT 1 FROM regulation_members m WHERE m.intent = g.intent AND {member})")
}
