//! Evidence: the log of a request as one signed document, which anybody can check without us.

mod certificate;
mod document;
mod key;
mod verify;

pub use certificate::{NoCertificate, certificate};
pub use document::{EvidenceRecord, export};
pub use key::{EvidenceKey, KeyError, PublicKey};
pub use verify::{EvidenceError, Verified, verify};

/// What the first members of a document say.
const FORMAT: &str = "segment-privacy evidence";
/// The version that this program writes and reads.
const VERSION: u64 = 1;
