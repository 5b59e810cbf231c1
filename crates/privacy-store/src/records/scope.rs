//! Which rows a worker may touch, as one bound parameter.

use segment_core::ClaimScope;

use super::db::Dialect;

/// `NULL` for everything, else a JSON list of request ids: the same statement serves both.
pub(super) fn parameter(scope: &ClaimScope) -> Option<String> {
    match scope {
        ClaimScope::Requests(ids) => Some(list(ids.iter().map(segment_core::RequestId::as_str))),
        _ => None,
    }
}

/// A JSON list, for one bound parameter.
pub(super) fn list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from(ids.into_iter().collect::<Vec<_>>()).to_string()
}

/// JSON objects as a parameter for [`Dialect::rows`].
pub(super) fn rows(objects: &[String]) -> String {
    format!("[{}]", objects.join(","))
}

/// A condition: somebody in the regulation `g` is in the scope.
pub(super) fn of_regulation(dialect: Dialect, parameter: &str) -> String {
    let member = dialect.within("m.request_id", parameter);
    format!("EXISTS (SELECT 1 FROM regulation_members m WHERE m.intent = g.intent AND {member})")
}
