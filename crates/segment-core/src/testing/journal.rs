//! What operators do.

use jiff::Timestamp;
use serde_json::json;

use crate::AuditEntry;

/// That an operator did something.
#[must_use]
pub fn told(at: Timestamp, step: &str) -> AuditEntry {
    AuditEntry::new(at, step, json!({"by": "ops"}))
}
