//! How a regulation ends, as a test scripts it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Which regulations an [`Outcome`] is for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Which {
    /// The next regulation that is created.
    Next,
    /// A regulation that exists and has not ended.
    Id(String),
    /// Every regulation with this subject, existing (unless ended) or to come.
    Subject(String),
    /// Every regulation, existing (unless ended) or to come.
    Any,
}

/// The final status of a regulation with what its destinations say.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub(crate) status: String,
    streams: Vec<(Option<String>, Vec<DestinationStatus>)>,
    erases: Option<bool>,
    pub(crate) finished_after: Option<Duration>,
}

impl Outcome {
    /// `FINISHED`: the default.
    #[must_use]
    pub fn finished() -> Self {
        Self::status("FINISHED")
    }

    /// `FAILED`; Segment's own stores are erased all the same \[DEL\], see [`keeps_profiles`](Self::keeps_profiles).
    #[must_use]
    pub fn failed() -> Self {
        Self::status("FAILED")
    }

    /// `PARTIAL_SUCCESS`; profiles stay, see [`erases_profiles`](Self::erases_profiles).
    #[must_use]
    pub fn partial_success() -> Self {
        Self::status("PARTIAL_SUCCESS")
    }

    /// `INVALID`; profiles stay.
    #[must_use]
    pub fn invalid() -> Self {
        Self::status("INVALID")
    }

    /// `NOT_SUPPORTED`; profiles stay.
    #[must_use]
    pub fn not_supported() -> Self {
        Self::status("NOT_SUPPORTED")
    }

    /// Any status, also one that no document knows.
    #[must_use]
    pub fn status(status: impl Into<String>) -> Self {
        Self { status: status.into(), streams: Vec::new(), erases: None, finished_after: None }
    }

    /// Adds a destination to the first stream, whose id is that of the first source.
    #[must_use]
    pub fn destination(mut self, destination: DestinationStatus) -> Self {
        match self.streams.first_mut() {
            Some((_, destinations)) => destinations.push(destination),
            None => self.streams.push((None, vec![destination])),
        }
        self
    }

    /// Adds a stream with its own id.
    #[must_use]
    pub fn stream(mut self, id: impl Into<String>, destinations: Vec<DestinationStatus>) -> Self {
        self.streams.push((Some(id.into()), destinations));
        self
    }

    /// Leaves the profiles in place whatever the status says: Segment broke its promise.
    #[must_use]
    pub fn keeps_profiles(mut self) -> Self {
        self.erases = Some(false);
        self
    }

    /// Erases the profiles whatever the status says, for types that delete.
    #[must_use]
    pub fn erases_profiles(mut self) -> Self {
        self.erases = Some(true);
        self
    }

    /// Ends this long after creation instead of the configured time.
    #[must_use]
    pub fn finished_after(mut self, virtual_time: Duration) -> Self {
        self.finished_after = Some(virtual_time);
        self
    }

    /// FINISHED and FAILED both mean that Segment's own stores were worked on \[DEL\].
    pub(crate) fn erases_at(&self, status: &str) -> bool {
        self.erases.unwrap_or(matches!(status, "FINISHED" | "FAILED"))
    }

    pub(crate) fn stream_status(&self, finished_at: Option<Timestamp>, default_stream: &str) -> Value {
        let stream = |(id, destinations): &(Option<String>, Vec<DestinationStatus>)| {
            let destinations: Vec<_> = destinations.iter().map(|one| one.to_json(finished_at)).collect();
            json!({"id": id.as_deref().unwrap_or(default_stream), "destinationStatus": destinations})
        };
        self.streams.iter().map(stream).collect()
    }
}

/// What one destination says at the end of a regulation.
#[derive(Clone, Debug)]
pub struct DestinationStatus {
    name: String,
    status: String,
    id: String,
    error: Option<String>,
    finished_at: Option<String>,
}

impl DestinationStatus {
    /// A destination by name with its status, such as `FINISHED` (forwarded) or `NOT_SUPPORTED`.
    #[must_use]
    pub fn new(name: impl Into<String>, status: impl Into<String>) -> Self {
        let id = "60f1a2b3c4d5e6f7a8b9c0d1".into();
        Self { name: name.into(), status: status.into(), id, error: Some(String::new()), finished_at: None }
    }

    /// Its id.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Its `errString`, which is empty unless given.
    #[must_use]
    pub fn error(mut self, text: impl Into<String>) -> Self {
        self.error = Some(text.into());
        self
    }

    /// Sends `errString` as `null`.
    #[must_use]
    pub fn null_error(mut self) -> Self {
        self.error = None;
        self
    }

    /// Its `finishedAt` verbatim; by default the regulation's for `FINISHED` and empty for all others.
    #[must_use]
    pub fn finished_at(mut self, text: impl Into<String>) -> Self {
        self.finished_at = Some(text.into());
        self
    }

    fn to_json(&self, finished_at: Option<Timestamp>) -> Value {
        let usual = || match finished_at {
            Some(at) if self.status == "FINISHED" => at.to_string(),
            _ => String::new(),
        };
        let finished_at = self.finished_at.clone().unwrap_or_else(usual);
        json!({
            "name": self.name, "id": self.id, "status": self.status, "errString": self.error,
            "finishedAt": finished_at,
        })
    }
}
