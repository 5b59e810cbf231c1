//! Which window asks for what, and when: without a call or a clock.

use std::num::NonZeroUsize;

use jiff::{SignedDuration, Timestamp};

use super::{
    proof::Proof,
    stretch::{Edge, Stretch, earlier},
    window::{Contradiction, Read, Seam, State, Window},
};
use crate::{ErrorKind, Event, EventsQuery, Page, Paged, Retry, SegmentError, Service, paging::MAX_PAGES};

/// What one window is to take, at most.
const PAGES: i32 = 8;
/// No window is shorter: what it asks for beside itself would be most of it.
const SHORTEST: SignedDuration = SignedDuration::from_secs(20);
/// So many full pages are read before anything else is asked for.
const FEW: u32 = 2;
/// So many calls at once are made then; each full page allows one more, each that has little on it one less.
const AT_FIRST: usize = 4;
/// The call by which it is seen whether times are taken as they should be.
const PROOF: u64 = u64::MAX;
/// Pages that wait for those before them, at most.
const HELD: usize = 64;
/// How far back events go (documented).
const REACH: SignedDuration = SignedDuration::from_hours(14 * 24);

pub(super) struct Call {
    pub(super) window: u64,
    pub(super) query: EventsQuery,
}

pub(super) enum Next {
    Page(Vec<Event>),
    Wait,
    End,
}

/// Whether times are taken as they should be.
enum Trust {
    /// What is known so far, to find that out.
    Unproven(Vec<(Timestamp, String)>),
    Ready(Proof),
    Asked(Proof),
    Proven,
}

enum Piece {
    Window(Box<Window>),
    /// Nobody has asked for it yet.
    Rest(Stretch),
}

/// The list, newest first, in pieces that touch.
pub(super) struct Plan {
    width: usize,
    pieces: Vec<Piece>,
    windows: u64,
    under_way: usize,
    /// How many calls at once have shown to be worth it.
    courage: usize,
    trust: Trust,
    /// Pages so far.
    pages: u32,
    /// Events so far, and when the first and the oldest of them happened.
    seen: usize,
    first: Option<Timestamp>,
    oldest: Option<Timestamp>,
    /// Events a page, as far as is known.
    page: usize,
    /// How long a page is where nobody has looked yet: on the average, or as where little was seen last.
    span: SignedDuration,
    /// How long the last page was.
    local: SignedDuration,
    /// The oldest time that there should be something of.
    floor: Timestamp,
    /// Times are not to be relied on.
    plain: bool,
    /// What happened where the last window that was given ended.
    seam: Option<Seam>,
}

impl Plan {
    pub(super) fn new(width: NonZeroUsize) -> Self {
        Self {
            width: width.get(),
            pieces: vec![Piece::Window(Box::new(Window::whole()))],
            windows: 1,
            under_way: 0,
            courage: 1,
            trust: Trust::Unproven(Vec::new()),
            pages: 0,
            seen: 0,
            first: None,
            oldest: None,
            page: 1,
            span: SHORTEST,
            local: SHORTEST,
            floor: Timestamp::MIN,
            plain: width.get() == 1,
            seam: None,
        }
    }

    /// The next call, if one more is to be made now.
    pub(super) fn call(&mut self) -> Option<Call> {
        if let Trust::Ready(_) = self.trust {
            let Trust::Ready(proof) = std::mem::replace(&mut self.trust, Trust::Proven) else { return None };
            let query = proof.query();
            self.trust = Trust::Asked(proof);
            self.under_way += 1;
            return Some(Call { window: PROOF, query });
        }
        let trusted = matches!(self.trust, Trust::Proven);
        if self.under_way >= if trusted { self.width.min(self.courage) } else { 2 } {
            return None;
        }
        let held: usize = self.windows().map(|window| window.kept.len()).sum::<usize>() + self.under_way;
        for index in 0..self.pieces.len() {
            // Whoever is to be given next always goes on.
            if index > 0 && held >= HELD {
                return None;
            }
            if let Piece::Rest(rest) = &self.pieces[index] {
                let rest = *rest;
                self.open(index, rest);
            }
            let Piece::Window(window) = &mut self.pieces[index] else { continue };
            match &mut window.state {
                State::Idle(next) => {
                    let next = next.take();
                    window.state = State::Busy;
                    self.under_way += 1;
                    return Some(Call { window: window.id, query: window.query(next) });
                }
                State::Failed(_) => return None,
                State::Busy | State::Done => {}
            }
        }
        None
    }

    /// What came of a call.
    pub(super) fn answer(&mut self, window: u64, answer: Paged<Event>) -> Result<(), SegmentError> {
        self.under_way -= 1;
        if window == PROOF {
            self.see(answer);
            return Ok(());
        }
        let is_it = |piece: &Piece| matches!(piece, Piece::Window(one) if one.id == window);
        let Some(index) = self.pieces.iter().position(is_it) else { return Ok(()) };
        let alone = self.is_alone();
        let Piece::Window(window) = &mut self.pieces[index] else { return Ok(()) };
        match answer {
            Err(error) if error.retry() == Retry::Never && !window.is_whole() => return Err(contradiction()),
            Err(error) => window.state = State::Failed(error),
            Ok(None) if alone => window.state = State::Done,
            // It was there a moment ago.
            Ok(None) => return Err(contradiction()),
            Ok(Some(page)) => return self.read(index, page, alone),
        }
        Ok(())
    }

    /// Who answers a question wrong whose answer is known is asked page by page.
    fn see(&mut self, answer: Paged<Event>) {
        let trust = std::mem::replace(&mut self.trust, Trust::Proven);
        let (Trust::Asked(proof), Ok(Some(page))) = (trust, answer) else {
            self.plain = true;
            return;
        };
        self.plain |= proof.check(&page).is_err();
        self.courage = self.width.min(self.courage.max(AT_FIRST));
    }

    fn read(&mut self, index: usize, page: Page<Event>, alone: bool) -> Result<(), SegmentError> {
        self.pages += 1;
        // What overlaps is read twice.
        if self.pages > MAX_PAGES.saturating_mul(2) {
            return Err(SegmentError::new(Service::ProfileApi, ErrorKind::EndlessList));
        }
        self.know(&page);
        let Piece::Window(window) = &mut self.pieces[index] else { return Ok(()) };
        if self.plain {
            window.read_plainly(page);
            return Ok(());
        }
        let kept = alone.then(|| page.clone());
        match (window.read(page), kept) {
            (Ok(_), _) if !window.is_whole() && matches!(window.state, State::Failed(_)) => return Err(contradiction()),
            (Ok(read), _) => {
                self.learn(index, &read);
                self.extend(index);
                self.cut(index);
            }
            (Err(Contradiction), Some(page)) => {
                self.plain = true;
                window.read_plainly(page);
            }
            (Err(Contradiction), None) => return Err(contradiction()),
        }
        Ok(())
    }

    /// Whether there is one window, of the whole list.
    fn is_alone(&self) -> bool {
        self.pieces.len() == 1
            && matches!(&self.pieces[0], Piece::Window(one) if one.is_whole() && one.own == Stretch::default())
    }

    /// Remembers the first events, and makes of them a question whose answer is known.
    fn know(&mut self, page: &Page<Event>) {
        if self.plain {
            // Nobody asks, and a long list is not to be kept.
            self.trust = Trust::Proven;
        }
        let Trust::Unproven(known) = &mut self.trust else { return };
        known.extend(page.items.iter().filter_map(|event| Some((event.timestamp()?, event.name()))));
        if self.pages < FEW || page.next.is_none() {
            return;
        }
        match Proof::of(known) {
            Some(proof) => self.trust = Trust::Ready(proof),
            None => self.plain = true,
        }
    }

    /// How dense it is where the page is, and whether more calls at once are worth it.
    fn learn(&mut self, index: usize, read: &Read) {
        let Piece::Window(window) = &self.pieces[index] else { return };
        self.page = self.page.max(read.events);
        self.seen += read.events;
        self.first = self.first.or(window.newest);
        self.oldest = window.position.into_iter().chain(self.oldest).min();
        if self.floor == Timestamp::MIN
            && let Some(at) = window.position
        {
            self.floor = earlier(at, REACH);
        }
        if matches!(window.state, State::Idle(_)) {
            self.courage = self.width.min(self.courage + 1);
            // A burst says nothing of the quiet time after it: a page is as long as on the average, at least.
            let average = self.first.zip(self.oldest).map(|(first, oldest)| first.duration_since(oldest));
            let average = scaled(average.unwrap_or_default(), self.page, self.seen);
            self.local = scaled(read.span, self.page, read.events);
            self.span = self.local.max(average);
        } else if let (Some(after), Some(until)) = (window.own.after, window.own.until)
            && window.pages == 1
            && read.events * 2 < self.page
        {
            // Few, where more were expected: the next ones are longer, step by step.
            let length = until.at.duration_since(after.at);
            let steps = if read.events == 0 { 16 } else { 4 };
            let longer = self.span.max(length / PAGES).saturating_mul(steps);
            self.span = scaled(length, self.page, read.events).min(longer).max(self.span);
            self.local = self.span;
            self.courage = (self.courage - 1).max(1);
        }
    }

    /// Leaves to others what is more than a share.
    fn cut(&mut self, index: usize) {
        let is_idle =
            self.under_way + 1 < self.width && !self.pieces.iter().any(|piece| matches!(piece, Piece::Rest(_)));
        let Piece::Window(window) = &mut self.pieces[index] else { return };
        let (State::Idle(_), Some(position)) = (&window.state, window.position) else { return };
        // What is shared with a neighbour is read by one window whole.
        let floor = window.own.after.map_or(self.floor, |edge| edge.end());
        let from = window.own.until.map_or(position, |until| until.start().min(position));
        // Where nobody else has anything to do it is shared out; otherwise it may be as long as any.
        let share = if is_idle {
            share(from, floor, self.local, self.width)
        } else {
            self.local.saturating_mul(PAGES).max(SHORTEST)
        };
        if !matches!(self.trust, Trust::Proven) || self.plain || from.duration_since(floor) <= share.saturating_mul(2) {
            return;
        }
        let edge = Edge::new(earlier(from, share), self.local);
        let rest = window.cut(edge);
        self.pieces.insert(index + 1, Piece::Rest(rest));
    }

    /// Drops what others were to read, where a list was over before it came to that.
    fn extend(&mut self, index: usize) {
        let Piece::Window(window) = &mut self.pieces[index] else { return };
        let Some(own) = window.extend() else { return };
        while self.pieces.len() > index + 1 {
            let after = match self.pieces.remove(index + 1) {
                Piece::Window(window) => window.own.after,
                Piece::Rest(rest) => rest.after,
            };
            if after == own.after {
                return;
            }
        }
    }

    /// Makes a window of the newest part of what nobody has asked for.
    fn open(&mut self, index: usize, rest: Stretch) {
        let floor = rest.after.map_or(self.floor, |edge| edge.end());
        let after = rest.until.and_then(|until| {
            let from = until.start();
            let share = share(from, floor, self.span, self.width);
            // What is left would be too little for a window.
            let is_last = from.duration_since(floor) <= share.saturating_mul(2);
            (!is_last).then(|| Edge::new(earlier(from, share), self.local))
        });
        let own = Stretch { after: after.or(rest.after), until: rest.until };
        self.pieces[index] = Piece::Window(Box::new(Window::new(self.windows, own)));
        self.windows += 1;
        if let Some(after) = after {
            self.pieces.insert(index + 1, Piece::Rest(Stretch { after: rest.after, until: Some(after) }));
        }
    }

    /// What is to be given next.
    pub(super) fn take(&mut self) -> Result<Next, SegmentError> {
        loop {
            let Some(Piece::Window(head)) = self.pieces.first_mut() else {
                return Ok(if self.pieces.is_empty() { Next::End } else { Next::Wait });
            };
            if let Some(events) = head.kept.pop_front() {
                return Ok(Next::Page(events));
            }
            match std::mem::replace(&mut head.state, State::Done) {
                State::Failed(error) => return Err(error),
                State::Done => {}
                state => {
                    head.state = state;
                    return Ok(Next::Wait);
                }
            }
            if self.seam.take().is_some_and(|seam| seam != head.newer) {
                return Err(contradiction());
            }
            self.seam = head.own.after.map(|_| std::mem::take(&mut head.older));
            self.pieces.remove(0);
        }
    }

    fn windows(&self) -> impl Iterator<Item = &Window> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Window(window) => Some(window.as_ref()),
            Piece::Rest(_) => None,
        })
    }
}

/// How long a window is to be, of what is left: so that towards the end there is something to do for everybody. Half a page less
/// than full ones, since what overlaps, and a page with little on it, are calls, too.
fn share(from: Timestamp, floor: Timestamp, page: SignedDuration, width: usize) -> SignedDuration {
    let left = from.duration_since(floor);
    let pages = left.as_millis() / page.as_millis().max(1);
    let share = pages / (2 * i128::try_from(width).unwrap_or(i128::MAX)).max(1);
    let share = i32::try_from(share).unwrap_or(PAGES).clamp(2, PAGES);
    (page.saturating_mul(share) - page / 2).max(SHORTEST)
}

/// The time that a full page takes, by a time that so many events took.
fn scaled(time: SignedDuration, page: usize, events: usize) -> SignedDuration {
    let number = |of: usize| i128::try_from(of.max(1)).unwrap_or(i128::MAX);
    let millis = time.as_millis().max(1).saturating_mul(number(page)) / number(events);
    SignedDuration::from_millis(i64::try_from(millis.max(1)).unwrap_or(i64::MAX))
}

fn contradiction() -> SegmentError {
    SegmentError::new(Service::ProfileApi, ErrorKind::Contradiction)
}
