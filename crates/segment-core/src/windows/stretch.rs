//! Stretches of time, and where they meet.

use jiff::{SignedDuration, Timestamp};

/// We round to whole seconds, and so may the service: what comes of both is wrong by less.
pub(super) const ROUNDING: SignedDuration = SignedDuration::from_secs(2);
/// Windows overlap by so much, at least.
const LEAST: SignedDuration = SignedDuration::from_secs(4);

/// Where two windows meet: what happened then belongs to the older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) at: Timestamp,
    /// Both ask for what the other one has, so far.
    overlap: SignedDuration,
}

impl Edge {
    /// `page`: how long a page of events takes there. An eighth of a page is read twice: enough to see whether both agree.
    pub(super) fn new(at: Timestamp, page: SignedDuration) -> Self {
        Self { at, overlap: LEAST.max(page / 8) }
    }

    /// What the newer one asks for ends here.
    pub(super) fn start(&self) -> Timestamp {
        earlier(self.at, self.overlap)
    }

    /// What the older one asks for ends here.
    pub(super) fn end(&self) -> Timestamp {
        later(self.at, self.overlap)
    }

    /// Whether both must know what happened then.
    pub(super) fn is_shared(&self, at: Timestamp) -> bool {
        at.duration_since(self.at).abs() <= self.overlap - ROUNDING
    }
}

/// Later than `after`, up to and with `until`; open where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) after: Option<Edge>,
    pub(super) until: Option<Edge>,
}

impl Stretch {
    pub(super) fn holds(&self, at: Timestamp) -> bool {
        self.after.is_none_or(|after| at > after.at) && self.until.is_none_or(|until| at <= until.at)
    }

    /// Whether an answer to whoever asked for it, and for what overlaps, may hold what happened then.
    pub(super) fn may_show(&self, at: Timestamp) -> bool {
        self.after.is_none_or(|after| at > earlier(after.start(), ROUNDING))
            && self.until.is_none_or(|until| at < later(until.end(), ROUNDING))
    }
}

pub(super) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

pub(super) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The last whole second: of a service that knows no others, nothing gets lost.
pub(super) fn floor(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The next whole second.
pub(super) fn ceiling(at: Timestamp) -> Timestamp {
    if floor(at) == at { at } else { later(floor(at), SignedDuration::from_secs(1)) }
}
