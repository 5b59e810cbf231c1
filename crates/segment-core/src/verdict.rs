//! What a regulation's report means for the people in it.

use crate::{DestinationReport, RegulationReport, RegulationStatus};

/// The reading of a report, per destination (docs/segment-api.md, 2.5 and 6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Not at its end, or in a status that is not known: keep polling.
    Working,
    /// Done everywhere.
    Finished,
    /// Done at Segment and wherever deletion is supported; these destinations do not support it. The overall status is
    /// not a success, so it is complete only on read-back.
    OnlyUnsupported(Vec<String>),
    /// Ended without success, at these destinations if any is named.
    Failed(Vec<String>),
    /// Rejected after it was accepted.
    Invalid,
}

impl Verdict {
    /// Reads a report.
    #[must_use]
    pub fn of(report: &RegulationReport) -> Self {
        match &report.status {
            status if !status.is_terminal() => Self::Working,
            RegulationStatus::Finished => Self::Finished,
            RegulationStatus::Invalid => Self::Invalid,
            _ => {
                let named = |status: &RegulationStatus| {
                    let of_status = report.destinations.iter().filter(|destination| &destination.status == status);
                    of_status.map(|destination| destination.name.clone()).collect::<Vec<_>>()
                };
                let unsupported = named(&RegulationStatus::NotSupported);
                let settled = |destination: &DestinationReport| {
                    matches!(destination.status, RegulationStatus::Finished | RegulationStatus::NotSupported)
                };
                if !unsupported.is_empty() && report.destinations.iter().all(settled) {
                    Self::OnlyUnsupported(unsupported)
                } else {
                    let failed = report.destinations.iter().filter(|destination| !settled(destination));
                    Self::Failed(failed.map(|destination| destination.name.clone()).collect())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pii, RegulationId};

    fn check(overall: &str, destinations: &[(&str, &str)], expect: &Verdict) {
        let destination = |(name, status): &(&str, &str)| DestinationReport {
            stream: "s".into(),
            id: "d".into(),
            name: (*name).to_owned(),
            status: RegulationStatus::parse(status),
            message: Pii::default(),
        };
        let report = RegulationReport {
            id: RegulationId::new("r"),
            status: RegulationStatus::parse(overall),
            created_at: None,
            finished_at: None,
            destinations: destinations.iter().map(destination).collect(),
        };
        assert_eq!(&Verdict::of(&report), expect);
    }

    #[test]
    fn reports_are_read_per_destination() {
        let (done, not) = (("Braze", "FINISHED"), ("Some Analytics", "NOT_SUPPORTED"));
        check("RUNNING", &[], &Verdict::Working);
        check("PAUSED", &[done], &Verdict::Working);
        check("FINISHED", &[], &Verdict::Finished);
        check("INVALID", &[], &Verdict::Invalid);
        check("FAILED", &[done, not], &Verdict::OnlyUnsupported(vec!["Some Analytics".into()]));
        check("PARTIAL_SUCCESS", &[not, ("Vero", "FAILED")], &Verdict::Failed(vec!["Vero".into()]));
        check("FAILED", &[not, ("Vero", "RUNNING")], &Verdict::Failed(vec!["Vero".into()]));
        check("FAILED", &[], &Verdict::Failed(vec![]));
        check("NOT_SUPPORTED", &[], &Verdict::Failed(vec![]));
    }
}
