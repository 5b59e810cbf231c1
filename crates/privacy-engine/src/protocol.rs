//! The protocol of one regulation, as pure functions: what follows from an answer, from a listing, and from the time.
//!
//! Segment has no idempotency key, so whether a regulation is sent at most once hangs on these few decisions. The engine acts
//! on them; `model.rs` walks every interleaving of two workers that do.

use std::time::Duration;

use jiff::Timestamp;
use segment_core::{Ledger, LedgerState};

use crate::engine::{after, between};

/// What a call said, as far as the protocol goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Answer {
    /// Segment has it.
    Accepted,
    /// Segment does not have it, for certain.
    NothingCreated,
    /// Anything else.
    Unknown,
}

impl Answer {
    /// Where the regulation stands after it.
    pub(crate) fn leads_to(self) -> LedgerState {
        match self {
            Self::Accepted => LedgerState::Tracking,
            Self::NothingCreated => LedgerState::Closed,
            Self::Unknown => LedgerState::Unknown,
        }
    }
}

/// What is known of a call whose answer is not, in the time of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Lost {
    /// Until when it may have been sent.
    pub(crate) send_by: Timestamp,
    /// When a complete listing first did not show it.
    pub(crate) absent_at: Option<Timestamp>,
}

impl Lost {
    pub(crate) fn of(ledger: &Ledger) -> Self {
        Self { send_by: ledger.send_by, absent_at: ledger.absent_at }
    }

    /// How long to wait until a listing says something; `None` if it does now.
    pub(crate) fn wait(self, now: Timestamp, settle: Duration) -> Option<Duration> {
        let settled = after(self.send_by, settle);
        if now <= settled {
            return Some(between(now, settled));
        }
        let wait = (settle / 2).saturating_sub(between(self.absent_at?, now));
        Some(wait).filter(|wait| !wait.is_zero())
    }
}

/// What a complete listing shows of a regulation that may exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Shown {
    /// Entries that can only be ours.
    pub(crate) matches: usize,
    /// Entries that may be ours and do not say.
    pub(crate) undecided: usize,
    /// It is so long ago that Segment may have forgotten it.
    pub(crate) is_forgotten: bool,
}

/// What follows from a complete listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Finding {
    /// It is there.
    Adopt,
    /// A human has to look.
    Undecided,
    /// It will never be known.
    Forgotten,
    /// It is not there: once is not enough.
    Absent,
    /// It is not there, again: it was never created.
    RuledOut,
}

impl Shown {
    /// What follows, after listings that were complete and did not show it.
    pub(crate) fn means(self, lost: Lost) -> Finding {
        if self.matches > 0 {
            Finding::Adopt
        } else if self.undecided > 0 {
            Finding::Undecided
        } else if self.is_forgotten {
            Finding::Forgotten
        } else if lost.absent_at.is_some() {
            Finding::RuledOut
        } else {
            Finding::Absent
        }
    }
}

#[cfg(test)]
mod model;
