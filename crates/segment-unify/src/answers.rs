//! Answers, read as section 7 of docs/segment-api.md says: `data: null` is empty, a missing cursor is the last page, records
//! are kept as they came.

use segment_core::{Cursor, Event, ExternalId, Link, Metadata, Page, Pii, Trait};
use segment_http::Problem;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// Reads an answer. Half of a surrogate pair in a text, which is no character, is shown as the replacement character: what a
/// person once typed, cut in the middle, must not hide everything else of them.
fn read<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice(body).or_else(|_| serde_json::from_slice(&without_half_pairs(body))).ok()
}

fn without_half_pairs(body: &[u8]) -> Vec<u8> {
    let unit = |at: usize| {
        let digits = body.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (mut text, mut at) = (Vec::with_capacity(body.len()), 0);
    while at < body.len() {
        let taken = match (unit(at), unit(at + 6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
            (Some(0xd800..=0xdfff), _) => {
                text.extend_from_slice(b"\\ufffd");
                at += 6;
                continue;
            }
            (Some(_), _) => 6,
            // A backslash escapes what comes after it, another one too.
            (None, _) if body[at] == b'\\' => 2,
            (None, _) => 1,
        };
        text.extend_from_slice(&body[at..body.len().min(at + taken)]);
        at += taken;
    }
    text
}

#[derive(Deserialize)]
struct WireCursor {
    has_more: Option<bool>,
    next: Option<String>,
}

/// The next page, if there is one: `has_more` and a `next` that is not empty. `url` is never looked at.
fn next(cursor: Option<WireCursor>) -> Option<Cursor> {
    cursor.filter(|cursor| cursor.has_more == Some(true)).and_then(|cursor| cursor.next).and_then(Cursor::new)
}

#[derive(Deserialize)]
struct WireList {
    // Required but nullable: an answer without the key is not a list.
    #[serde(deserialize_with = "Option::deserialize")]
    data: Option<Vec<Value>>,
    cursor: Option<WireCursor>,
}

fn list<T>(body: &[u8], item: impl Fn(Value) -> Option<T>) -> Option<Page<T>> {
    let wire: WireList = read(body)?;
    let items: Option<_> = wire.data.into_iter().flatten().map(item).collect();
    Some(Page { items: items?, next: next(wire.cursor) })
}

pub(super) fn metadata(body: &[u8]) -> Option<Metadata> {
    #[derive(Deserialize)]
    struct Wire {
        segment_id: Option<String>,
        metadata: Map<String, Value>,
    }
    let wire: Wire = read(body)?;
    let segment_id = wire.segment_id.filter(|id| !id.is_empty()).map(Pii::new);
    Some(Metadata { segment_id, fields: Pii::new(Value::Object(wire.metadata)) })
}

pub(super) fn traits(body: &[u8]) -> Option<Page<Trait>> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(deserialize_with = "Option::deserialize")]
        traits: Option<Map<String, Value>>,
        cursor: Option<WireCursor>,
    }
    let wire: Wire = read(body)?;
    let items = wire.traits.into_iter().flatten().map(|(name, value)| Trait { name, value: Pii::new(value) });
    Some(Page { items: items.collect(), next: next(wire.cursor) })
}

/// Type and id must be there: a user id that is not understood would be missing from an erasure.
pub(super) fn external_ids(body: &[u8]) -> Option<Page<ExternalId>> {
    list(body, |record| {
        let text = |name: &str| record.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        Some(ExternalId { kind: text("type")?, value: Pii::new(text("id")?), record: Pii::new(record) })
    })
}

pub(super) fn events(body: &[u8]) -> Option<Page<Event>> {
    list(body, |record| Some(Event { record: Pii::new(record) }))
}

pub(super) fn links(body: &[u8]) -> Option<Page<Link>> {
    list(body, |record| Some(Link { record: Pii::new(record) }))
}

/// `{"error":{"code","message"}}`.
pub(super) fn problem(body: &[u8]) -> Problem {
    #[derive(Deserialize)]
    struct Wire {
        error: WireError,
    }
    #[derive(Deserialize)]
    struct WireError {
        code: Option<String>,
        message: Option<String>,
    }
    serde_json::from_slice::<Wire>(body).map_or_else(
        |_| Problem::default(),
        |wire| Problem { code: wire.error.code, text: wire.error.message, ..Problem::default() },
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next_of(cursor: &str) -> Option<String> {
        let body = format!(r#"{{"data":[]{cursor}}}"#);
        events(body.as_bytes()).unwrap().next.map(|next| next.as_str().to_owned())
    }

    #[test]
    fn the_cursor_rules() {
        let url = r#""url":"https://evil.example/v1/spaces/x?next=other""#;
        assert_eq!(next_of(&format!(r#","cursor":{{{url},"has_more":true,"next":"b","limit":2}}"#)), Some("b".into()));
        assert_eq!(next_of(&format!(r#","cursor":{{{url},"has_more":false,"next":"b"}}"#)), None);
        assert_eq!(next_of(&format!(r#","cursor":{{{url},"has_more":true,"next":""}}"#)), None);
        assert_eq!(next_of(r#","cursor":{"has_more":true}"#), None);
        assert_eq!(next_of(r#","cursor":null"#), None);
        assert_eq!(next_of(""), None);
    }

    #[test]
    fn null_is_empty_and_missing_is_not_understood() {
        assert_eq!(events(br#"{"data":null,"cursor":{"url":"","has_more":false,"next":""}}"#).unwrap().items, []);
        assert_eq!(traits(br#"{"traits":null}"#).unwrap().items, []);
        for body in ["{}", "", "<html>", r#"{"data":{}}"#, r#"{"data":[1]"#] {
            assert!(events(body.as_bytes()).is_none(), "{body}");
            assert!(traits(body.as_bytes()).is_none(), "{body}");
            assert!(metadata(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_hides_nothing() {
        let body = br#"{"traits":{"cut\\ud83d":"a\ud83d","whole":"\ud83d\ude00","low":"\ude00\ud83d\u00fc","plain":"\\ud800"}}"#;
        let page = traits(body).unwrap();
        let read: Vec<_> =
            page.items.iter().map(|one| (one.name.as_str(), one.value.expose().as_str().unwrap())).collect();
        let expected =
            [("cut\\ud83d", "a\u{fffd}"), ("low", "\u{fffd}\u{fffd}ü"), ("plain", "\\ud800"), ("whole", "\u{1f600}")];
        assert_eq!(read, expected);
        assert!(traits(br#"{"traits":{"a":"\ud83d"}"#).is_none(), "what is no JSON stays none");
    }

    #[test]
    fn records_come_along_whole() {
        let record = r#"{"type":"user_id","id":"u-1","first_message_id":"m","new_key":{"x":[1]}}"#;
        let page = external_ids(format!(r#"{{"data":[{record}]}}"#).as_bytes()).unwrap();
        assert_eq!(page.items[0].record.expose(), &serde_json::from_str::<Value>(record).unwrap());
        assert_eq!((page.items[0].kind.as_str(), page.items[0].value.expose().as_str()), ("user_id", "u-1"));
        let live = metadata(br#"{"segment_id":"use_3","metadata":{"expires_at":null}}"#).unwrap();
        assert_eq!(live.segment_id, Some(Pii::from("use_3")));
        assert_eq!(metadata(br#"{"metadata":{}}"#).unwrap().segment_id, None);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = (metadata(&body), traits(&body), external_ids(&body), events(&body), links(&body), problem(&body));
        }
    }
}
