//! One workspace at Segment, as ports.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use segment_core::{
    ConnectionKey, ErrorKind, SegmentError, Workspace,
    ports::{Profiles, RegulationSubmit, Regulations, SubjectDirectory},
};
use tokio::sync::OnceCell;

/// Which of the two integrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionKind {
    /// Erasure; the owned database says who it is.
    Segment,
    /// Access and erasure; the Profile API says who it is, joined with the owned database where configured.
    SegmentUnify,
}

impl ConnectionKind {
    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::SegmentUnify => "segment_unify",
        }
    }
}

/// What of a connection can only read.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Its key in the configuration.
    pub key: ConnectionKey,
    /// Which integration it is.
    pub kind: ConnectionKind,
    /// The workspace as configured: slug or id.
    pub workspace: String,
    /// Whether it takes new work. One that does not gets no new requests and sends no regulations; what Segment has accepted is
    /// followed to its end.
    pub enabled: bool,
    /// The source that its regulations are for; `None` for the whole workspace.
    pub source: Option<String>,
    /// Regulations and suppressions, to read.
    pub regulations: Arc<dyn Regulations>,
    /// Profiles, with Unify.
    pub profiles: Option<Arc<dyn Profiles>>,
    /// The owned database, where configured.
    pub directory: Option<Arc<dyn SubjectDirectory>>,
    /// How many pages of a profile's events may be asked for at once, see [`event_pages`](segment_core::event_pages); with 1 they
    /// are read one after the other.
    pub event_windows: NonZeroUsize,
}

/// An event that arrived late, where two windows meet, is no reason to read page by page for ever.
const DOUBT: Duration = Duration::from_hours(1);

/// A connection that can delete.
#[derive(Debug)]
pub struct Connection {
    pub(crate) sources: Sources,
    pub(crate) submit: Arc<dyn RegulationSubmit>,
    pub(crate) monthly_users: u64,
    enabled: AtomicBool,
    /// Until when events are read page by page, in seconds of the monotonic clock.
    plain_until: AtomicU64,
    workspace: OnceCell<Workspace>,
}

impl Connection {
    /// Joins what reads with what creates. `monthly_users` is the quota of each category.
    #[must_use]
    pub fn new(sources: Sources, submit: Arc<dyn RegulationSubmit>, monthly_users: u64) -> Self {
        let enabled = AtomicBool::new(sources.enabled);
        let plain_until = AtomicU64::new(0);
        Self { sources, submit, monthly_users, enabled, plain_until, workspace: OnceCell::new() }
    }

    /// What of it only reads.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// How many pages of events are to be asked for at once now.
    pub(crate) fn windows(&self, now: Duration) -> NonZeroUsize {
        let plain = now.as_secs() < self.plain_until.load(Ordering::Relaxed);
        if plain { NonZeroUsize::MIN } else { self.sources.event_windows }
    }

    /// Its answers about events of a time contradicted each other: for a while nobody relies on them.
    pub(crate) fn doubt_times(&self, now: Duration) {
        self.plain_until.store((now + DOUBT).as_secs(), Ordering::Relaxed);
    }

    /// Lets it send nothing from now on, while an engine works with it.
    pub fn disable(&self) {
        self.enabled.store(false, Ordering::Relaxed);
    }

    /// Whether it takes new work and sends.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Whether the token belongs to the configured workspace. The token alone decides where we delete, so this is asked
    /// before the first regulation of a process.
    pub(crate) async fn workspace_matches(&self) -> Result<bool, SegmentError> {
        match self.workspace.get_or_try_init(|| self.sources.regulations.workspace()).await {
            Ok(workspace) => Ok(workspace.is(&self.sources.workspace)),
            // The Config API is asked for the workspace by its slug, and the token does not know it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
