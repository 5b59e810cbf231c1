//! Requests as pure data. `F1` to `F6` are the rows of the tables of docs/segment-api.md.

use segment_core::{
    Cursor, EventSort, EventsQuery, ExternalIdsQuery, LinksQuery, Pii, ProfileRef, TraitClass, TraitsQuery, ports::Lane,
};
use segment_http::{ApiRequest, Query, path_segment};

/// A profile of one space: the part of the path that all resources share.
#[derive(Clone, PartialEq, Eq)]
pub struct ProfilePath(String);

impl std::fmt::Debug for ProfilePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProfilePath")
    }
}

impl ProfilePath {
    /// The colon between type and value stays as it is, the value is encoded: so does Segment's own code.
    #[must_use]
    pub fn new(space: &str, profile: &ProfileRef) -> Self {
        let identifier = match profile {
            ProfileRef::ExternalId { kind, value } => {
                format!("{}:{}", path_segment(kind.external_id_type()), path_segment(value.expose()))
            }
            ProfileRef::SegmentId(id) => path_segment(id.expose()),
        };
        Self(format!("/v1/spaces/{}/collections/users/profiles/{identifier}", path_segment(space)))
    }

    /// An account by its group id (documented: only this type).
    #[must_use]
    pub fn account(space: &str, group_id: &Pii<String>) -> Self {
        let (space, group_id) = (path_segment(space), path_segment(group_id.expose()));
        Self(format!("/v1/spaces/{space}/collections/accounts/profiles/group_id:{group_id}"))
    }

    fn get(&self, endpoint: &'static str, resource: &str, query: &Query) -> ApiRequest {
        ApiRequest::get(endpoint, format!("{}/{resource}{}", self.0, query.as_str()), Lane::Profiles)
    }
}

/// Several names in one parameter are joined with commas (documented).
fn names(query: Query, name: &str, values: &[String]) -> Query {
    if values.is_empty() { query } else { query.with(name, &values.join(",")) }
}

fn paged(query: Query, limit: u16, next: Option<&Cursor>) -> Query {
    query.with("limit", &limit.to_string()).with_some("next", next.map(Cursor::as_str))
}

fn verbose(query: Query, verbose: bool) -> Query {
    if verbose { query.with("verbose", "true") } else { query }
}

/// F4: the profile's own facts.
#[must_use]
pub fn metadata(profile: &ProfilePath) -> ApiRequest {
    profile.get("GET …/metadata", "metadata", &Query::default())
}

/// F1: one page of traits, `limit` items.
#[must_use]
pub fn traits(profile: &ProfilePath, query: &TraitsQuery, limit: u16) -> ApiRequest {
    let class = query.class.and_then(|class| match class {
        TraitClass::Audience => Some("audience"),
        TraitClass::ComputedTrait => Some("computed_trait"),
        _ => None,
    });
    let text = names(Query::default().with_some("class", class), "include", &query.include);
    profile.get("GET …/traits", "traits", &paged(verbose(text, query.verbose), limit, query.next.as_ref()))
}

/// F2: one page of external ids, `limit` items.
#[must_use]
pub fn external_ids(profile: &ProfilePath, query: &ExternalIdsQuery, limit: u16) -> ApiRequest {
    let text = verbose(names(Query::default(), "include", &query.include), query.verbose);
    profile.get("GET …/external_ids", "external_ids", &paged(text, limit, query.next.as_ref()))
}

/// F3: one page of events, `limit` items.
#[must_use]
pub fn events(profile: &ProfilePath, query: &EventsQuery, limit: u16) -> ApiRequest {
    let time = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string());
    let sort = query.sort.and_then(|sort| match sort {
        EventSort::Ascending => Some("asc"),
        EventSort::Descending => Some("desc"),
        _ => None,
    });
    let text =
        Query::default().with_some("start", time(query.start).as_deref()).with_some("end", time(query.end).as_deref());
    let text = names(names(text, "include", &query.include), "exclude", &query.exclude).with_some("sort", sort);
    profile.get("GET …/events", "events", &paged(text, limit, query.next.as_ref()))
}

/// F5: one page of links, `limit` items.
#[must_use]
pub fn links(profile: &ProfilePath, query: &LinksQuery, limit: u16) -> ApiRequest {
    profile.get("GET …/links", "links", &paged(Query::default(), limit, query.next.as_ref()))
}

/// F6: removes one external id from a profile. Segment takes exactly one, of a profile that is named by a user id.
#[must_use]
pub fn delete_external_id(profile: &ProfilePath, kind: &str, value: &Pii<String>) -> ApiRequest {
    let body = serde_json::json!({"delete_external_ids": [{"id": value.expose(), "type": kind}]});
    let target = format!("{}/external_ids/delete", profile.0);
    ApiRequest::post("POST …/external_ids/delete", target, body.to_string().into(), Lane::Profiles)
}

#[cfg(test)]
mod tests {
    use segment_core::IdentityKind;

    use super::*;

    fn user(value: &str) -> ProfilePath {
        ProfilePath::new("spa_4Qm2", &ProfileRef::external_id(IdentityKind::UserId, Pii::from(value)))
    }

    fn check(request: &ApiRequest, expect: &str) {
        assert_eq!(request.target, format!("/v1/spaces/spa_4Qm2/collections/users/profiles/{expect}"));
        assert!(!format!("{request:?}").contains("u-1"));
    }

    #[test]
    fn values_are_encoded_and_the_colon_is_not() {
        check(&metadata(&user("u-1+a/b?c#d%e:f@x")), "user_id:u-1%2Ba%2Fb%3Fc%23d%25e%3Af%40x/metadata");
        let by_id = ProfilePath::new("spa_4Qm2", &ProfileRef::SegmentId(Pii::from("use_3F")));
        check(&metadata(&by_id), "use_3F/metadata");
        let phone = ProfileRef::external_id(IdentityKind::PhoneNumber, Pii::from("+49 1"));
        check(&metadata(&ProfilePath::new("spa_4Qm2", &phone)), "phone:%2B49%201/metadata");
    }

    #[test]
    fn every_documented_parameter() {
        let query = TraitsQuery {
            class: Some(TraitClass::ComputedTrait),
            include: vec!["plan".into(), "vip".into()],
            verbose: true,
            limit: None,
            next: Cursor::new("a=b"),
        };
        let expect = "user_id:u-1/traits?class=computed_trait&include=plan%2Cvip&verbose=true&limit=200&next=a%3Db";
        check(&traits(&user("u-1"), &query, 200), expect);

        let query = ExternalIdsQuery { include: vec!["email".into()], verbose: false, ..Default::default() };
        check(&external_ids(&user("u-1"), &query, 25), "user_id:u-1/external_ids?include=email&limit=25");

        let query = EventsQuery {
            start: Some("2024-05-20T00:00:00Z".parse().unwrap()),
            end: Some("2024-05-30T00:00:00Z".parse().unwrap()),
            include: vec!["Order Completed".into()],
            exclude: vec!["Page".into()],
            sort: Some(EventSort::Ascending),
            ..Default::default()
        };
        let expect = "user_id:u-1/events?start=2024-05-20T00%3A00%3A00Z&end=2024-05-30T00%3A00%3A00Z\
                      &include=Order%20Completed&exclude=Page&sort=asc&limit=100";
        check(&events(&user("u-1"), &query, 100), expect);
        check(&links(&user("u-1"), &LinksQuery::default(), 20), "user_id:u-1/links?limit=20");
    }

    #[test]
    fn accounts_and_the_removal_of_an_id() {
        let account = ProfilePath::account("spa_4Qm2", &Pii::from("g/77"));
        let expect = "/v1/spaces/spa_4Qm2/collections/accounts/profiles/group_id:g%2F77/traits?limit=200";
        assert_eq!(traits(&account, &TraitsQuery::default(), 200).target, expect);

        let call = delete_external_id(&user("u-1"), "email", &Pii::from("a\"@b.c"));
        check(&call, "user_id:u-1/external_ids/delete");
        assert_eq!(call.body.unwrap(), r#"{"delete_external_ids":[{"id":"a\"@b.c","type":"email"}]}"#);
    }
}
