//! One regulation and its way through time.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::after;
use crate::config::MockConfig;
use crate::state::outcome::Outcome;

/// Regulations older than this are gone \[TS\].
const RETENTION: Duration = Duration::from_hours(90 * 24);

/// Where a regulation was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Workspace,
    Source(String),
    CloudSource { source: String, collection: String },
}

/// A valid create request.
#[derive(Clone, Debug)]
pub(crate) struct NewRegulation {
    pub(crate) kind: String,
    pub(crate) subject_type: String,
    pub(crate) subjects: Vec<String>,
    pub(crate) scope: Scope,
}

impl NewRegulation {
    pub(crate) fn of_users(&self) -> bool {
        self.subject_type == "USER_ID"
    }

    /// Whether it deletes a profile. `DELETE_ARCHIVE_ONLY` means archives only \[I\]; a profile is made of all sources, so one
    /// source's data do not take it along \[I\].
    pub(crate) fn deletes_profiles(&self) -> bool {
        let deletes = self.kind.starts_with("DELETE_") || self.kind.starts_with("SUPPRESS_WITH_DELETE");
        deletes && self.kind != "DELETE_ARCHIVE_ONLY" && self.scope == Scope::Workspace && self.of_users()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Regulation {
    pub(crate) id: String,
    pub(crate) what: NewRegulation,
    pub(crate) created_at: Timestamp,
    pub(crate) visible_at: Timestamp,
    running_at: Timestamp,
    ends_at: Timestamp,
    outcome: Outcome,
    forced: Option<(String, Timestamp)>,
    erased: bool,
}

impl Regulation {
    pub(crate) fn new(id: String, what: NewRegulation, outcome: Outcome, now: Timestamp, config: &MockConfig) -> Self {
        let ends_after = outcome.finished_after.unwrap_or(config.finished_after);
        Self {
            id,
            what,
            created_at: now,
            visible_at: after(now, config.eventual),
            running_at: after(now, config.running_after.min(ends_after)),
            ends_at: after(now, ends_after),
            outcome,
            forced: None,
            erased: false,
        }
    }

    /// The status at a moment, by the clock unless it was forced.
    pub(crate) fn status(&self, now: Timestamp) -> &str {
        match &self.forced {
            Some((status, _)) => status,
            None if now >= self.ends_at => &self.outcome.status,
            None if now >= self.running_at => "RUNNING",
            None => "INITIALIZED",
        }
    }

    /// Whether the last status has been reached.
    pub(crate) fn ended(&self, now: Timestamp) -> bool {
        !matches!(self.status(now), "INITIALIZED" | "RUNNING")
    }

    pub(crate) fn finished_at(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.forced.as_ref().map_or(self.ends_at, |(_, at)| *at);
        self.ended(now).then_some(at)
    }

    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        now >= after(self.created_at, RETENTION)
    }

    /// Whether get and list show it.
    pub(crate) fn shown(&self, now: Timestamp) -> bool {
        now >= self.visible_at && !self.expired(now)
    }

    pub(crate) fn stream_status(&self, now: Timestamp, default_stream: &str) -> serde_json::Value {
        match self.finished_at(now) {
            Some(at) => self.outcome.stream_status(Some(at), default_stream),
            None => serde_json::json!([]),
        }
    }

    pub(crate) fn set_outcome(&mut self, outcome: Outcome) {
        if let Some(ends_after) = outcome.finished_after {
            self.ends_at = after(self.created_at, ends_after);
            self.running_at = self.running_at.min(self.ends_at);
        }
        self.outcome = outcome;
    }

    pub(crate) fn force(&mut self, status: &str, now: Timestamp) {
        self.forced = Some((status.to_owned(), now));
    }

    /// The users to erase, handed out once when the outcome that erases them is reached.
    pub(crate) fn take_due_erasure(&mut self, now: Timestamp) -> &[String] {
        if self.erased || !self.ended(now) || !self.outcome.erases_at(self.status(now)) {
            return &[];
        }
        self.erased = true;
        &self.what.subjects
    }
}
