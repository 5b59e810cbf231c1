//! The monthly quota of regulations and the rates of calls.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::clock::end_of_month;

/// Regulations are counted apart for what stays in Segment and what also goes to destinations \[TS\].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Category {
    SegmentOnly,
    SegmentAndDestination,
}

impl Category {
    pub(crate) fn of(kind: &str) -> Self {
        match kind {
            "DELETE_ONLY" | "SUPPRESS_WITH_DELETE" => Self::SegmentAndDestination,
            _ => Self::SegmentOnly,
        }
    }
}

/// Counts subjects: the documents leave the unit open, U8.
#[derive(Debug)]
pub(crate) struct Quota {
    limit: u64,
    used: HashMap<(Category, Timestamp), u64>,
}

/// What the `X-RateLimit-*` headers say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuotaState {
    pub(crate) consumed: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: Timestamp,
}

impl Quota {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: HashMap::new() }
    }

    /// Takes `subjects` from this month's quota, or nothing when they do not fit.
    pub(crate) fn take(&mut self, category: Category, subjects: u64, now: Timestamp) -> Result<QuotaState, QuotaState> {
        let reset = end_of_month(now);
        let used = self.used.entry((category, reset)).or_default();
        let fits = *used + subjects <= self.limit;
        if fits {
            *used += subjects;
        }
        let state = QuotaState { consumed: *used, remaining: self.limit - *used, reset };
        if fits { Ok(state) } else { Err(state) }
    }
}

/// A fixed window per real minute: over the three POST endpoints of the Public API \[TS 73.1\], or over all of the Config API
/// \[CFGD\].
#[derive(Debug)]
pub(crate) struct CallRate {
    per_minute: Option<u32>,
    window: Option<(Instant, u32)>,
}

impl CallRate {
    const WINDOW: Duration = Duration::from_mins(1);

    pub(crate) fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute, window: None }
    }

    /// Counts one call; the error is the wait and the number of calls so far.
    pub(crate) fn take(&mut self) -> Result<(), (Duration, u32)> {
        let Some(limit) = self.per_minute else { return Ok(()) };
        let (since, count) = match self.window {
            Some((since, count)) if since.elapsed() < Self::WINDOW => (since, count + 1),
            _ => (Instant::now(), 1),
        };
        self.window = Some((since, count));
        if count > limit { Err((Self::WINDOW.saturating_sub(since.elapsed()), count)) } else { Ok(()) }
    }
}

/// Calls within any second of real time.
#[derive(Debug)]
pub(crate) struct AnySecond {
    limit: Option<u32>,
    calls: VecDeque<Instant>,
    /// How many were turned away so far.
    pub(crate) turned_away: u64,
}

impl AnySecond {
    const WINDOW: Duration = Duration::from_secs(1);

    pub(crate) fn new(limit: Option<u32>) -> Self {
        Self { limit, calls: VecDeque::new(), turned_away: 0 }
    }

    /// Counts one call; the error is the wait.
    pub(crate) fn take(&mut self) -> Result<(), Duration> {
        let Some(limit) = self.limit else { return Ok(()) };
        let now = Instant::now();
        while self.calls.front().is_some_and(|first| now.duration_since(*first) >= Self::WINDOW) {
            self.calls.pop_front();
        }
        if self.calls.len() < limit as usize {
            self.calls.push_back(now);
            return Ok(());
        }
        self.turned_away += 1;
        let first = self.calls.front().map(|first| now.duration_since(*first)).unwrap_or_default();
        Err(Self::WINDOW.saturating_sub(first))
    }
}
