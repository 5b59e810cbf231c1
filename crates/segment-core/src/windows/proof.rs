//! Whether the service takes times as it should, seen by a question whose answer is known.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    stretch::{ROUNDING, ceiling, earlier, floor, later},
    window::Contradiction,
};
use crate::{Event, EventsQuery, Page};

/// Beside what is rounded to a second.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What happened in a time that was read already, newest first.
pub(super) struct Proof {
    start: Timestamp,
    end: Timestamp,
    known: Vec<(Timestamp, String)>,
}

impl Proof {
    /// A question about the middle of what is known; `None` if that proves nothing. Its end is just after an event, and within the
    /// same minute: whoever takes ends by the minute, the hour or the day leaves that event out.
    pub(super) fn of(events: &[(Timestamp, String)]) -> Option<Self> {
        let (quarter, rest) = (events.len() / 4, events.len() - events.len() / 4);
        let minute = |at: Timestamp| at.as_second().div_euclid(60);
        let end_of = |at: Timestamp| later(ceiling(at), SECOND);
        let newest = events.get(quarter..rest)?.iter().find(|(at, _)| minute(*at) == minute(end_of(*at)))?.0;
        let oldest = events.get(rest.checked_sub(1)?)?.0;
        let (start, end) = (earlier(floor(oldest), SECOND), end_of(newest));
        let known = events.iter().filter(|(at, _)| *at >= oldest && *at <= newest).cloned().collect();
        Some(Self { start, end, known })
    }

    pub(super) fn query(&self) -> EventsQuery {
        EventsQuery { start: Some(self.start), end: Some(self.end), ..EventsQuery::default() }
    }

    /// Whether the answer holds what is known, and nothing from elsewhere.
    pub(super) fn check(&self, page: &Page<Event>) -> Result<(), Contradiction> {
        let (first, last) = (later(self.end, ROUNDING), earlier(self.start, ROUNDING));
        let times: Option<Vec<_>> = page.items.iter().map(Event::timestamp).collect();
        let times = times.filter(|times| times.iter().all(|at| *at < first && *at > last)).ok_or(Contradiction)?;
        let told: BTreeSet<_> = page.items.iter().map(Event::name).collect();
        // Of a page that is not the last, what is at its end may be on the next one.
        let end = if page.next.is_some() { times.last().copied() } else { None };
        let mut expected = self.known.iter().filter(|(at, _)| end.is_none_or(|end| *at > end));
        let is_enough = page.next.is_some() || page.items.len() >= self.known.len();
        if is_enough && expected.all(|(_, name)| told.contains(name)) { Ok(()) } else { Err(Contradiction) }
    }
}
