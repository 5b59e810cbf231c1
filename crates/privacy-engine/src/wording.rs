//! Sentences that people read about outcomes, in one place.

use segment_core::{Finding, FindingCode, RegulationType};

/// What an access package never holds (fact sheet 3.7, documented).
pub(crate) const PACKAGE_LIMITS: [&str; 2] = [
    "Events older than 14 days are not in here: Segment's Profile API does not return them. They are in the warehouse, if \
     one is connected.",
    "Consent preferences are not in here: Segment's Profile API does not return them.",
];

/// What every outcome of a regulation has to say.
pub(crate) fn out_of_reach(kind: &RegulationType) -> Vec<Finding> {
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
    if *kind == RegulationType::SuppressOnly {
        findings.push(Finding::new(
            FindingCode::NothingErased,
            "Suppressed, not deleted: what Segment held before is still there, and no row was masked.",
        ));
    }
    findings
}

/// Why a delete on a basic connection is never verified.
pub(crate) fn not_verifiable() -> Finding {
    Finding::new(
        FindingCode::NotVerifiable,
        "Segment says that it is done; without the Profile API (a segment_unify connection) nobody can read it back.",
    )
}
