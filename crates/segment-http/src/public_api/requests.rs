//! Requests as pure data. `P0` to `P7` are the rows of the tables of docs/segment-api.md.

use bytes::Bytes;
use segment_core::{
    Cursor, NewRegulation, RegulationId, RegulationQuery, RegulationScope, RegulationStatus, ports::Lane,
};
use serde::Serialize;

use crate::{ApiRequest, Query, path_segment};

/// Entries a page of suppressions: the documented maximum of every version.
pub(super) const SUPPRESSIONS_A_PAGE: u16 = USUAL_PAGE;
/// What is served where no count is given, and the maximum of older versions (documented).
const USUAL_PAGE: u16 = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody<'a> {
    regulation_type: &'a str,
    subject_type: &'static str,
    subject_ids: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<&'a str>,
}

/// P0: the workspace of the token. It is the documented test request.
#[must_use]
pub fn workspace() -> ApiRequest {
    ApiRequest::get("GET /", "/".to_owned(), Lane::Read)
}

/// P1, P2, P3: create a regulation at the workspace, at a source, or at a collection of a cloud source.
#[must_use]
pub fn create(regulation: &NewRegulation) -> ApiRequest {
    let (endpoint, path, collection) = match &regulation.scope {
        RegulationScope::Source(source) => {
            ("POST /regulations/sources/{id}", format!("/regulations/sources/{}", path_segment(source)), None)
        }
        RegulationScope::CloudSource { source, collection } => (
            "POST /regulations/cloudsources/{id}",
            format!("/regulations/cloudsources/{}", path_segment(source)),
            Some(collection.as_str()),
        ),
        _ => ("POST /regulations", "/regulations".to_owned(), None),
    };
    let body = CreateBody {
        regulation_type: regulation.kind.as_str(),
        subject_type: regulation.subject_type.as_str(),
        subject_ids: regulation.subjects.iter().map(|id| id.expose().as_str()).collect(),
        collection,
    };
    // Strings and lists of strings always serialise.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    ApiRequest::post(endpoint, path, Bytes::from(body), Lane::Create)
}

/// P4: one regulation.
#[must_use]
pub fn get(id: &RegulationId) -> ApiRequest {
    ApiRequest::get("GET /regulations/{id}", format!("/regulations/{}", path_segment(id.as_str())), Lane::Read)
}

/// P5, P6: one page of the workspace's regulations, or of a source's. Pagination is dotted (documented), types are numbered as
/// the official Go SDK sends them.
#[must_use]
pub fn list(query: &RegulationQuery) -> ApiRequest {
    let mut text = Query::default().with_some("status", query.status.as_ref().map(RegulationStatus::as_str));
    for (at, kind) in query.kinds.iter().enumerate() {
        text = text.with(&format!("regulationTypes.{at}"), kind.as_str());
    }
    let text = paginated(text, entries_a_page(query), query.next.as_ref());
    let (endpoint, path) = match &query.scope {
        RegulationScope::Source(source) | RegulationScope::CloudSource { source, .. } => {
            ("GET /regulations/sources/{id}", format!("/regulations/sources/{}", path_segment(source)))
        }
        _ => ("GET /regulations", "/regulations".to_owned()),
    };
    ApiRequest::get(endpoint, format!("{path}{}", text.as_str()), Lane::Read)
}

/// Older versions of the API allow 200 entries a page. A source's list may have no second page (U7), so all of it is asked
/// for.
fn entries_a_page(query: &RegulationQuery) -> u16 {
    if query.scope == RegulationScope::Workspace { query.count.clamp(1, USUAL_PAGE) } else { 1_000 }
}

/// Whether a page of so many entries that says nothing of a next one is whole. It is not if it is full, or if it holds what is
/// served where no count is given: the count may have been ignored.
pub(super) fn is_whole(query: &RegulationQuery, entries: usize) -> bool {
    let asked = usize::from(entries_a_page(query));
    entries < asked && (asked <= usize::from(USUAL_PAGE) || entries != usize::from(USUAL_PAGE))
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
    use segment_core::{Pii, RegulationType, SubjectType};

    use super::*;

    #[test]
    fn targets_and_bodies() {
        let query = RegulationQuery {
            scope: RegulationScope::Workspace,
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
        let body = create(&NewRegulation::of_users(RegulationType::SuppressOnly, subjects)).body.unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"regulationType":"SUPPRESS_ONLY","subjectType":"USER_ID","subjectIds":["a\nb","u\"1","u-2","x\",\"y"]}"#
        );
    }

    #[test]
    fn sources_have_paths_of_their_own() {
        let at = |scope, subject_type| NewRegulation {
            scope,
            subject_type,
            ..NewRegulation::of_users(RegulationType::DeleteArchiveOnly, [Pii::from("a-1")].into())
        };
        let text = |call: &ApiRequest| String::from_utf8(call.body.clone().unwrap().to_vec()).unwrap();
        let source = create(&at(RegulationScope::Source("a/b".into()), SubjectType::AnonymousId));
        assert_eq!(source.target, "/regulations/sources/a%2Fb");
        assert_eq!(
            text(&source),
            r#"{"regulationType":"DELETE_ARCHIVE_ONLY","subjectType":"ANONYMOUS_ID","subjectIds":["a-1"]}"#
        );
        let scope = RegulationScope::CloudSource { source: "sf".into(), collection: "contacts".into() };
        let cloud = create(&at(scope, SubjectType::ObjectId));
        assert_eq!(cloud.target, "/regulations/cloudsources/sf");
        assert!(text(&cloud).ends_with(r#""subjectType":"OBJECT_ID","subjectIds":["a-1"],"collection":"contacts"}"#));

        let query = RegulationQuery { scope: RegulationScope::Source("s?".into()), count: 10, ..Default::default() };
        assert_eq!(list(&query).target, "/regulations/sources/s%3F?pagination.count=1000");
        let whole: Vec<_> = [0, 199, 200, 201, 999, 1_000].map(|entries| is_whole(&query, entries)).into();
        assert_eq!(whole, [true, true, false, true, true, false]);
        let query = RegulationQuery { count: 10, ..Default::default() };
        assert!(is_whole(&query, 9) && !is_whole(&query, 10));
    }
}
