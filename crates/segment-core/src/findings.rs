//! Things a person has to know about an outcome.

/// What was found. The codes are stable; the sentences that go with them hold no personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingCode {
    /// A strict erasure in which no row was masked either: the person is blocked, nothing was erased.
    NothingErased,
    /// Delete types on a connection without the Profile API cannot be read back.
    NotVerifiable,
    /// The profile was still there at the last look.
    ProfileRemains,
    /// The profile had been gone and came back.
    ProfileReturned,
    /// The user id does not stand among the suppressions.
    SuppressionMissing,
    /// A user id is known only from the Profile API, which lower-cases.
    CaseUnconfirmed,
    /// The database equated values that differ; they were dropped.
    LookupMismatch,
    /// A collection could not be read to its end.
    CollectionIncomplete,
    /// A destination at Segment does not support deletion: a manual task.
    DestinationUnsupported,
    /// A destination at Segment failed.
    DestinationFailed,
    /// Segment holds more than one regulation for the same people from the same moment.
    DuplicateRegulation,
    /// What Segment does not erase.
    OutOfReach,
    /// What was ordered holds for one source, not for the whole workspace.
    OneSource,
    /// Ids of the person that regulations cannot reach.
    Unreachable,
    /// Rows that others share were left as they are.
    SharedRow,
    /// A human settled the task.
    SettledByHand,
}

impl FindingCode {
    const ALL: [(Self, &'static str); 16] = [
        (Self::NothingErased, "nothing_erased"),
        (Self::NotVerifiable, "not_verifiable"),
        (Self::ProfileRemains, "profile_remains"),
        (Self::ProfileReturned, "profile_returned"),
        (Self::SuppressionMissing, "suppression_missing"),
        (Self::CaseUnconfirmed, "case_unconfirmed"),
        (Self::LookupMismatch, "lookup_mismatch"),
        (Self::CollectionIncomplete, "collection_incomplete"),
        (Self::DestinationUnsupported, "destination_unsupported"),
        (Self::DestinationFailed, "destination_failed"),
        (Self::DuplicateRegulation, "duplicate_regulation"),
        (Self::OutOfReach, "out_of_reach"),
        (Self::OneSource, "one_source"),
        (Self::Unreachable, "unreachable"),
        (Self::SharedRow, "shared_row"),
        (Self::SettledByHand, "settled_by_hand"),
    ];

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(code, _)| *code == self).map_or("unknown", |(_, name)| name)
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(code, _)| *code)
    }
}

/// One finding: a code and a sentence without personal data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The stable code.
    pub code: FindingCode,
    /// A sentence for a person.
    pub message: String,
}

impl Finding {
    /// A finding.
    pub fn new(code: FindingCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back() {
        for (code, name) in FindingCode::ALL {
            assert_eq!(FindingCode::parse(name), Some(code));
            assert_eq!(code.as_str(), name);
        }
    }
}
