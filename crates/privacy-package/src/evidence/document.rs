//! Writing the document.

use jiff::Timestamp;
use segment_core::{EvidenceSalt, Ledger, LogChain, Request, Task, canonical};
use serde_json::{Value, json};

use super::{EvidenceKey, FORMAT, VERSION};

/// What the record holds of a request.
#[derive(Debug)]
pub struct EvidenceRecord<'a> {
    /// The request.
    pub request: &'a Request,
    /// The regulations that it was part of.
    pub regulations: &'a [Ledger],
    /// Its log, and the logs of those.
    pub chains: &'a [LogChain],
    /// Put in only for whom the ids may be shown to: with it, ids can be compared with the hashes of the log.
    pub salt: Option<&'a EvidenceSalt>,
    /// When the document is made.
    pub at: Timestamp,
}

/// The signed document, a JSON text. Nothing in it names the person.
#[must_use]
pub fn export(record: &EvidenceRecord<'_>, key: &EvidenceKey) -> String {
    let mut document = json!({
        "format": FORMAT,
        "version": VERSION,
        "tool_version": env!("CARGO_PKG_VERSION"),
        "exported_at": record.at,
        "request": request(record.request),
        "regulations": record.regulations.iter().map(regulation).collect::<Vec<_>>(),
        "logs": record.chains.iter().map(log).collect::<Vec<_>>(),
        "salt": record.salt.map(EvidenceSalt::reveal),
        "public_key": key.public().to_string(),
    });
    document["signature"] = key.sign(&canonical(&document)).into();
    written(&document)
}

/// The one way in which a document is written: a file that differs was changed. Members are sorted, also in a program in which
/// something else makes `serde_json` keep their order.
pub(super) fn written(document: &Value) -> String {
    let mut document = document.clone();
    document.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn request(request: &Request) -> Value {
    json!({
        "id": request.id.as_str(),
        "action": request.action.as_str(),
        "regime": request.regime.as_str(),
        "status": request.status.as_str(),
        "received_at": request.received_at,
        "due_at": request.due_at,
        "completed_at": request.completed_at,
        "verified_at": request.verified_at,
        "tasks": request.tasks.iter().map(task).collect::<Vec<_>>(),
    })
}

fn task(task: &Task) -> Value {
    let findings = task.findings.iter().map(|one| json!({"code": one.code.as_str(), "message": one.message}));
    json!({
        "holder": task.holder.as_str(),
        "key": task.connection.as_str(),
        "state": task.state.as_str(),
        "outcome": task.state.outcome().map(segment_core::Outcome::as_str),
        "user_ids": task.user_ids,
        "unreachable": task.unreachable,
        "collections": task.collections,
        "findings": findings.collect::<Vec<_>>(),
        "verified_at": task.verified_at,
    })
}

fn regulation(ledger: &Ledger) -> Value {
    json!({
        "intent": ledger.intent.as_str(),
        "connection": ledger.connection.as_str(),
        "source": ledger.source,
        "type": ledger.kind.as_str(),
        "regulation": ledger.regulation.as_ref().map(segment_core::RegulationId::as_str),
        "status": ledger.status.as_ref().map(segment_core::RegulationStatus::as_str),
        "created_at": ledger.created_at,
        "accepted_at": ledger.accepted_at,
        "finished_at": ledger.finished_at,
    })
}

/// A log with its end: what is cut off at the end would not be missed without it.
fn log(chain: &LogChain) -> Value {
    let entry = |(seq, (entry, hash)): (u64, &(segment_core::AuditEntry, [u8; 32]))| json!({"seq": seq, "at": entry.at, "step": entry.step, "facts": entry.facts, "hash": hex::encode(hash)});
    json!({
        "subject": chain.subject,
        "entries": (1..).zip(&chain.entries).map(entry).collect::<Vec<_>>(),
        "count": chain.entries.len(),
        "head": chain.entries.last().map(|(_, hash)| hex::encode(hash)),
    })
}
