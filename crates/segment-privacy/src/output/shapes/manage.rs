//! Connections, legal holds and retention.

use jiff::Timestamp;
use privacy_engine::Purged;
use segment_core::{LegalHold, RequestId};
use serde::Serialize;

use super::{ConnectionShape, IdentityShape};

/// `connections list`.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionsShape {
    pub(crate) connections: Vec<ConnectionShape>,
}

/// `connections remove`.
#[derive(Debug, Serialize)]
pub(crate) struct RemovedShape {
    pub(crate) removed: String,
}

/// `purge`.
#[derive(Debug, Serialize)]
pub(crate) struct PurgeShape {
    pub(crate) dry_run: bool,
    pub(crate) packages: u64,
    pub(crate) identities: u64,
    pub(crate) holds: u64,
    pub(crate) forgotten: Vec<String>,
    pub(crate) failures: Vec<PurgeFailureShape>,
}

/// A request that could not be purged.
#[derive(Debug, Serialize)]
pub(crate) struct PurgeFailureShape {
    pub(crate) request: String,
    pub(crate) message: String,
}

impl PurgeShape {
    pub(crate) fn new(dry_run: bool, purged: &Purged) -> Self {
        let failure = |(request, message): &(RequestId, String)| PurgeFailureShape {
            request: request.to_string(),
            message: message.clone(),
        };
        Self {
            dry_run,
            packages: purged.packages,
            identities: purged.identities,
            holds: purged.holds,
            forgotten: Vec::new(),
            failures: purged.failures.iter().map(failure).collect(),
        }
    }
}

/// `holds list`.
#[derive(Debug, Serialize)]
pub(crate) struct HoldsShape {
    pub(crate) holds: Vec<HoldShape>,
}

/// A legal hold: who and why only where that was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct HoldShape {
    pub(crate) id: String,
    pub(crate) placed_at: Timestamp,
    pub(crate) lifted_at: Option<Timestamp>,
    /// The kinds of identities that it names.
    pub(crate) names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identities: Option<Vec<IdentityShape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Erasures of the person that have left already: nothing stops them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) left_already: Vec<String>,
}

impl HoldShape {
    pub(crate) fn new(hold: &LegalHold, reveal: bool) -> Self {
        Self {
            id: hold.id.to_string(),
            placed_at: hold.placed_at,
            lifted_at: hold.lifted_at,
            names: hold.identities.iter().map(|one| one.kind().as_str().to_owned()).collect(),
            identities: reveal.then(|| hold.identities.iter().map(IdentityShape::from).collect()),
            reason: reveal.then(|| hold.reason.expose().clone()),
            left_already: Vec::new(),
        }
    }
}
