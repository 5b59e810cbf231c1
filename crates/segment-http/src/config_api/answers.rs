//! Answers. No document prints what the Config API says when it is read (U1): snake and camel case are understood, fields
//! may be missing, and what could mean that something does not exist must really say so.

use segment_core::{
    Page, Pii, RegulationEntry, RegulationId, RegulationReport, RegulationStatus, Suppression, Workspace,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::spelling;
use crate::{
    Problem,
    regulation_parts::{Stream, is_user, page, text, time},
};

fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}

#[derive(Deserialize)]
struct WireWorkspace {
    name: String,
    #[serde(default, alias = "displayName")]
    display_name: String,
    #[serde(default)]
    id: String,
}

impl From<WireWorkspace> for Workspace {
    /// The name is printed with and without its prefix.
    fn from(wire: WireWorkspace) -> Self {
        let slug = wire.name.trim_start_matches("workspaces/").to_owned();
        Self { id: wire.id, slug, name: wire.display_name }
    }
}

/// C2.
pub(super) fn workspace(body: &[u8]) -> Option<Workspace> {
    read::<WireWorkspace>(body).map(Workspace::from)
}

/// C1, asked for `size` entries.
pub(super) fn workspaces(body: &[u8], size: u16) -> Option<Page<Workspace>> {
    #[derive(Deserialize)]
    struct Wire {
        workspaces: Vec<WireWorkspace>,
        #[serde(alias = "nextPageToken")]
        next_page_token: Option<String>,
    }
    let wire: Wire = read(body)?;
    let told = wire.next_page_token.is_some();
    page(wire.workspaces.into_iter().map(Workspace::from).collect(), size, told, wire.next_page_token)
}

/// C3. A success without an id is not one.
pub(super) fn created(body: &[u8]) -> Option<RegulationId> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(alias = "regulateId")]
        regulate_id: Option<String>,
    }
    text(read::<Wire>(body)?.regulate_id).map(RegulationId::new)
}

/// C5. Only the id and the status must be there.
pub(super) fn report(body: &[u8]) -> Option<RegulationReport> {
    #[derive(Deserialize)]
    struct Wire {
        id: String,
        #[serde(alias = "overallStatus", alias = "status")]
        overall_status: String,
        #[serde(alias = "createdAt")]
        created_at: Option<String>,
        #[serde(alias = "finishedAt")]
        finished_at: Option<String>,
        #[serde(alias = "streamStatus")]
        stream_status: Option<Vec<Stream>>,
    }
    let wire: Wire = read(body)?;
    Some(RegulationReport {
        id: RegulationId::new(wire.id),
        status: RegulationStatus::parse(&wire.overall_status),
        created_at: time(wire.created_at.as_deref()),
        finished_at: time(wire.finished_at.as_deref()),
        destinations: wire.stream_status.into_iter().flatten().flat_map(Stream::destinations).collect(),
    })
}

/// `{name, values}`: users, or objects of a cloud source.
#[derive(Deserialize)]
struct WireAttributes {
    name: Option<String>,
    values: Option<Vec<String>>,
}

/// C4, asked for `size` entries. An entry that says its ids in neither form cannot be matched.
pub(super) fn regulations(body: &[u8], size: u16) -> Option<Page<RegulationEntry>> {
    #[derive(Deserialize)]
    struct Wire {
        // Required but nullable: an answer without the key is not a list, and "absent" would send a regulation again.
        #[serde(deserialize_with = "Option::deserialize")]
        regulations: Option<Vec<Entry>>,
        #[serde(alias = "nextPageToken")]
        next_page_token: Option<String>,
    }
    #[derive(Deserialize)]
    struct Entry {
        id: String,
        #[serde(alias = "overall_status", alias = "overallStatus")]
        status: Option<String>,
        #[serde(alias = "regulationType")]
        regulation_type: Option<String>,
        subjects: Option<Vec<String>>,
        attributes: Option<WireAttributes>,
        #[serde(alias = "createdAt")]
        created_at: Option<String>,
    }
    let wire: Wire = read(body)?;
    let entry = |entry: Entry| {
        let values = entry
            .attributes
            .filter(|attributes| is_user(attributes.name.as_deref()))
            .and_then(|attributes| attributes.values);
        RegulationEntry {
            id: RegulationId::new(entry.id),
            kind: text(entry.regulation_type).map(|kind| spelling::parse(&kind)),
            status: RegulationStatus::parse(&entry.status.unwrap_or_default()),
            subjects: entry.subjects.or(values).map(|ids| ids.into_iter().map(Pii::new).collect()),
            created_at: time(entry.created_at.as_deref()),
        }
    };
    let told = wire.next_page_token.is_some();
    page(wire.regulations.into_iter().flatten().map(entry).collect(), size, told, wire.next_page_token)
}

/// C8, asked for `size` entries.
pub(super) fn suppressed(body: &[u8], size: u16) -> Option<Page<Suppression>> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(deserialize_with = "Option::deserialize")]
        attributes: Option<Vec<WireAttributes>>,
        #[serde(alias = "nextPageToken")]
        next_page_token: Option<String>,
    }
    let wire: Wire = read(body)?;
    let entry = |entry: WireAttributes| Suppression {
        is_user: is_user(entry.name.as_deref()),
        subjects: entry.values.into_iter().flatten().map(Pii::new).collect(),
    };
    let told = wire.next_page_token.is_some();
    page(wire.attributes.into_iter().flatten().map(entry).collect(), size, told, wire.next_page_token)
}

/// `{"error","code"}` (documented), perhaps with `message` and `details` (inferred); and the plain text of a proxy that has no
/// route, which means that the URL is wrong (documented).
pub(super) fn problem(body: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Wire {
        error: Option<String>,
        message: Option<String>,
        code: Option<i64>,
    }
    match read::<Wire>(body) {
        Some(Wire { error, message, code }) => {
            Problem { code: code.map(|code| code.to_string()), text: text(error).or(message), ..Problem::default() }
        }
        None => Problem { unrouted: body.starts_with(b"upstream connect error"), ..Problem::default() },
    }
}

/// Every reader, for fuzzing.
#[cfg(fuzzing)]
pub(crate) fn read_all(body: &[u8]) {
    let _ = (workspace(body), workspaces(body, 10), created(body), report(body), regulations(body, 10));
    let _ = (suppressed(body, 10), problem(body));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use segment_core::Cursor;

    use super::*;

    #[test]
    fn both_spellings_are_the_same() {
        let snake = br#"{"id":"r","overall_status":"FAILED","created_at":"2024-05-01T09:00:00.123456Z",
            "stream_status":[{"id":"s","destination_status":[{"name":"Braze","id":"d","status":"FAILED","err_string":"no"}]}]}"#;
        let camel = br#"{"id":"r","overallStatus":"FAILED","createdAt":"2024-05-01T09:00:00.123456Z",
            "streamStatus":[{"id":"s","destinationStatus":[{"name":"Braze","id":"d","status":"FAILED","errString":"no"}]}]}"#;
        let read = report(snake).unwrap();
        assert_eq!(Some(read.clone()), report(camel));
        assert_eq!((read.status, read.destinations[0].name.as_str()), (RegulationStatus::Failed, "Braze"));
        assert_eq!(created(br#"{"regulate_id":"r"}"#), created(br#"{"regulateId":"r"}"#));
    }

    #[test]
    fn ids_stand_in_either_form_and_an_entry_without_them_has_none() {
        let list = |entry: &str| {
            let body = format!(r#"{{"regulations":[{{"id":"r","status":"RUNNING"{entry}}}],"next_page_token":""}}"#);
            regulations(body.as_bytes(), 10).unwrap().items.remove(0).subjects
        };
        let ids = Some([Pii::from("u-1")].into());
        assert_eq!(list(r#","subjects":["u-1"]"#), ids);
        assert_eq!(list(r#","attributes":{"name":"userId","values":["u-1"]}"#), ids);
        assert_eq!(list(r#","attributes":{"name":"objectId","values":["o"]}"#), None);
        assert_eq!(list(""), None);
    }

    #[test]
    fn a_list_ends_with_an_empty_token_or_none_but_a_full_page_must_say_so() {
        let entries = |count: usize| vec![r#"{"id":"r"}"#; count].join(",");
        let with =
            |count, token: &str| regulations(format!(r#"{{"regulations":[{}]{token}}}"#, entries(count)).as_bytes(), 2);
        assert_eq!(with(2, r#","next_page_token":"""#).unwrap().next, None);
        assert_eq!(with(1, "").unwrap().next, None);
        assert!(with(2, "").is_none());
        assert_eq!(with(1, r#","nextPageToken":"x""#).unwrap().next, Cursor::new("x"));
        assert!(regulations(b"{}", 2).is_none() && suppressed(b"{}", 2).is_none());
    }

    #[test]
    fn errors_in_every_shape() {
        let table: [(&str, Option<&str>, Option<&str>, bool); 5] = [
            (r#"{"error":"insufficient scope","code":7}"#, Some("7"), Some("insufficient scope"), false),
            (r#"{"message":"no","details":[]}"#, None, Some("no"), false),
            ("upstream connect error or disconnect/reset before headers", None, None, true),
            ("<html>", None, None, false),
            ("", None, None, false),
        ];
        for (body, code, message, unrouted) in table {
            let read = problem(body.as_bytes());
            assert_eq!(
                (read.code.as_deref(), read.text.as_deref(), read.unrouted),
                (code, message, unrouted),
                "{body}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (workspace(&body), workspaces(&body, 9), created(&body), report(&body), regulations(&body, 9), suppressed(&body, 9), problem(&body));
        }
    }
}
