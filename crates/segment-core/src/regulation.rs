//! Segment's regulations: the orders to suppress and delete (docs/segment-api.md, 2).

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use crate::{Cursor, Pii, RegulationId, RegulationScope, SegmentError};

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $wire:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)+
            /// A value that was not documented when this was written.
            Other(String),
        }

        impl $name {
            /// Reads the Public API's spelling; anything else is [`Other`](Self::Other).
            #[must_use]
            pub fn parse(wire: &str) -> Self {
                match wire {
                    $($wire => Self::$variant,)+
                    other => Self::Other(other.to_owned()),
                }
            }

            /// The Public API's spelling.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)+
                    Self::Other(wire) => wire,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_enum! {
    /// What a regulation orders (documented, Public API 73.2.0).
    RegulationType {
        /// Block new data, keep old.
        SuppressOnly = "SUPPRESS_ONLY",
        /// Block new data, delete everywhere, forward the deletion to destinations.
        SuppressWithDelete = "SUPPRESS_WITH_DELETE",
        /// Delete everywhere and forward, without blocking.
        DeleteOnly = "DELETE_ONLY",
        /// Delete in Segment's own stores only.
        DeleteInternal = "DELETE_INTERNAL",
        /// Block new data and delete in Segment's own stores only.
        SuppressWithDeleteInternal = "SUPPRESS_WITH_DELETE_INTERNAL",
        /// End a suppression.
        Unsuppress = "UNSUPPRESS",
        /// Delete in the archives of one source only; for workspaces that Segment has enabled it for.
        DeleteArchiveOnly = "DELETE_ARCHIVE_ONLY",
    }
}

open_enum! {
    /// Where a regulation stands. Meanings of the last three are not documented; all but the first two end it (inferred).
    RegulationStatus {
        /// Accepted and queued.
        Initialized = "INITIALIZED",
        /// In work.
        Running = "RUNNING",
        /// Done.
        Finished = "FINISHED",
        /// At least one part failed, or is not supported.
        Failed = "FAILED",
        /// Some parts are done, some not.
        PartialSuccess = "PARTIAL_SUCCESS",
        /// Rejected after it was accepted.
        Invalid = "INVALID",
        /// The part cannot do it.
        NotSupported = "NOT_SUPPORTED",
    }
}

impl RegulationStatus {
    /// Whether it will not change any more. An unknown status is not terminal: polling goes on.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::Initialized | Self::Running | Self::Other(_))
    }
}

/// Which of the two monthly quotas a type counts against (documented).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum QuotaCategory {
    /// What stays within Segment.
    SegmentOnly,
    /// What is forwarded to destinations.
    SegmentAndDestination,
}

impl RegulationType {
    /// The quota it counts against.
    #[must_use]
    pub fn quota(&self) -> QuotaCategory {
        match self {
            Self::SuppressWithDelete | Self::DeleteOnly => QuotaCategory::SegmentAndDestination,
            _ => QuotaCategory::SegmentOnly,
        }
    }

    /// Whether it deletes data.
    #[must_use]
    pub fn deletes(&self) -> bool {
        matches!(
            self,
            Self::SuppressWithDelete
                | Self::DeleteOnly
                | Self::DeleteInternal
                | Self::SuppressWithDeleteInternal
                | Self::DeleteArchiveOnly
        )
    }

    /// Whether it blocks new data.
    #[must_use]
    pub fn suppresses(&self) -> bool {
        matches!(self, Self::SuppressOnly | Self::SuppressWithDelete | Self::SuppressWithDeleteInternal)
    }
}

/// What became of an attempt to create a regulation. There is no idempotency key: what is not known to have failed
/// before it left must be looked for before it is sent again.
#[derive(Debug)]
#[non_exhaustive]
pub enum Submission {
    /// Segment accepted it under this id.
    Accepted(RegulationId),
    /// Segment refused it (4xx but 408 and 429): nothing was created.
    Refused(SegmentError),
    /// It never left, or Segment turned it away unread (DNS, connect, TLS, 429): nothing was created.
    NotSent(SegmentError),
    /// Anything else, a success without an id included: it may exist.
    Unknown(SegmentError),
}

/// A regulation as read by its id. It names neither its type nor its subjects (documented): keep them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegulationReport {
    /// Its id.
    pub id: RegulationId,
    /// The worst status of all its parts (documented).
    pub status: RegulationStatus,
    /// When Segment created it, if it says so readably.
    pub created_at: Option<Timestamp>,
    /// When it ended, if it says so readably.
    pub finished_at: Option<Timestamp>,
    /// One entry a destination and stream; empty for what stays within Segment.
    pub destinations: Vec<DestinationReport>,
}

/// How one destination of one source took a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationReport {
    /// The stream, probably a source id; opaque.
    pub stream: String,
    /// The destination's id; opaque.
    pub id: String,
    /// The destination's name, such as `Braze Cloud Mode (Actions)`.
    pub name: String,
    /// `FINISHED` means forwarded, not erased.
    pub status: RegulationStatus,
    /// What the destination said. It may name a person.
    pub message: Pii<String>,
}

/// A regulation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegulationEntry {
    /// Its id.
    pub id: RegulationId,
    /// Its type; older versions of the API leave it out.
    pub kind: Option<RegulationType>,
    /// Its status.
    pub status: RegulationStatus,
    /// Its subjects; an entry without them cannot be matched.
    pub subjects: Option<BTreeSet<Pii<String>>>,
    /// When it was created, if it says so readably.
    pub created_at: Option<Timestamp>,
}

/// Which regulations to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegulationQuery {
    /// Those of the workspace, or those of one source: neither list holds the other's (documented).
    pub scope: RegulationScope,
    /// Only of this status.
    pub status: Option<RegulationStatus>,
    /// Only of these types.
    pub kinds: Vec<RegulationType>,
    /// Entries a page, 1 to 200; 20 by default. One entry can hold 5,000 ids, so keep it small where subjects are read.
    pub count: u16,
    /// The page.
    pub next: Option<Cursor>,
}

impl Default for RegulationQuery {
    fn default() -> Self {
        Self { scope: RegulationScope::default(), status: None, kinds: Vec::new(), count: 20, next: None }
    }
}

/// One entry of the list of suppressions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Whether the subjects are user ids: the documented spellings are `userId` and `USER_ID`.
    pub is_user: bool,
    /// The suppressed ids.
    pub subjects: Vec<Pii<String>>,
}

/// The workspace a token belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its opaque id.
    pub id: String,
    /// Its slug, as in the app's address.
    pub slug: String,
    /// Its name.
    pub name: String,
}

impl Workspace {
    /// Whether the configuration means this workspace: by slug, id or the old form `workspaces/<slug>`.
    #[must_use]
    pub fn is(&self, configured: &str) -> bool {
        let configured = configured.strip_prefix("workspaces/").unwrap_or(configured);
        !configured.is_empty() && (configured == self.slug || configured == self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_stay_as_they_are_and_never_end_a_regulation() {
        let status = RegulationStatus::parse("PAUSED_BY_LEGAL");
        assert_eq!(status.as_str(), "PAUSED_BY_LEGAL");
        assert!(!status.is_terminal());
        assert!(RegulationStatus::parse("PARTIAL_SUCCESS").is_terminal());
    }

    #[test]
    fn quotas_are_told_apart_by_type() {
        assert_eq!(RegulationType::SuppressWithDelete.quota(), QuotaCategory::SegmentAndDestination);
        assert_eq!(RegulationType::SuppressWithDeleteInternal.quota(), QuotaCategory::SegmentOnly);
    }

    #[test]
    fn a_workspace_is_named_by_slug_or_id() {
        let acme = Workspace { id: "7hT2".into(), slug: "acme".into(), name: "Acme".into() };
        assert!(acme.is("acme") && acme.is("7hT2") && acme.is("workspaces/acme"));
        assert!(!acme.is("Acme") && !acme.is(""));
    }
}
