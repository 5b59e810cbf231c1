//! When to try again.

use std::time::Duration;

/// Bounds of retries: by count and by time, whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// Attempts, the first included.
    pub attempts: u32,
    /// From the first attempt to the start of the last.
    pub within: Duration,
    /// The first pause; it doubles up to `max_pause`.
    pub first_pause: Duration,
    /// The longest pause of our own; Segment may ask for more.
    pub max_pause: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 6,
            within: Duration::from_mins(2),
            first_pause: Duration::from_millis(200),
            max_pause: Duration::from_secs(30),
        }
    }
}

impl Retries {
    /// No retries.
    #[must_use]
    pub fn none() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The pause before the attempt after `done` attempts: what Segment asks for at least, else exponential backoff
    /// with full jitter (`random` is uniform).
    pub(super) fn pause(&self, done: u32, asked: Option<Duration>, random: u32) -> Duration {
        let ceiling = self.first_pause.saturating_mul(1 << done.saturating_sub(1).min(16)).min(self.max_pause);
        let jittered = ceiling.mul_f64(f64::from(random) / f64::from(u32::MAX));
        asked.map_or(jittered.max(self.first_pause / 2), |asked| {
            asked.saturating_add(jittered.min(Duration::from_millis(500)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_never_undercut_what_is_asked() {
        let retries = Retries::default();
        assert_eq!(retries.pause(1, None, u32::MAX), Duration::from_millis(200));
        assert_eq!(retries.pause(4, None, u32::MAX), Duration::from_millis(1_600));
        assert_eq!(retries.pause(40, None, u32::MAX), Duration::from_secs(30));
        assert_eq!(retries.pause(3, None, 0), Duration::from_millis(100));
        let asked = Duration::from_secs(42);
        assert!(retries.pause(1, Some(asked), 0) >= asked && retries.pause(9, Some(asked), u32::MAX) < asked * 2);
    }
}
