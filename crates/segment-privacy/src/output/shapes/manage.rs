//! Connections, legal holds and retention.

use jiff::Timestamp;
use privacy_engine::Purged;
use privacy_store::TestRecord;
use segment_core::{Identity, LegalHold, RequestId};
use serde::Serialize;

/// `connections list`.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionsShape {
    pub(crate) connections: Vec<ConnectionShape>,
}

/// A connection as it is configured; a list leaves its fields out.
#[derive(Debug, Serialize)]
pub(crate) struct ConnectionShape {
    pub(crate) key: String,
    pub(crate) kind: String,
    /// `file` or `database`.
    pub(crate) from: String,
    pub(crate) enabled: bool,
    pub(crate) workspace: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) last_test: Option<LastTestShape>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) fields: Vec<FieldShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct FieldShape {
    pub(crate) name: String,
    /// Where a secret comes from, never what it is.
    pub(crate) value: Option<String>,
    pub(crate) required: bool,
    pub(crate) default: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct LastTestShape {
    pub(crate) at: Timestamp,
    pub(crate) status: String,
    pub(crate) checks: serde_json::Value,
}

impl From<&TestRecord> for LastTestShape {
    fn from(test: &TestRecord) -> Self {
        let status = if test.succeeded { "succeeded" } else { "failed" };
        Self { at: test.at, status: status.to_owned(), checks: test.checks.clone() }
    }
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

/// Somebody's identity: only ever printed where that was asked for.
#[derive(Debug, Serialize)]
pub(crate) struct IdentityShape {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) value: String,
}

impl From<&Identity> for IdentityShape {
    fn from(identity: &Identity) -> Self {
        Self { kind: identity.kind().as_str().to_owned(), value: identity.value().expose().clone() }
    }
}
