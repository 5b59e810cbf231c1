//! Sentences that people read about outcomes, in one place.

use segment_core::{Finding, FindingCode, RegulationType};

/// What an access package never holds (docs/segment-api.md, 3.7, documented).
pub(crate) const PACKAGE_LIMITS: [&str; 2] = [
    "Events older than 14 days are not in here: Segment's Profile API does not return them. They are in the warehouse, if \
     one is connected.",
    "Consent preferences are not in here: Segment's Profile API does not return them.",
];

/// Beside traits of which it is not known whether Segment made them itself.
pub(crate) const CLASSES_UNKNOWN: &str =
    "Which of the traits are audiences or were calculated is not marked: Segment did not say.";

/// A package that is made of owned rows only.
pub(crate) const NOTHING_OF_SEGMENT: &str = "Nothing that Segment holds is in here: without a connection of kind segment_unify \
     it cannot be asked.";

/// A strict erasure of somebody of whom there are no rows.
pub(crate) const NO_ROWS_MASKED: &str =
    "No row of the person was found to be masked, and nothing was deleted at Segment.";

/// What every outcome of a regulation has to say. `masks`: rows in owned databases are masked, too.
pub(crate) fn out_of_reach(kind: &RegulationType, masks: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if kind.deletes() {
        findings.push(Finding::new(
            FindingCode::OutOfReach,
            "Segment gives no guarantee for copies in S3 and warehouses, does not delete from Data Lakes, and only forwards \
             the deletion to destinations: forwarded is not erased.",
        ));
    }
    if kind.suppresses() {
        findings.push(Finding::new(
            FindingCode::OutOfReach,
            "Suppression does not stop device-mode destinations, and the person stays blocked if they return, until they \
             are unsuppressed.",
        ));
    }
    if *kind == RegulationType::SuppressOnly && masks {
        findings.push(Finding::new(
            FindingCode::OutOfReach,
            "Suppressed, not deleted: what Segment held before is still there.",
        ));
    }
    if *kind == RegulationType::SuppressOnly && !masks {
        findings.push(Finding::new(
            FindingCode::NothingErased,
            "Suppressed, not deleted: what Segment held before is still there, and no row was masked.",
        ));
    }
    findings
}

/// What an order for one source leaves.
pub(crate) fn one_source(source: &str) -> Finding {
    Finding::new(
        FindingCode::OneSource,
        format!(
            "Ordered for the source {source} only: the data of the workspace's other sources, and the profile that is made of \
             all of them, are not part of it."
        ),
    )
}

/// Why an order is never verified.
pub(crate) fn not_verifiable(source: Option<&str>) -> Finding {
    let message = match source {
        Some(_) => {
            "Segment says that it is done; the list of suppressions and the Profile API speak of the whole workspace, so \
             nobody can read back what was done at one source."
        }
        None => {
            "Segment says that it is done; without the Profile API (a segment_unify connection) nobody can read it back."
        }
    };
    Finding::new(FindingCode::NotVerifiable, message)
}

/// What to do when Segment does not know a source.
pub(crate) fn unknown_source(source: &str) -> String {
    format!(
        "Check that scope.source = \"{source}\" is a source of this workspace: the Public API wants its id (Settings > API Keys \
         of the source), the Config API its slug"
    )
}
