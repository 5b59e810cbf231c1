//! Why it could not be found out who it is.

use segment_core::{Halt, HaltKind, Resume, SegmentError, ports::DirectoryError};
use thiserror::Error;

/// Why a human must decide who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Puzzle {
    /// The identities lead to so many people.
    Conflict(usize),
    /// One identity or profile leads to more user ids than one person has.
    TooManyIds(usize),
    /// There is a profile, but regulations cannot reach it without a user id.
    NoUserId,
}

impl Puzzle {
    pub(crate) fn halt(&self) -> Halt {
        let (kind, message) = match self {
            Self::Conflict(people) => (
                HaltKind::IdentityConflict,
                format!(
                    "the identities lead to {people} different people; nothing was collected and nothing was sent. Ask for \
                     each person alone, or settle it with `requests resolve`"
                ),
            ),
            Self::TooManyIds(most) => (
                HaltKind::TooManyIds,
                format!(
                    "one identity leads to more than {most} user ids: a shared device or address rather than a person. \
                     Use an identity of the person alone, or raise execution.max_user_ids"
                ),
            ),
            Self::NoUserId => (
                HaltKind::NoUserId,
                "Segment has a profile, but no user id for it, and regulations work on user ids only".to_owned(),
            ),
        };
        Halt { kind, message, resume: Resume::Queued }
    }
}

/// Why it could not be found out who it is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// A human must decide.
    #[error("a human must decide who it is")]
    Puzzle(Puzzle),
    /// The Profile API failed.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The owned database failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}
