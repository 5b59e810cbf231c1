//! In which spelling a user id goes into a regulation: as the caller, the owned database or an event has it. The Profile
//! API shows identifiers lower-cased, and in some systems `aB1` and `ab1` are two people (docs/segment-api.md, 6.2).

use std::collections::BTreeSet;

use segment_core::{EventsQuery, Pii, ProfileRef, SegmentError, ports::Profiles};

/// Pages of events that are read for a spelling; the newest events come first.
const PAGES: usize = 5;

pub(super) struct Spelled {
    pub(super) user_ids: BTreeSet<Pii<String>>,
    pub(super) unconfirmed: usize,
}

pub(super) async fn spell(
    api: &dyn Profiles,
    profiles: &[ProfileRef],
    known: BTreeSet<Pii<String>>,
    shown: BTreeSet<Pii<String>>,
) -> Result<Spelled, SegmentError> {
    let spelled = |ids: &BTreeSet<Pii<String>>, lower: &Pii<String>| {
        ids.iter().any(|id| &id.expose().to_lowercase() == lower.expose())
    };
    let has_case = |id: &Pii<String>| id.expose().chars().any(char::is_alphabetic);
    let mut open: BTreeSet<_> = shown.iter().filter(|id| !spelled(&known, id)).cloned().collect();
    let mut user_ids = known;
    user_ids.extend(open.iter().filter(|id| !has_case(id)).cloned());
    open.retain(has_case);
    for profile in profiles {
        if open.is_empty() {
            break;
        }
        let raw = from_events(api, profile, &open).await?;
        open.retain(|id| !spelled(&raw, id));
        user_ids.extend(raw);
    }
    let unconfirmed = open.len();
    user_ids.extend(open);
    Ok(Spelled { user_ids, unconfirmed })
}

/// The spellings that events have for the ids that are looked for.
async fn from_events(
    api: &dyn Profiles,
    profile: &ProfileRef,
    wanted: &BTreeSet<Pii<String>>,
) -> Result<BTreeSet<Pii<String>>, SegmentError> {
    let mut raw = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut query = EventsQuery::default();
    for _ in 0..PAGES {
        let Some(page) = api.events(profile, &query).await? else { break };
        for id in page.items.iter().flat_map(segment_core::Event::user_ids) {
            let lower = Pii::new(id.expose().to_lowercase());
            if wanted.contains(&lower) {
                seen.insert(lower);
                raw.insert(id);
            }
        }
        if seen.len() == wanted.len() || page.next.is_none() || page.next == query.next {
            break;
        }
        query.next = page.next;
    }
    Ok(raw)
}
