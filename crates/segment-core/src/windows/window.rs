//! One window: what it asks for, what it keeps, and whether what it is told makes sense.

use std::collections::{BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::stretch::{Edge, Stretch, ceiling, floor};
use crate::{Cursor, ErrorKind, Event, EventsQuery, Page, SegmentError, Service, paging::Followed};

/// Events beyond its own end that a window keeps for the case that its list is over, at most.
const MOST_BEYOND: usize = 1_000;

/// What the answers of a window hold cannot be.
pub(super) struct Contradiction;

/// Events that happened near one end of a window, by their ids.
pub(super) type Seam = BTreeSet<String>;

pub(super) enum State {
    /// The page at this cursor is to be asked for.
    Idle(Option<Cursor>),
    Busy,
    Done,
    Failed(SegmentError),
}

pub(super) struct Window {
    pub(super) id: u64,
    /// What it keeps.
    pub(super) own: Stretch,
    /// What it asks for, and what overlaps: the whole list if that is open.
    asked: Stretch,
    pub(super) pages: u32,
    pub(super) state: State,
    /// What it keeps and has not given yet.
    pub(super) kept: VecDeque<Vec<Event>>,
    /// When the first and the last event that it was told of happened.
    pub(super) newest: Option<Timestamp>,
    pub(super) position: Option<Timestamp>,
    pub(super) newer: Seam,
    pub(super) older: Seam,
    /// What it was told of beyond its own end, after that was moved.
    beyond: Vec<Event>,
    /// There are no more pages.
    is_at_end: bool,
    /// Nothing of what is beyond has been dropped.
    may_extend: bool,
    followed: Followed<Event>,
}

/// What a page showed.
pub(super) struct Read {
    /// How many events there were.
    pub(super) events: usize,
    /// Between the first and the last of them.
    pub(super) span: SignedDuration,
}

impl Window {
    /// The whole list.
    pub(super) fn whole() -> Self {
        Self::new(0, Stretch::default())
    }

    pub(super) fn new(id: u64, own: Stretch) -> Self {
        Self {
            id,
            own,
            asked: own,
            pages: 0,
            state: State::Idle(None),
            kept: VecDeque::new(),
            newest: None,
            position: None,
            newer: Seam::new(),
            older: Seam::new(),
            beyond: Vec::new(),
            is_at_end: false,
            may_extend: true,
            followed: Followed::default(),
        }
    }

    /// Ends it earlier than it asked for: the rest is somebody else's.
    pub(super) fn cut(&mut self, edge: Edge) -> Stretch {
        Stretch { after: self.own.after.replace(edge), until: Some(edge) }
    }

    /// Where it was cut, and its list has turned out to end all the same: keeps all of it again, and answers with the end of that.
    pub(super) fn extend(&mut self) -> Option<Stretch> {
        if !self.is_at_end || !self.may_extend || self.own.after == self.asked.after {
            return None;
        }
        self.own.after = self.asked.after;
        let mut beyond = std::mem::take(&mut self.beyond);
        let is_shared = |at| self.own.after.is_some_and(|edge| edge.is_shared(at));
        let shared = beyond.iter().filter(|event| event.timestamp().is_some_and(is_shared));
        self.older = shared.map(Event::name).collect();
        beyond.retain(|event| event.timestamp().is_some_and(|at| self.own.holds(at)));
        if !beyond.is_empty() {
            self.kept.push_back(beyond);
        }
        Some(self.own)
    }

    /// Whether it asks without times.
    pub(super) fn is_whole(&self) -> bool {
        self.asked == Stretch::default()
    }

    pub(super) fn query(&self, next: Option<Cursor>) -> EventsQuery {
        let start = self.asked.after.map(|edge| floor(edge.start()));
        let end = self.asked.until.map(|edge| ceiling(edge.end()));
        EventsQuery { start, end, next, ..EventsQuery::default() }
    }

    /// Takes a page as it comes, without a look at times.
    pub(super) fn read_plainly(&mut self, page: Page<Event>) {
        self.follow(&page);
        self.kept.push_back(page.items);
    }

    /// Takes a page: keeps what happened within the window, and goes on to its end.
    pub(super) fn read(&mut self, page: Page<Event>) -> Result<Read, Contradiction> {
        let times = self.times(&page.items)?;
        let span = match (times.first(), times.last()) {
            (Some(first), Some(last)) => first.duration_since(*last),
            _ => SignedDuration::ZERO,
        };
        let events = page.items.len();
        self.newest = self.newest.or(times.first().copied());
        self.position = times.last().copied().or(self.position);
        self.follow(&page);
        let is_past = self.own.after.is_some_and(|edge| self.position.is_some_and(|at| at < edge.start()));
        if is_past && matches!(self.state, State::Idle(_)) {
            self.state = State::Done;
        }
        let mut kept = Vec::with_capacity(events);
        for (event, at) in page.items.into_iter().zip(times) {
            for (end, seam) in [(self.own.until, &mut self.newer), (self.own.after, &mut self.older)] {
                if end.is_some_and(|edge| edge.is_shared(at)) {
                    seam.insert(event.name());
                }
            }
            if self.own.holds(at) {
                kept.push(event);
            } else if self.own.after != self.asked.after && self.own.after.is_some_and(|edge| at <= edge.at) {
                self.beyond.push(event);
            }
            if self.beyond.len() > MOST_BEYOND {
                // Somebody else reads that anyway.
                self.beyond.clear();
                self.may_extend = false;
            }
        }
        if !matches!(self.state, State::Idle(_)) && !self.is_at_end {
            self.beyond.clear();
        }
        if !kept.is_empty() {
            self.kept.push_back(kept);
        }
        Ok(Read { events, span })
    }

    /// When each happened, if that is what was asked for.
    fn times(&self, events: &[Event]) -> Result<Vec<Timestamp>, Contradiction> {
        let mut last = self.position;
        let mut time = |event: &Event| {
            let at = event.timestamp().filter(|at| last.is_none_or(|last| *at <= last) && self.asked.may_show(*at));
            last = at;
            at.ok_or(Contradiction)
        };
        events.iter().map(&mut time).collect()
    }

    fn follow(&mut self, page: &Page<Event>) {
        self.pages += 1;
        self.state = match &page.next {
            None => {
                self.is_at_end = true;
                State::Done
            }
            Some(next) if self.followed.goes_on(page, next) => State::Idle(Some(next.clone())),
            Some(_) => State::Failed(SegmentError::new(Service::ProfileApi, ErrorKind::EndlessList)),
        };
    }
}
