use jiff::Timestamp;
use segment_core::{AuditEntry, RequestSummary};
use serde::Serialize;
use utoipa::ToSchema;

/// One line of a list of requests.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SummaryShape {
    /// Its id.
    pub id: String,
    /// What was asked: `access`, `erasure`, `suppression` or `unsuppression`.
    pub action: String,
    /// Where it stands.
    pub status: String,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// The law's deadline.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// When it became complete.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
    /// When the last of its tasks was confirmed by a read-back.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub verified_at: Option<Timestamp>,
    /// How many tasks it has: one for each connection and owned database.
    pub tasks: u64,
    /// Whether it is open beyond its deadline.
    pub overdue: bool,
}

impl SummaryShape {
    /// As it stands at `now`.
    #[must_use]
    pub fn new(summary: &RequestSummary, now: Timestamp) -> Self {
        Self {
            id: summary.id.to_string(),
            action: summary.action.to_string(),
            status: summary.status.as_str().to_owned(),
            received_at: summary.received_at,
            due_at: summary.due_at,
            completed_at: summary.completed_at,
            verified_at: summary.verified_at,
            tasks: summary.tasks,
            overdue: !summary.status.is_over() && summary.due_at < now,
        }
    }
}

/// A step in the life of a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogShape {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The stable name of the step, such as `accepted`.
    pub step: String,
    /// Facts about it: counts, ids, statuses, codes, and who decided. Nothing in it names the person.
    pub facts: serde_json::Value,
}

impl From<AuditEntry> for LogShape {
    fn from(entry: AuditEntry) -> Self {
        Self { at: entry.at, step: entry.step, facts: entry.facts }
    }
}
