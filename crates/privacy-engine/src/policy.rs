//! How requests are to be fulfilled.

use std::time::Duration;

use segment_core::{Action, Regime, RegulationType};

/// The choices of the configuration's `[execution]`, `[tracking]` and `[worker]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Erase strictly: suppress at Segment, delete nothing.
    pub masking_strict: bool,
    /// What is ordered when erasure is not strict.
    pub regulation: RegulationType,
    /// Whether somebody has to approve erasures.
    pub require_approval: bool,
    /// User ids of one identity or profile, at most; more is a shared device, not a person.
    pub max_user_ids: usize,
    /// The law that sets deadlines, unless a request names one.
    pub regime: Regime,
    /// How regulations are followed.
    pub tracking: Tracking,
    /// How long a worker owns what it has claimed, unless it renews.
    pub lease: Duration,
    /// What is worked on side by side; at least 1.
    pub concurrency: usize,
    /// The longest pause of an idle worker, at least 10 ms: what other processes record shows only by looking.
    pub longest_nap: Duration,
    /// How often a step that failed for a passing reason is tried before it is given up.
    pub attempts: u32,
    /// The pause after its first failure; it grows sixfold, up to two hours.
    pub retry_pause: Duration,
}

/// How regulations are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracking {
    /// The first poll after acceptance.
    pub first_poll: Duration,
    /// The longest pause between polls.
    pub max_poll: Duration,
    /// Read-backs, counted from the end.
    pub verify_after: Vec<Duration>,
    /// How long a lost answer may take to show in a listing.
    pub settle: Duration,
    /// How long erasures are gathered for one regulation.
    pub batch_window: Duration,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Policy {
    fn default() -> Self {
        Self {
            masking_strict: true,
            regulation: RegulationType::SuppressWithDelete,
            require_approval: false,
            max_user_ids: 10,
            regime: Regime::Gdpr,
            tracking: Tracking::default(),
            lease: Duration::from_secs(30),
            concurrency: 16,
            longest_nap: Duration::from_secs(2),
            attempts: 8,
            retry_pause: Duration::from_secs(5),
        }
    }
}

impl Default for Tracking {
    fn default() -> Self {
        Self {
            first_poll: Duration::from_mins(1),
            max_poll: Duration::from_hours(6),
            verify_after: vec![Duration::ZERO, DAY, 7 * DAY, 30 * DAY],
            settle: Duration::from_mins(1),
            batch_window: Duration::from_mins(1),
        }
    }
}

impl Policy {
    /// What a request of this action orders at Segment; nothing for an access.
    #[must_use]
    pub fn orders(&self, action: Action) -> Option<RegulationType> {
        match action {
            Action::Erasure if self.masking_strict => Some(RegulationType::SuppressOnly),
            Action::Erasure => Some(self.regulation.clone()),
            Action::Suppression => Some(RegulationType::SuppressOnly),
            Action::Unsuppression => Some(RegulationType::Unsuppress),
            _ => None,
        }
    }

    /// The pause before the attempt after `failed` attempts.
    pub(crate) fn pause(&self, failed: u32) -> Duration {
        self.retry_pause
            .saturating_mul(6_u32.saturating_pow(failed.saturating_sub(1).min(6)))
            .min(Duration::from_hours(2))
    }
}

impl Tracking {
    /// The pause before the next poll of a regulation of this age: a tenth of its age, within the bounds.
    pub(crate) fn poll_pause(&self, age: Duration) -> Duration {
        (age / 10).max(self.first_poll).min(self.max_poll.max(self.first_poll))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_erasure_only_suppresses() {
        let strict = Policy::default();
        assert_eq!(strict.orders(Action::Erasure), Some(RegulationType::SuppressOnly));
        let deleting = Policy { masking_strict: false, ..strict };
        assert_eq!(deleting.orders(Action::Erasure), Some(RegulationType::SuppressWithDelete));
        assert_eq!(deleting.orders(Action::Access), None);
    }

    #[test]
    fn polls_grow_with_age() {
        let tracking = Tracking::default();
        assert_eq!(tracking.poll_pause(Duration::ZERO), Duration::from_mins(1));
        assert_eq!(tracking.poll_pause(Duration::from_hours(10)), Duration::from_hours(1));
        assert_eq!(tracking.poll_pause(30 * DAY), Duration::from_hours(6));
    }
}
