use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use segment_core::{Action, Holder, Identity, Ledger, Request, Task};
use serde::Serialize;
use utoipa::ToSchema;

use crate::reference::is_free;

/// A request with its tasks.
#[derive(Clone, Serialize, ToSchema)]
pub struct RequestShape {
    /// Its id.
    pub id: String,
    /// The caller's own reference; `null` once it is destroyed.
    pub external_id: Option<String>,
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
    /// Why it was denied.
    pub denied_reason: Option<String>,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identities: Option<Vec<IdentityShape>>,
    /// One for each connection and owned database.
    pub tasks: Vec<TaskShape>,
    /// Rows that were masked, by `dataset.collection`.
    pub masked: BTreeMap<String, u64>,
    /// What the person receives.
    pub package: Option<PackageShape>,
}

/// The share of one connection, or of one owned database.
#[derive(Clone, Serialize, ToSchema)]
pub struct TaskShape {
    /// The connection, or the dataset of an owned database.
    pub connection: String,
    /// Whether that is a connection or a dataset.
    pub holder: String,
    /// Where it stands.
    pub status: String,
    /// What came of it, once it is complete.
    pub outcome: Option<String>,
    /// Why it stands still, as a stable code.
    pub code: Option<String>,
    /// Why it stands still, and what to do.
    pub message: Option<String>,
    /// How many ids of the person were found.
    pub identities: IdentitiesShape,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_ids: Option<Vec<String>>,
    /// Records that were collected, or rows that were masked, by collection.
    pub collections: BTreeMap<String, u64>,
    /// Its regulations at Segment.
    pub regulations: Vec<RegulationShape>,
    /// What a person has to know.
    pub findings: Vec<FindingShape>,
}

/// How many ids of the person were found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IdentitiesShape {
    /// User ids, which regulations reach.
    pub resolved_user_ids: u64,
    /// Other ids, which they do not.
    pub unreachable: u64,
}

/// A regulation at Segment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RegulationShape {
    /// Segment's id.
    pub id: Option<String>,
    /// The type, in the Public API's spelling.
    #[serde(rename = "type")]
    pub kind: String,
    /// The source that it is for; `null` for the whole workspace.
    pub source: Option<String>,
    /// Where it stands.
    pub status: String,
    /// User ids of this person in it.
    pub subjects: u64,
    /// How far each destination is.
    pub destinations: Vec<DestinationShape>,
}

/// What one destination of Segment's reports.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DestinationShape {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: String,
    /// What the destination says can name a person: only whether it said something.
    pub message: String,
}

/// What a person has to know.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FindingShape {
    /// A stable code.
    pub code: String,
    /// In a sentence.
    pub message: String,
}

/// The package of an access.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PackageShape {
    /// Where it is.
    pub location: String,
    /// How long the stored file is.
    pub bytes: u64,
    /// Its digest, in hexadecimal digits.
    pub sha256: String,
}

impl RequestShape {
    /// `ledgers` is everything that the request was part of.
    #[must_use]
    pub fn new(request: &Request, ledgers: &[Ledger]) -> Self {
        Self {
            id: request.id.to_string(),
            // One of ours is nobody's business.
            external_id: request.external_id.as_ref().map(|id| id.expose().clone()).filter(|id| is_free(id)),
            action: request.action.to_string(),
            status: request.status.as_str().to_owned(),
            received_at: request.received_at,
            due_at: request.due_at,
            completed_at: request.completed_at,
            verified_at: request.verified_at,
            denied_reason: request.denied_reason.as_ref().map(|reason| reason.expose().clone()),
            identities: None,
            tasks: request.tasks.iter().map(|task| TaskShape::new(request, task, ledgers)).collect(),
            masked: masked(request),
            package: request.package.as_ref().map(|package| PackageShape {
                location: package.location.clone(),
                bytes: package.bytes,
                sha256: package.sha256.clone(),
            }),
        }
    }
}

/// Rows by `dataset.collection`, of an erasure.
fn masked(request: &Request) -> BTreeMap<String, u64> {
    let of_rows =
        request.tasks.iter().filter(|task| task.holder == Holder::Dataset && request.action == Action::Erasure);
    let done = of_rows.filter(|task| task.state.outcome().is_some());
    done.flat_map(|task| task.collections.clone()).collect()
}

impl RequestShape {
    /// The same with who it is about.
    #[must_use]
    pub fn revealing(mut self, request: &Request) -> Self {
        self.identities = request.identities.as_ref().map(|all| all.iter().map(IdentityShape::from).collect());
        for (shape, task) in self.tasks.iter_mut().zip(&request.tasks) {
            let resolution = task.resolution.as_ref();
            shape.user_ids = resolution.map(|found| found.user_ids.iter().map(|id| id.expose().clone()).collect());
        }
        self
    }
}

impl TaskShape {
    fn new(request: &Request, task: &Task, ledgers: &[Ledger]) -> Self {
        let halt = task.state.halt();
        let mine = ledgers.iter().filter(|ledger| ledger.connection == task.connection && ledger.regulation.is_some());
        let share = |ledger: &Ledger| RegulationShape { subjects: task.user_ids, ..RegulationShape::from(ledger) };
        Self {
            connection: task.connection.to_string(),
            holder: task.holder.as_str().to_owned(),
            // Nothing is done on a task before its request may begin.
            status: if request.begun { task.state.status() } else { request.status }.as_str().to_owned(),
            outcome: task.state.outcome().map(|outcome| outcome.as_str().to_owned()),
            code: halt.map(|halt| halt.kind.as_str().to_owned()),
            message: halt.map(|halt| halt.message.clone()),
            user_ids: None,
            identities: IdentitiesShape { resolved_user_ids: task.user_ids, unreachable: task.unreachable },
            collections: task.collections.clone(),
            regulations: mine.map(share).collect(),
            findings: task
                .findings
                .iter()
                .map(|finding| FindingShape {
                    code: finding.code.as_str().to_owned(),
                    message: finding.message.clone(),
                })
                .collect(),
        }
    }
}

impl From<&Ledger> for RegulationShape {
    fn from(ledger: &Ledger) -> Self {
        let destination = |report: &segment_core::DestinationReport| DestinationShape {
            name: report.name.clone(),
            status: report.status.as_str().to_owned(),
            message: if report.message.expose().is_empty() { String::new() } else { "(kept encrypted)".to_owned() },
        };
        Self {
            id: ledger.regulation.as_ref().map(ToString::to_string),
            kind: ledger.kind.as_str().to_owned(),
            source: ledger.source.clone(),
            status: ledger
                .status
                .as_ref()
                .map_or_else(|| "INITIALIZED".to_owned(), |status| status.as_str().to_owned()),
            subjects: ledger.subject_count,
            destinations: ledger.destinations.iter().map(destination).collect(),
        }
    }
}

/// Somebody's identity: only ever shown where that was asked for.
#[derive(Clone, Serialize, ToSchema)]
pub struct IdentityShape {
    /// Its kind, such as `email`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value.
    pub value: String,
}

impl From<&Identity> for IdentityShape {
    fn from(identity: &Identity) -> Self {
        Self { kind: identity.kind().as_str().to_owned(), value: identity.value().expose().clone() }
    }
}

// Who a request is about can stand in these, where that was asked for.
impl fmt::Debug for RequestShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestShape").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl fmt::Debug for TaskShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskShape")
            .field("connection", &self.connection)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IdentityShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityShape").field("kind", &self.kind).finish_non_exhaustive()
    }
}
