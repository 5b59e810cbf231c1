//! One printable page for the person: what was erased, where, when, and by whom that was confirmed. It is made of a checked
//! document, and says where that is.

use maud::{Markup, html};
use serde_json::Value;
use thiserror::Error;

use super::{EvidenceError, PublicKey, verify};
use crate::report::{frame, texts::CERTIFICATE as TEXTS, texts::fill};

/// Why there is no certificate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NoCertificate {
    /// The document proves nothing.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// It is about something else.
    #[error("it is about {0}, and only an erasure has a certificate")]
    NotAnErasure(String),
    /// It is not done.
    #[error("the erasure is {0}, and a certificate says that it is complete")]
    NotComplete(String),
    /// It erased nothing.
    #[error("nothing was erased, as far as the record knows: nothing was deleted at Segment, and no row was masked")]
    NothingErased,
}

/// The certificate of a document, as HTML that opens offline.
///
/// # Errors
///
/// [`NoCertificate`].
pub fn certificate(evidence: &str, trusted: Option<&PublicKey>) -> Result<String, NoCertificate> {
    let verified = verify(evidence, trusted)?;
    let document: Value = serde_json::from_str(evidence).unwrap_or_default();
    let request = &document["request"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if request["action"] != "erasure" {
        return Err(NoCertificate::NotAnErasure(text(&request["action"])));
    }
    if request["status"] != "complete" {
        return Err(NoCertificate::NotComplete(text(&request["status"])));
    }
    let tasks = request["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let findings = || tasks.iter().flat_map(|task| task["findings"].as_array().into_iter().flatten());
    // What is only blocked, or was settled by a human, is not erased as far as the record knows.
    if !tasks.iter().any(|task| task["outcome"] == "deleted" || task["outcome"] == "masked") {
        return Err(NoCertificate::NothingErased);
    }
    let mut notes: Vec<_> = findings().map(|finding| text(&finding["message"])).collect();
    notes.sort();
    notes.dedup();
    let main = html! {
        h1 { (TEXTS.title) }
        p { (fill(TEXTS.intro, &verified.request)) }
        dl.facts {
            dt { (TEXTS.asked) } dd { (day(&request["received_at"])) }
            dt { (TEXTS.completed) } dd { (day(&request["completed_at"])) }
            @if let (Some(at), true) = (request["verified_at"].as_str(), is_gone(tasks)) {
                dt { (TEXTS.verified) } dd { (at) }
            }
        }
        table {
            caption { (TEXTS.what) }
            thead {
                tr { th scope="col" { (TEXTS.place) } th scope="col" { (TEXTS.done) } th scope="col" { (TEXTS.confirmed) } }
            }
            tbody { @for task in tasks { (row(task, &document["regulations"])) } }
        }
        @if !notes.is_empty() {
            h2 { (TEXTS.notes) }
            ul { @for note in notes { li { (note) } } }
        }
        p.soft { (fill(TEXTS.proof, &verified.signed_by.to_string())) }
    };
    Ok(frame(TEXTS.language, TEXTS.title, TEXTS.skip, &main))
}

/// Whether a look found nothing of the person at Segment, and nothing came back since: who is only blocked is still there.
fn is_gone(tasks: &[Value]) -> bool {
    let came_back = |task: &Value| {
        let codes = task["findings"].as_array().into_iter().flatten().filter_map(|finding| finding["code"].as_str());
        codes.into_iter().any(|code| matches!(code, "profile_returned" | "profile_remains"))
    };
    !tasks.iter().any(|task| task["outcome"] == "suppressed" || came_back(task))
}

fn row(task: &Value, regulations: &Value) -> Markup {
    let key = task["key"].as_str().unwrap_or_default();
    let rows: u64 = task["collections"].as_object().into_iter().flatten().filter_map(|(_, rows)| rows.as_u64()).sum();
    let of_dataset = task["holder"] == "dataset";
    let outcome = task["outcome"].as_str().unwrap_or_default();
    let confirmed = |one: &&Value| {
        matches!(outcome, "deleted" | "suppressed") && one["connection"] == key && one["status"] == "FINISHED"
    };
    let regulations: Vec<_> = regulations.as_array().into_iter().flatten().filter(confirmed).collect();
    let blocks = regulations.iter().any(|one| one["type"].as_str().is_some_and(|kind| kind.starts_with("SUPPRESS")));
    let ids = regulations.iter().filter_map(|one| one["regulation"].as_str());
    let done = match outcome {
        "masked" => fill(TEXTS.masked, &rows.to_string()),
        "deleted" if blocks => TEXTS.deleted_and_blocked.to_owned(),
        "deleted" => TEXTS.deleted.to_owned(),
        "suppressed" => TEXTS.suppressed.to_owned(),
        "no_data" => TEXTS.no_data.to_owned(),
        "settled" => TEXTS.settled.to_owned(),
        other => other.to_owned(),
    };
    let seen = task["verified_at"].is_string();
    html! {
        tr {
            th scope="row" { (fill(if of_dataset { TEXTS.database } else { TEXTS.segment }, key)) }
            td { (done) }
            td {
                @for id in ids { div { (fill(TEXTS.regulation, id)) } }
                @if seen && outcome == "deleted" { div { (TEXTS.read_back) } }
                @if seen && outcome == "suppressed" { div { (TEXTS.block_seen) } }
                @if outcome == "masked" { (TEXTS.by_us) }
            }
        }
    }
}

fn day(at: &Value) -> &str {
    at.as_str().and_then(|at| at.get(..10)).unwrap_or_default()
}
