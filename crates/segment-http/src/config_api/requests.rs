//! Requests as pure data. `C1` to `C8` are the rows of the tables of docs/segment-api.md.

use bytes::Bytes;
use segment_core::{
    Cursor, NewRegulation, RegulationId, RegulationQuery, RegulationScope, RegulationStatus, SubjectType, ports::Lane,
};
use serde::Serialize;

use super::spelling::spelled;
use crate::{ApiRequest, Query, path_segment};

pub(super) const SUPPRESSED_A_PAGE: u16 = 100;
pub(super) const WORKSPACES_A_PAGE: u16 = 100;
/// "generally 10 or 100" (documented) is what is served where nothing is asked for; more may be refused.
const ENTRIES_A_PAGE: u16 = 100;

#[derive(Serialize)]
struct CreateBody<'a> {
    regulation_type: &'a str,
    attributes: Attributes<'a>,
}

#[derive(Serialize)]
struct Attributes<'a> {
    name: &'static str,
    values: Vec<&'a str>,
}

/// Users write `acme` or `workspaces/acme`, as Segment does itself.
fn path(workspace: &str, rest: &str) -> String {
    format!("/v1beta/workspaces/{}{rest}", path_segment(workspace))
}

/// C2: the workspace by its slug.
#[must_use]
pub fn workspace(slug: &str) -> ApiRequest {
    ApiRequest::get("GET /v1beta/workspaces/{slug}", path(slug, ""), Lane::Config)
}

/// C1: the workspaces of the token.
#[must_use]
pub fn workspaces(next: Option<&Cursor>) -> ApiRequest {
    let text = paginated(Query::default(), WORKSPACES_A_PAGE, next);
    ApiRequest::get("GET /v1beta/workspaces", format!("/v1beta/workspaces{}", text.as_str()), Lane::Config)
}

/// C3, C7: creates a regulation at the workspace, or at a source by its slug. `None` where the Config API has no such type,
/// subject or scope: its call for cloud sources is not documented.
#[must_use]
pub fn create(slug: &str, regulation: &NewRegulation) -> Option<ApiRequest> {
    let name = match regulation.subject_type {
        SubjectType::UserId => "userId",
        SubjectType::ObjectId => "objectId",
        _ => return None,
    };
    let (endpoint, target) = match &regulation.scope {
        RegulationScope::Workspace => ("POST /v1beta/workspaces/{slug}/regulations", path(slug, "/regulations")),
        RegulationScope::Source(source) => (
            "POST /v1beta/workspaces/{slug}/sources/{source}/regulations",
            path(slug, &format!("/sources/{}/regulations", path_segment(source))),
        ),
        _ => return None,
    };
    let values = regulation.subjects.iter().map(|id| id.expose().as_str()).collect();
    let body = CreateBody { regulation_type: spelled(&regulation.kind)?, attributes: Attributes { name, values } };
    // Strings and lists of strings always serialise.
    let body = Bytes::from(serde_json::to_vec(&body).unwrap_or_default());
    Some(ApiRequest::post(endpoint, target, body, Lane::Config))
}

/// C6: withdraws a regulation that is still queued.
#[must_use]
pub fn withdraw(slug: &str, id: &RegulationId) -> ApiRequest {
    let target = path(slug, &format!("/regulations/{}", path_segment(id.as_str())));
    ApiRequest::delete("DELETE /v1beta/workspaces/{slug}/regulations/{id}", target, Lane::Config)
}

/// C5: a regulation by its id.
#[must_use]
pub fn get(slug: &str, id: &RegulationId) -> ApiRequest {
    let target = path(slug, &format!("/regulations/{}", path_segment(id.as_str())));
    ApiRequest::get("GET /v1beta/workspaces/{slug}/regulations/{id}", target, Lane::Config)
}

/// C4: one page of regulations. How several types are encoded is not documented: only one is sent as a filter.
#[must_use]
pub fn list(slug: &str, query: &RegulationQuery) -> ApiRequest {
    let mut text = Query::default().with_some("status", query.status.as_ref().map(RegulationStatus::as_str));
    if let [kind] = query.kinds.as_slice() {
        text = text.with_some("regulation_types", spelled(kind));
    }
    let text = paginated(text, entries_a_page(query), query.next.as_ref());
    let target = path(slug, &format!("/regulations{}", text.as_str()));
    ApiRequest::get("GET /v1beta/workspaces/{slug}/regulations", target, Lane::Config)
}

pub(super) fn entries_a_page(query: &RegulationQuery) -> u16 {
    query.count.clamp(1, ENTRIES_A_PAGE)
}

/// C8: one page of suppressed users.
#[must_use]
pub fn suppressed(slug: &str, next: Option<&Cursor>) -> ApiRequest {
    let text = paginated(Query::default(), SUPPRESSED_A_PAGE, next);
    let target = path(slug, &format!("/suppressed-users{}", text.as_str()));
    ApiRequest::get("GET /v1beta/workspaces/{slug}/suppressed-users", target, Lane::Config)
}

fn paginated(query: Query, size: u16, next: Option<&Cursor>) -> Query {
    query.with("page_size", &size.to_string()).with_some("page_token", next.map(Cursor::as_str))
}

#[cfg(test)]
mod tests {
    use segment_core::{Pii, RegulationType};

    use super::*;

    #[test]
    fn targets_and_bodies() {
        let query = RegulationQuery {
            scope: RegulationScope::Workspace,
            status: Some(RegulationStatus::Running),
            kinds: vec![RegulationType::DeleteOnly],
            count: 10,
            next: Cursor::new("a=b"),
        };
        assert_eq!(
            list("acme", &query).target,
            "/v1beta/workspaces/acme/regulations?status=RUNNING&regulation_types=Delete&page_size=10&page_token=a%3Db"
        );
        assert_eq!(suppressed("acme", None).target, "/v1beta/workspaces/acme/suppressed-users?page_size=100");
        assert_eq!(get("a/b", &RegulationId::new("r/..")).target, "/v1beta/workspaces/a%2Fb/regulations/r%2F..");

        let subjects = ["u\"1", "x\",\"y", "a\nb"].map(Pii::from).into_iter().collect();
        let new = NewRegulation::of_users(RegulationType::SuppressWithDelete, subjects);
        let body = create("acme", &new).unwrap().body.unwrap();
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"{"regulation_type":"Suppress_With_Delete","attributes":{"name":"userId","values":["a\nb","u\"1","x\",\"y"]}}"#
        );
        let source = new.clone().at(RegulationScope::Source("web/x".into()));
        assert_eq!(create("acme", &source).unwrap().target, "/v1beta/workspaces/acme/sources/web%2Fx/regulations");
        let anonymous = NewRegulation { subject_type: SubjectType::AnonymousId, ..new.clone() };
        assert!(create("acme", &anonymous).is_none());
        assert!(create("acme", &NewRegulation { kind: RegulationType::SuppressWithDeleteInternal, ..new }).is_none());
    }
}
