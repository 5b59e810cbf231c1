//! The parts of answers that both APIs of regulations have, in whichever spelling.

use jiff::Timestamp;
use segment_core::{Cursor, DestinationReport, Page, Pii, RegulationStatus};
use serde::Deserialize;

use crate::parse_timestamp;

/// How a source's destinations took a deletion.
#[derive(Deserialize)]
pub(crate) struct Stream {
    id: Option<String>,
    #[serde(alias = "destinationStatus")]
    destination_status: Option<Vec<Destination>>,
}

#[derive(Deserialize)]
struct Destination {
    name: Option<String>,
    id: Option<String>,
    status: Option<String>,
    #[serde(alias = "errString")]
    err_string: Option<String>,
}

impl Stream {
    pub(crate) fn destinations(self) -> impl Iterator<Item = DestinationReport> {
        let stream = self.id.unwrap_or_default();
        self.destination_status.into_iter().flatten().map(move |wire| DestinationReport {
            stream: stream.clone(),
            id: wire.id.unwrap_or_default(),
            name: text(wire.name).unwrap_or_else(|| "a destination without a name".to_owned()),
            status: RegulationStatus::parse(&wire.status.unwrap_or_default()),
            message: Pii::new(wire.err_string.unwrap_or_default()),
        })
    }
}

/// Empty is as good as missing.
pub(crate) fn text(id: Option<String>) -> Option<String> {
    id.filter(|id| !id.is_empty())
}

pub(crate) fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(parse_timestamp)
}

/// Whether subjects of this type are users. It is spelled `USER_ID`, `userId` and `user_id`.
pub(crate) fn is_user(subject_type: Option<&str>) -> bool {
    subject_type.is_none_or(|kind| kind.replace('_', "").eq_ignore_ascii_case("userid"))
}

/// A page of at most `count` items; `told` is whether the answer says at all if there is a next one. A full page that does not
/// is not understood: taken for the last one it would mean that nothing else exists.
pub(crate) fn page<T>(items: Vec<T>, count: u16, told: bool, next: Option<String>) -> Option<Page<T>> {
    if !told && items.len() >= usize::from(count) {
        return None;
    }
    Some(Page { items, next: next.and_then(Cursor::new) })
}
