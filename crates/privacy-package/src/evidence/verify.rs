//! Checking a document, without a database and without a network.

use jiff::Timestamp;
use segment_core::{AuditEntry, ChainEnd, canonical};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{FORMAT, KeyError, PublicKey, VERSION, document::written};

/// What a document that is whole says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The request.
    pub request: String,
    /// Its status when the document was made.
    pub status: String,
    /// When that was.
    pub exported_at: Timestamp,
    /// Entries of all logs.
    pub entries: u64,
    /// Who signed it.
    pub signed_by: PublicKey,
}

/// Why a document proves nothing.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvidenceError {
    /// Not JSON at all, or cut.
    #[error("the file is not JSON: {0}")]
    NotJson(String),
    /// Some other JSON.
    #[error("the file is no evidence of segment-privacy: {0}")]
    NotEvidence(String),
    /// Of another version of the format.
    #[error("the file is evidence of version {0}, and this program reads version {VERSION}")]
    Version(u64),
    /// An entry is not what was hashed.
    #[error("entry {seq} ({step}) of the log of {subject} was changed")]
    Changed {
        /// Whose log.
        subject: String,
        /// Its number.
        seq: u64,
        /// What it says of itself.
        step: String,
    },
    /// An entry stands where another one belongs.
    #[error("the log of {subject} has entry {found} where entry {expected} belongs: entries were dropped or moved")]
    Order {
        /// Whose log.
        subject: String,
        /// Which number belongs there.
        expected: u64,
        /// Which one stands there.
        found: u64,
    },
    /// Entries are missing at the end.
    #[error("the log of {subject} ends after {found} of {expected} entries: its tail was cut off")]
    Tail {
        /// Whose log.
        subject: String,
        /// How many there were.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The last hash is not the one that was signed.
    #[error("the log of {subject} does not end as its head says")]
    Head {
        /// Whose log.
        subject: String,
    },
    /// Spaces, line breaks, the order of members, or a member twice.
    #[error("the file is not written as it was exported: spaces were changed, or a member stands in it twice")]
    Rewritten,
    /// Signed by a key that is not the one that is trusted.
    #[error("the file is signed by {found}, not by {expected}")]
    ForeignKey {
        /// Who was to have signed.
        expected: Box<PublicKey>,
        /// Whose key is in the file.
        found: Box<PublicKey>,
    },
    /// The key in the file is none.
    #[error("the public key in the file")]
    Key(#[source] KeyError),
    /// The logs hold, and something beside them does not.
    #[error("the signature does not fit: something beside the logs' entries was changed, or the signature itself")]
    Signature,
}

#[derive(Deserialize)]
struct Document {
    exported_at: Timestamp,
    request: Request,
    logs: Vec<Log>,
    public_key: String,
    signature: String,
}

#[derive(Deserialize)]
struct Request {
    id: String,
    status: String,
}

#[derive(Deserialize)]
struct Log {
    subject: String,
    entries: Vec<Entry>,
    count: u64,
    head: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    seq: u64,
    at: Timestamp,
    step: String,
    facts: Value,
    hash: String,
}

/// Checks the chains of a document, and its signature by `trusted`; without it by the key in the document, which says only
/// that whoever has that key wrote it.
///
/// # Errors
///
/// What is wrong, and where.
pub fn verify(text: &str, trusted: Option<&PublicKey>) -> Result<Verified, EvidenceError> {
    let value: Value = serde_json::from_str(text).map_err(|error| EvidenceError::NotJson(error.to_string()))?;
    if value["format"] != FORMAT {
        return Err(EvidenceError::NotEvidence("its format is another one".to_owned()));
    }
    match value["version"].as_u64() {
        Some(VERSION) => {}
        Some(other) => return Err(EvidenceError::Version(other)),
        None => return Err(EvidenceError::NotEvidence("it has no version".to_owned())),
    }
    let document: Document =
        Document::deserialize(&value).map_err(|error| EvidenceError::NotEvidence(error.to_string()))?;
    document.logs.iter().try_for_each(Log::check)?;
    let signed_by: PublicKey = document.public_key.parse().map_err(EvidenceError::Key)?;
    if let Some(expected) = trusted.filter(|trusted| **trusted != signed_by) {
        return Err(EvidenceError::ForeignKey { expected: Box::new(expected.clone()), found: Box::new(signed_by) });
    }
    let mut unsigned = value.clone();
    unsigned.as_object_mut().map(|members| members.remove("signature"));
    if !signed_by.has_signed(&canonical(&unsigned), &document.signature) {
        return Err(EvidenceError::Signature);
    }
    if text != written(&value) {
        return Err(EvidenceError::Rewritten);
    }
    Ok(Verified {
        request: document.request.id,
        status: document.request.status,
        exported_at: document.exported_at,
        entries: document.logs.iter().map(|log| log.count).sum(),
        signed_by,
    })
}

impl Log {
    fn check(&self) -> Result<(), EvidenceError> {
        let subject = || self.subject.clone();
        let mut end = ChainEnd::of(&self.subject);
        for entry in &self.entries {
            let expected = end.count + 1;
            if entry.seq != expected {
                return Err(EvidenceError::Order { subject: subject(), expected, found: entry.seq });
            }
            end.append(&AuditEntry::new(entry.at, entry.step.as_str(), entry.facts.clone()));
            if hex::encode(end.hash) != entry.hash {
                return Err(EvidenceError::Changed { subject: subject(), seq: entry.seq, step: entry.step.clone() });
            }
        }
        if end.count != self.count {
            return Err(EvidenceError::Tail { subject: subject(), expected: self.count, found: end.count });
        }
        let head = (end.count > 0).then(|| hex::encode(end.hash));
        if head == self.head { Ok(()) } else { Err(EvidenceError::Head { subject: subject() }) }
    }
}
