//! Counting requests: what a yearly disclosure and a record of processing ask for.

use jiff::Timestamp;

use crate::{Action, Outcome, Regime, RequestStatus};

/// Which requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TallyFilter {
    /// Received at or after this moment.
    pub from: Option<Timestamp>,
    /// Received before this moment.
    pub to: Option<Timestamp>,
    /// The present: what is open and due before is overdue.
    pub at: Timestamp,
}

/// Requests that are alike, and how many there are. Nothing in it names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// What was asked.
    pub action: Action,
    /// Under which law.
    pub regime: Regime,
    /// Where they stand.
    pub status: RequestStatus,
    /// Of complete ones: the least that was done, as [`least`](Self::least) has it; `None` while they are not.
    pub outcome: Option<Outcome>,
    /// Whole days from the receipt to the end, once they are complete.
    pub days: Option<u64>,
    /// Complete after the deadline, or open beyond it.
    pub late: bool,
    /// How many.
    pub requests: u64,
}

/// Requests of one action and status. Nothing in it names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What was asked.
    pub action: Action,
    /// Where they stand.
    pub status: RequestStatus,
    /// How many.
    pub requests: u64,
    /// Of those that are open, how many are beyond their deadline.
    pub overdue: u64,
    /// Of those that are open and not overdue, how many are due soon.
    pub due_soon: u64,
    /// When the oldest of them was received.
    pub oldest: Timestamp,
}

impl Tally {
    /// From the least that is done for a person to the most: what a human settled is unknown to us, what is suppressed is not
    /// deleted.
    pub const FROM_THE_LEAST: [Outcome; 7] = [
        Outcome::Settled,
        Outcome::Suppressed,
        Outcome::Unsuppressed,
        Outcome::Masked,
        Outcome::Deleted,
        Outcome::Collected,
        Outcome::NoData,
    ];

    /// What a request with tasks of these outcomes comes down to.
    #[must_use]
    pub fn least(outcomes: impl IntoIterator<Item = Outcome>) -> Option<Outcome> {
        let place = |outcome| Self::FROM_THE_LEAST.iter().position(|known| *known == outcome);
        outcomes.into_iter().min_by_key(|outcome| place(*outcome))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_place() {
        assert!(Outcome::ALL.iter().all(|outcome| Tally::FROM_THE_LEAST.contains(outcome)));
        assert_eq!(Tally::least([Outcome::NoData, Outcome::Deleted, Outcome::Suppressed]), Some(Outcome::Suppressed));
        assert_eq!(Tally::least([Outcome::NoData]), Some(Outcome::NoData));
        assert_eq!(Tally::least([]), None);
    }
}
