//! The virtual clock that drives regulations, expiry and the 14-day event window.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::sync::lock;

/// Where a clock starts unless told otherwise; the microseconds make `createdAt` look like the vendor's samples.
const DEFAULT_START: Timestamp = Timestamp::constant(1_785_658_530, 123_456_000);

/// A clock for the mock: it stands still until moved, or runs at a multiple of real time.
///
/// Clones share the same time, so a test keeps one and gives another to [`MockConfig::clock`](crate::MockConfig::clock).
#[derive(Clone, Debug)]
pub struct VirtualClock {
    hands: Arc<Mutex<Hands>>,
}

#[derive(Debug)]
struct Hands {
    base: Timestamp,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    since: Instant,
    speed: f64,
}

impl VirtualClock {
    /// A clock that stands at `start` until [`advance`](Self::advance)d.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self::with(start, None)
    }

    /// A clock that starts at the real present and then runs `speed` times as fast as real time.
    #[must_use]
    pub fn realtime(speed: f64) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the one place where the mock's time starts")]
        let start = Timestamp::now();
        Self::running_from(start, speed)
    }

    /// A clock that starts at `start` and then runs `speed` times as fast as real time.
    #[must_use]
    pub fn running_from(start: Timestamp, speed: f64) -> Self {
        Self::with(start, Some(Running { since: Instant::now(), speed: speed.max(0.0) }))
    }

    fn with(base: Timestamp, running: Option<Running>) -> Self {
        Self { hands: Arc::new(Mutex::new(Hands { base, running })) }
    }

    /// The virtual present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let hands = lock(&self.hands);
        match &hands.running {
            None => hands.base,
            Some(running) => after(hands.base, scaled(running.since.elapsed(), running.speed)),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let mut hands = lock(&self.hands);
        hands.base = after(hands.base, by);
    }
}

impl Default for VirtualClock {
    /// A clock that stands at 2026-08-02T08:15:30.123456Z.
    fn default() -> Self {
        Self::at(DEFAULT_START)
    }
}

/// `start` plus `by`, stopping at the end of representable time.
pub(crate) fn after(start: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).map_or(Timestamp::MAX, |by| start.saturating_add(by).unwrap_or(Timestamp::MAX))
}

/// `start` minus `by`, stopping at the beginning of representable time.
pub(crate) fn before(start: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).map_or(Timestamp::MIN, |by| start.saturating_sub(by).unwrap_or(Timestamp::MIN))
}

/// The last second of the calendar month (UTC) that holds `now`: when the monthly quota starts again.
pub(crate) fn end_of_month(now: Timestamp) -> Timestamp {
    let date = Offset::UTC.to_datetime(now).date();
    Offset::UTC.to_timestamp(date.last_of_month().at(23, 59, 59, 0)).unwrap_or(Timestamp::MAX)
}

fn scaled(elapsed: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(elapsed.as_secs_f64() * speed).unwrap_or(Duration::MAX)
}
