//! Answers, read as section 7 of docs/segment-api.md says: open enums, optional fields, `null` for empty, and nothing that is
//! not understood becomes a success.

use segment_core::{
    Cursor, Page, Pii, RegulationEntry, RegulationId, RegulationReport, RegulationStatus, RegulationType, Suppression,
    Workspace,
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    Problem,
    regulation_parts::{Stream, is_user, page, text, time},
};

#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

fn data<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice::<Envelope<T>>(body).ok().map(|envelope| envelope.data)
}

/// P0.
pub(super) fn workspace(body: &[u8]) -> Option<Workspace> {
    #[derive(Deserialize)]
    struct Data {
        workspace: Wire,
    }
    #[derive(Deserialize)]
    struct Wire {
        id: String,
        #[serde(default)]
        slug: String,
        #[serde(default)]
        name: String,
    }
    let Data { workspace } = data(body)?;
    Some(Workspace { id: workspace.id, slug: workspace.slug, name: workspace.name })
}

/// P1. A success without an id is not one.
pub(super) fn created(body: &[u8]) -> Option<RegulationId> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Data {
        regulate_id: Option<String>,
    }
    text(data::<Data>(body)?.regulate_id).map(RegulationId::new)
}

/// P4. Only the id and the status must be there.
pub(super) fn report(body: &[u8]) -> Option<RegulationReport> {
    #[derive(Deserialize)]
    struct Data {
        regulation: Wire,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        id: String,
        overall_status: String,
        created_at: Option<String>,
        finished_at: Option<String>,
        stream_status: Option<Vec<Stream>>,
    }
    let Data { regulation } = data(body)?;
    Some(RegulationReport {
        id: RegulationId::new(regulation.id),
        status: RegulationStatus::parse(&regulation.overall_status),
        created_at: time(regulation.created_at.as_deref()),
        finished_at: time(regulation.finished_at.as_deref()),
        destinations: regulation.stream_status.into_iter().flatten().flat_map(Stream::destinations).collect(),
    })
}

#[derive(Deserialize)]
struct WirePagination {
    next: Option<String>,
}

/// P5, P6. `is_whole` says of a page without pagination whether so many entries are all.
pub(super) fn regulations(body: &[u8], is_whole: impl Fn(usize) -> bool) -> Option<Page<RegulationEntry>> {
    #[derive(Deserialize)]
    struct Data {
        // Required but nullable: an answer without the key is not a list, and "absent" would send a regulation again.
        #[serde(deserialize_with = "Option::deserialize")]
        regulations: Option<Vec<Wire>>,
        pagination: Option<WirePagination>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        id: String,
        regulation_type: Option<String>,
        status: Option<String>,
        subjects: Option<Vec<String>>,
        created_at: Option<String>,
    }
    let data: Data = data(body)?;
    let entry = |wire: Wire| RegulationEntry {
        id: RegulationId::new(wire.id),
        kind: text(wire.regulation_type).map(|kind| RegulationType::parse(&kind)),
        status: RegulationStatus::parse(&wire.status.unwrap_or_default()),
        subjects: wire.subjects.map(|subjects| subjects.into_iter().map(Pii::new).collect()),
        created_at: time(wire.created_at.as_deref()),
    };
    let told = data.pagination.is_some();
    let next = data.pagination.and_then(|pagination| pagination.next);
    let items: Vec<_> = data.regulations.into_iter().flatten().map(entry).collect();
    let whole = told || is_whole(items.len());
    whole.then(|| Page { items, next: next.and_then(Cursor::new) })
}

/// P7, asked for `count` entries. The documented example spells the subject type `userId`.
pub(super) fn suppressions(body: &[u8], count: u16) -> Option<Page<Suppression>> {
    #[derive(Deserialize)]
    struct Data {
        #[serde(deserialize_with = "Option::deserialize")]
        suppressed: Option<Vec<Wire>>,
        pagination: Option<WirePagination>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire {
        subject_type: Option<String>,
        subject_ids: Option<Vec<String>>,
    }
    let data: Data = data(body)?;
    let entry = |wire: Wire| Suppression {
        is_user: is_user(wire.subject_type.as_deref()),
        subjects: wire.subject_ids.into_iter().flatten().map(Pii::new).collect(),
    };
    let told = data.pagination.is_some();
    let next = data.pagination.and_then(|pagination| pagination.next);
    page(data.suppressed.into_iter().flatten().map(entry).collect(), count, told, next)
}

/// `{"errors":[{type,message,field,data:{msBeforeNext}}]}`. Two families of `type` exist, so it is only shown.
pub(super) fn problem(body: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Wire {
        errors: Vec<WireError>,
    }
    #[derive(Deserialize)]
    struct WireError {
        #[serde(rename = "type")]
        kind: Option<String>,
        message: Option<String>,
        field: Option<String>,
        data: Option<serde_json::Value>,
    }
    let first = serde_json::from_slice::<Wire>(body).ok().and_then(|wire| wire.errors.into_iter().next());
    first.map_or_else(Problem::default, |error| Problem {
        code: error.kind,
        text: error.message,
        field: error.field,
        ms_before_next: error
            .data
            .as_ref()
            .and_then(|data| data.get("msBeforeNext"))
            .and_then(serde_json::Value::as_u64),
        unrouted: false,
    })
}

/// Every reader, for fuzzing.
#[cfg(fuzzing)]
pub(crate) fn read_all(body: &[u8]) {
    let _ = (
        workspace(body),
        created(body),
        report(body),
        regulations(body, |n| n < 10),
        suppressions(body, 10),
        problem(body),
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn below_ten(entries: usize) -> bool {
        entries < 10
    }

    #[test]
    fn what_is_missing_is_missing_and_not_an_error() {
        let sparse =
            br#"{"data":{"regulation":{"id":"r","overallStatus":"RUNNING","finishedAt":"","streamStatus":null}}}"#;
        let sparse = report(sparse).unwrap();
        assert_eq!((sparse.created_at, sparse.finished_at, sparse.destinations.len()), (None, None, 0));

        let full = br#"{"data":{"regulation":{"id":"r","overallStatus":"NEW_ONE","createdAt":"2026-08-02T08:15:30.123456Z","x":1,
            "streamStatus":[{"destinationStatus":[{"name":"Braze","status":"FINISHED","errString":null}]},{"id":"s"}]}}}"#;
        let full = report(full).unwrap();
        assert_eq!(full.status, RegulationStatus::Other("NEW_ONE".into()));
        assert_eq!(full.destinations[0].name, "Braze");

        let page = regulations(
            br#"{"data":{"regulations":[{"id":"r","status":"RUNNING"}],"pagination":{"next":null}}}"#,
            below_ten,
        );
        let page = page.unwrap();
        assert!(page.items[0].subjects.is_none() && page.items[0].kind.is_none() && page.next.is_none());
        assert_eq!(regulations(br#"{"data":{"regulations":null}}"#, below_ten).unwrap().items, []);
        assert!(
            suppressions(br#"{"data":{"suppressed":[{"subjectType":"USER_ID","subjectIds":["u"]}]}}"#, 10)
                .unwrap()
                .items[0]
                .is_user
        );
        assert!(
            !suppressions(br#"{"data":{"suppressed":[{"subjectType":"objectId"}]}}"#, 10).unwrap().items[0].is_user
        );
    }

    #[test]
    fn what_is_not_understood_is_never_a_success() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"data":{}}"#,
            r#"{"data":null}"#,
            r#"{"data":{"regulateId":""}}"#,
            r#"{"data":{"regulateId":7}}"#,
        ] {
            assert_eq!(created(body.as_bytes()), None, "{body}");
            assert_eq!(report(body.as_bytes()), None, "{body}");
            assert_eq!(workspace(body.as_bytes()), None, "{body}");
        }
        for body in ["", "<html>", "{}", r#"{"data":null}"#, r#"{"data":[]}"#, r#"{"data":{}}"#] {
            assert!(
                regulations(body.as_bytes(), below_ten).is_none() && suppressions(body.as_bytes(), 10).is_none(),
                "{body}"
            );
        }
    }

    #[test]
    fn both_families_of_problems_are_read() {
        let limited = problem(
            br#"{"errors":[{"type":"RequestError","message":"Too many requests","data":{"msBeforeNext":57647}}]}"#,
        );
        assert_eq!(limited.ms_before_next, Some(57_647));
        let invalid =
            problem(br#"{"errors":[{"type":"input-validation","message":"m","field":"subjectIds[17]","data":null}]}"#);
        assert_eq!(invalid.field.as_deref(), Some("subjectIds[17]"));
        assert_eq!(problem(b"upstream connect error"), Problem::default());
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (workspace(&body), created(&body), report(&body), regulations(&body, below_ten), suppressions(&body, 10), problem(&body));
        }
    }
}
