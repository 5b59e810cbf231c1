//! Requests as pure data. `P0` to `P7` are the rows of the fact sheet's table.

use bytes::Bytes;
use segment_core::{Cursor, NewRegulation, RegulationId, RegulationQuery, RegulationStatus, ports::Lane};
use serde::Serialize;

use crate::{ApiRequest, Query, path_segment};

/// Entries a page of suppressions: the documented maximum of every version.
pub(super) const SUPPRESSIONS_A_PAGE: u16 = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody<'a> {
    regulation_type: &'a str,
    subject_type: &'static str,
    subject_ids: Vec<&'a str>,
}

/// P0: the workspace of the token. It is the documented test request.
#[must_use]
pub fn workspace() -> ApiRequest {
    ApiRequest::get("GET /", "/".to_owned(), Lane::Read)
}

/// P1: create a regulation at the workspace.
#[must_use]
pub fn create(regulation: &NewRegulation) -> ApiRequest {
    let body = CreateBody {
        regulation_type: regulation.kind.as_str(),
        subject_type: "USER_ID",
        subject_ids: regulation.subjects.iter().map(|id| id.expose().as_str()).collect(),
    };
    // Strings and lists of strings always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    ApiRequest::post("POST /regulations", "/regulations".to_owned(), Bytes::from(body), Lane::Create)
}

/// P4: one regulation.
#[must_use]
pub fn get(id: &RegulationId) -> ApiRequest {
    ApiRequest::get("GET /regulations/{id}", format!("/regulations/{}", path_segment(id.as_str())), Lane::Read)
}

/// P5: one page of regulations. Pagination is dotted (documented), types are numbered as the official Go SDK sends them.
#[must_use]
pub fn list(query: &RegulationQuery) -> ApiRequest {
    let mut text = Query::default().with_some("status", query.status.as_ref().map(RegulationStatus::as_str));
    for (at, kind) in query.kinds.iter().enumerate() {
        text = text.with(&format!("regulationTypes.{at}"), kind.as_str());
    }
    let text = paginated(text, entries_a_page(query), query.next.as_ref());
    ApiRequest::get("GET /regulations", format!("/regulations{}", text.as_str()), Lane::Read)
}

/// Older versions of the API allow 200 entries a page.
pub(super) fn entries_a_page(query: &RegulationQuery) -> u16 {
    query.count.clamp(1, 200)
}

/// P7: one page of suppressions.
#[must_use]
pub fn suppressions(next: Option<&Cursor>) -> ApiRequest {
    let text = paginated(Query::default(), SUPPRESSIONS_A_PAGE, next);
    ApiRequest::get("GET /suppressions", format!("/suppressions{}", text.as_str()), Lane::Read)
}

/// `count` is always sent: whether it may be left out has changed between versions.
fn paginated(query: Query, count: u16, next: Option<&Cursor>) -> Query {
    query.with("pagination.count", &count.to_string()).with_some("pagination.cursor", next.map(Cursor::as_str))
}

#[cfg(test)]
mod tests {
    use segment_core::{Pii, RegulationType};

    use super::*;

    #[test]
    fn targets_and_bodies() {
        let query = RegulationQuery {
            status: Some(RegulationStatus::Running),
            kinds: vec![RegulationType::SuppressWithDelete, RegulationType::DeleteOnly],
            count: 10,
            next: Cursor::new("Mw=="),
        };
        assert_eq!(
            list(&query).target,
            "/regulations?status=RUNNING&regulationTypes.0=SUPPRESS_WITH_DELETE&regulationTypes.1=DELETE_ONLY\
             &pagination.count=10&pagination.cursor=Mw%3D%3D"
        );
        assert_eq!(suppressions(None).target, "/suppressions?pagination.count=200");
        assert_eq!(get(&RegulationId::new("a/../b?c")).target, "/regulations/a%2F..%2Fb%3Fc");

        let subjects = ["u-2", "u\"1", "x\",\"y", "a\nb"].map(Pii::from).into_iter().collect();
        let body = create(&NewRegulation { kind: RegulationType::SuppressOnly, subjects }).body.unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"regulationType":"SUPPRESS_ONLY","subjectType":"USER_ID","subjectIds":["a\nb","u\"1","u-2","x\",\"y"]}"#
        );
    }
}
