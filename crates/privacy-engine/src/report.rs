//! The report over requests: by what was asked and under which law, how many there were, how they ended, and how long it took.

use std::collections::BTreeMap;

use segment_core::{Action, Outcome, Regime, RequestStatus, Tally};

/// Requests of one action and regime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// What was asked.
    pub action: Action,
    /// Under which law.
    pub regime: Regime,
    /// How many were received.
    pub received: u64,
    /// How many are still to be done.
    pub open: u64,
    /// Of those, how many are beyond their deadline.
    pub overdue: u64,
    /// How many are complete.
    pub complete: u64,
    /// Of those, how many after their deadline.
    pub late: u64,
    /// Of those, by the least that was done.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// How many were denied.
    pub denied: u64,
    /// How many were canceled.
    pub canceled: u64,
    /// Whole days to completion: half of the complete ones took no longer.
    pub median_days: Option<u64>,
    /// The same of nine in ten.
    pub ninety_percent_days: Option<u64>,
}

/// Adds up counts, by action and regime.
#[must_use]
pub fn report(tallies: &[Tally]) -> Vec<ReportRow> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Tally>> = BTreeMap::new();
    for tally in tallies {
        groups.entry((tally.action.as_str(), tally.regime.as_str())).or_default().push(tally);
    }
    groups.into_values().filter_map(|group| row(&group)).collect()
}

fn row(group: &[&Tally]) -> Option<ReportRow> {
    let first = group.first()?;
    let count = |fits: &dyn Fn(&Tally) -> bool| -> u64 {
        group.iter().filter(|tally| fits(tally)).map(|tally| tally.requests).sum()
    };
    let is = |status| move |tally: &Tally| tally.status == status;
    let mut outcomes = BTreeMap::new();
    let mut days: BTreeMap<u64, u64> = BTreeMap::new();
    for tally in group {
        if let Some(outcome) = tally.outcome {
            *outcomes.entry(outcome).or_default() += tally.requests;
        }
        if let Some(took) = tally.days {
            *days.entry(took).or_default() += tally.requests;
        }
    }
    Some(ReportRow {
        action: first.action,
        regime: first.regime,
        received: count(&|_| true),
        open: count(&|tally| !tally.status.is_over()),
        overdue: count(&|tally| !tally.status.is_over() && tally.late),
        complete: count(&is(RequestStatus::Complete)),
        late: count(&|tally| tally.status == RequestStatus::Complete && tally.late),
        outcomes,
        denied: count(&is(RequestStatus::Denied)),
        canceled: count(&is(RequestStatus::Canceled)),
        median_days: quantile(&days, 50),
        ninety_percent_days: quantile(&days, 90),
    })
}

/// The least number of days within which so many of a hundred were done.
fn quantile(days: &BTreeMap<u64, u64>, percent: u64) -> Option<u64> {
    let all: u64 = days.values().sum();
    let wanted = (all * percent).div_ceil(100);
    let mut done = 0;
    let reached = |(_, count): &(&u64, &u64)| {
        done += **count;
        done >= wanted
    };
    days.iter().find(reached).map(|(days, _)| *days).filter(|_| all > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(status: RequestStatus, outcome: Option<Outcome>, days: Option<u64>, late: bool, requests: u64) -> Tally {
        Tally { action: Action::Erasure, regime: Regime::Gdpr, status, outcome, days, late, requests }
    }

    #[test]
    fn counts_are_added_up_by_action_and_regime() {
        let complete = RequestStatus::Complete;
        let tallies = [
            tally(complete, Some(Outcome::Deleted), Some(1), false, 5),
            tally(complete, Some(Outcome::Deleted), Some(40), true, 1),
            tally(complete, Some(Outcome::NoData), Some(0), false, 4),
            tally(RequestStatus::AwaitingProcessor, None, None, true, 2),
            tally(RequestStatus::Denied, None, None, false, 3),
            tally(RequestStatus::Error, None, None, false, 1),
            Tally { regime: Regime::Ccpa, ..tally(RequestStatus::Canceled, None, None, false, 7) },
        ];
        let rows = report(&tallies);
        assert_eq!(rows.iter().map(|row| row.regime).collect::<Vec<_>>(), [Regime::Ccpa, Regime::Gdpr]);
        assert_eq!((rows[0].received, rows[0].canceled, rows[0].median_days), (7, 7, None));
        let gdpr = &rows[1];
        assert_eq!((gdpr.received, gdpr.complete, gdpr.late), (16, 10, 1));
        assert_eq!((gdpr.open, gdpr.overdue, gdpr.denied), (3, 2, 3));
        assert_eq!(gdpr.outcomes, [(Outcome::NoData, 4), (Outcome::Deleted, 6)].into());
        assert_eq!((gdpr.median_days, gdpr.ninety_percent_days), (Some(1), Some(1)));
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let of = |days: &[(u64, u64)]| {
            let days: BTreeMap<_, _> = days.iter().copied().collect();
            (quantile(&days, 50), quantile(&days, 90))
        };
        assert_eq!(of(&[]), (None, None));
        assert_eq!(of(&[(3, 1)]), (Some(3), Some(3)));
        assert_eq!(of(&[(1, 1), (2, 1), (3, 1), (4, 1)]), (Some(2), Some(4)));
        assert_eq!(of(&[(0, 89), (7, 1), (30, 10)]), (Some(0), Some(7)));
    }
}
