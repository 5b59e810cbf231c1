//! What is going on, for people who wait. Nothing in it names a person.

use std::sync::Arc;

use segment_core::{ConnectionKey, RequestId};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// It is being found out who a request is about.
    Resolving(RequestId),
    /// Records of a collection came in.
    Collected {
        /// from where
        connection: ConnectionKey,
        /// such as `events`
        collection: &'static str,
        /// how many more
        records: u64,
    },
    /// Rows of an owned database are being masked.
    Masking {
        /// which
        dataset: ConnectionKey,
    },
    /// Rows of the owned databases are being read.
    Reading,
    /// A package is being written.
    Packaging(RequestId),
    /// A regulation is being sent.
    Sending {
        /// to where
        connection: ConnectionKey,
        /// how many user ids
        subjects: u64,
    },
    /// Segment said where a regulation stands.
    Polled {
        /// of which connection
        connection: ConnectionKey,
        /// in Segment's word
        status: String,
    },
    /// A regulation is being read back.
    Looking {
        /// of which connection
        connection: ConnectionKey,
        /// how many people
        people: u64,
    },
    /// A step failed and is tried again later.
    Delayed {
        /// why, in a sentence
        reason: String,
    },
}

/// Where progress goes.
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn Fn(Progress) + Send + Sync>);

impl ProgressSink {
    /// Calls this function, which must return at once.
    pub fn new(sink: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(crate) fn tell(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl Default for ProgressSink {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl std::fmt::Debug for ProgressSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProgressSink")
    }
}
