//! The types of regulations as the Config API spells them (GH-6243; the pairs are inferred).

use segment_core::RegulationType;

const PAIRS: [(&str, RegulationType); 5] = [
    ("Suppress", RegulationType::SuppressOnly),
    ("Unsuppress", RegulationType::Unsuppress),
    ("Suppress_With_Delete", RegulationType::SuppressWithDelete),
    ("Delete", RegulationType::DeleteOnly),
    ("Delete_Internal", RegulationType::DeleteInternal),
];

/// Whether the Config API has this type: nothing documents more than five.
#[must_use]
pub fn supports(kind: &RegulationType) -> bool {
    spelled(kind).is_some()
}

pub(super) fn spelled(kind: &RegulationType) -> Option<&'static str> {
    PAIRS.iter().find(|(_, known)| known == kind).map(|(spelling, _)| *spelling)
}

/// The Public API's spelling is understood too.
pub(super) fn parse(wire: &str) -> RegulationType {
    let known = PAIRS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(wire));
    known.map_or_else(|| RegulationType::parse(wire), |(_, kind)| kind.clone())
}
