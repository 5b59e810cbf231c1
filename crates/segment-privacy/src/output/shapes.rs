//! The JSON shapes: a contract. No identity value stands in any of them, unless it was asked for.

mod manage;
mod report;

use std::collections::BTreeMap;

use jiff::Timestamp;
use privacy_engine::{Check, MaskPlan, Plan};
use segment_core::{Action, AuditEntry, Holder, Ledger, Request, RequestSummary, RowStep, Task};
use serde::Serialize;

#[cfg(test)]
pub(crate) use manage::PurgeFailureShape;
pub(crate) use manage::{
    ConnectionShape, ConnectionsShape, FieldShape, HoldShape, HoldsShape, IdentityShape, LastTestShape, PurgeShape,
    RemovedShape,
};

pub(crate) use report::ReportShape;

/// `access`, `erase`, `requests show`.
#[derive(Debug, Serialize)]
pub(crate) struct RequestShape {
    pub(crate) id: String,
    pub(crate) external_id: Option<String>,
    pub(crate) action: String,
    pub(crate) status: String,
    pub(crate) received_at: Timestamp,
    pub(crate) due_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) verified_at: Option<Timestamp>,
    pub(crate) denied_reason: Option<String>,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identities: Option<Vec<IdentityShape>>,
    pub(crate) tasks: Vec<TaskShape>,
    pub(crate) masked: BTreeMap<String, u64>,
    pub(crate) package: Option<PackageShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct TaskShape {
    pub(crate) connection: String,
    /// Whether that is a connection or a dataset.
    pub(crate) holder: String,
    pub(crate) status: String,
    pub(crate) outcome: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) identities: IdentitiesShape,
    /// Only where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_ids: Option<Vec<String>>,
    pub(crate) collections: BTreeMap<String, u64>,
    pub(crate) regulations: Vec<RegulationShape>,
    pub(crate) findings: Vec<FindingShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct IdentitiesShape {
    pub(crate) resolved_user_ids: u64,
    pub(crate) unreachable: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RegulationShape {
    pub(crate) id: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The source that it is for; `null` for the whole workspace.
    pub(crate) source: Option<String>,
    pub(crate) status: String,
    pub(crate) subjects: u64,
    pub(crate) destinations: Vec<DestinationShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct DestinationShape {
    pub(crate) name: String,
    pub(crate) status: String,
    /// What the destination says can name a person: only whether it said something.
    pub(crate) message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct FindingShape {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct PackageShape {
    pub(crate) location: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl RequestShape {
    /// `ledgers` is everything that the request was part of.
    pub(crate) fn new(request: &Request, ledgers: &[Ledger]) -> Self {
        Self {
            id: request.id.to_string(),
            external_id: request.external_id.as_ref().map(|id| id.expose().clone()),
            action: request.action.to_string(),
            status: request.status.as_str().to_owned(),
            received_at: request.received_at,
            due_at: request.due_at,
            completed_at: request.completed_at,
            verified_at: request.verified_at,
            denied_reason: request.denied_reason.clone(),
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
    pub(crate) fn revealing(mut self, request: &Request) -> Self {
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

/// `requests list`.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryShape {
    pub(crate) id: String,
    pub(crate) action: String,
    pub(crate) status: String,
    pub(crate) received_at: Timestamp,
    pub(crate) due_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
    pub(crate) verified_at: Option<Timestamp>,
    pub(crate) tasks: u64,
    pub(crate) overdue: bool,
}

impl SummaryShape {
    pub(crate) fn new(summary: &RequestSummary, now: Timestamp) -> Self {
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

/// `requests log`.
#[derive(Debug, Serialize)]
pub(crate) struct LogShape {
    pub(crate) at: Timestamp,
    pub(crate) step: String,
    pub(crate) facts: serde_json::Value,
}

impl From<AuditEntry> for LogShape {
    fn from(entry: AuditEntry) -> Self {
        Self { at: entry.at, step: entry.step, facts: entry.facts }
    }
}

/// One regulation of the ledger beside Segment's view; a regulation of somebody else has no `intent`.
#[derive(Debug, Serialize)]
pub(crate) struct LedgerShape {
    pub(crate) intent: Option<String>,
    pub(crate) connection: String,
    pub(crate) state: Option<String>,
    pub(crate) at_segment: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    #[serde(flatten)]
    pub(crate) regulation: RegulationShape,
}

/// The quota of one connection and category.
#[derive(Debug, Serialize)]
pub(crate) struct QuotaShape {
    pub(crate) connection: String,
    pub(crate) category: String,
    pub(crate) month: String,
    pub(crate) limit: u64,
    /// Kept for people who cannot wait for the next month.
    pub(crate) reserve: u64,
    pub(crate) used: u64,
    /// User ids that wait for a regulation.
    pub(crate) waiting: u64,
    /// When the last of those is expected to leave, if not this month.
    pub(crate) forecast: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RegulationsShape {
    pub(crate) regulations: Vec<LedgerShape>,
    pub(crate) quota: Vec<QuotaShape>,
}

/// `check`.
#[derive(Debug, Serialize)]
pub(crate) struct ChecksShape {
    pub(crate) connections: Vec<ConnectionChecksShape>,
    pub(crate) local: Vec<CheckShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ConnectionChecksShape {
    pub(crate) key: String,
    pub(crate) kind: String,
    /// Of a dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) access: Option<String>,
    pub(crate) status: String,
    pub(crate) checks: Vec<CheckShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CheckShape {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) message: String,
}

impl From<Check> for CheckShape {
    fn from(check: Check) -> Self {
        Self { name: check.name, status: check.status.as_str().to_owned(), message: check.message }
    }
}

/// `erase --dry-run`.
#[derive(Debug, Serialize)]
pub(crate) struct DryRunShape {
    pub(crate) dry_run: bool,
    pub(crate) plan: Vec<PlanShape>,
    /// Rows of a file that would not be taken.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rejected: Vec<RejectedShape>,
}

#[derive(Debug, Serialize)]
pub(crate) struct PlanShape {
    pub(crate) connection: String,
    pub(crate) action: String,
    /// `null` where rows are masked.
    pub(crate) regulation_type: Option<String>,
    pub(crate) subjects: u64,
    pub(crate) calls: u64,
    pub(crate) masks: BTreeMap<String, u64>,
    /// The look-ups in the owned databases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) steps: Vec<StepShape>,
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct StepShape {
    pub(crate) collection: String,
    pub(crate) by: String,
    pub(crate) values_of: String,
    pub(crate) expected_rows: Option<u64>,
    pub(crate) index: Option<bool>,
}

impl From<RowStep> for StepShape {
    fn from(step: RowStep) -> Self {
        let RowStep { collection, by, values_of, expected_rows, index } = step;
        Self { collection, by, values_of, expected_rows, index }
    }
}

impl From<MaskPlan> for PlanShape {
    fn from(plan: MaskPlan) -> Self {
        Self {
            connection: plan.dataset.to_string(),
            action: "mask".to_owned(),
            regulation_type: None,
            subjects: plan.people,
            calls: 0,
            masks: plan.masks,
            steps: plan.steps.into_iter().map(StepShape::from).collect(),
            warnings: plan.warnings,
        }
    }
}

impl From<Plan> for PlanShape {
    fn from(plan: Plan) -> Self {
        Self {
            connection: plan.connection.to_string(),
            action: if plan.kind.deletes() { "delete" } else { "suppress" }.to_owned(),
            regulation_type: Some(plan.kind.as_str().to_owned()),
            subjects: plan.subjects,
            calls: plan.calls,
            masks: BTreeMap::new(),
            steps: plan.steps.into_iter().map(StepShape::from).collect(),
            warnings: plan.warnings,
        }
    }
}

/// `erase --from`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct FileShape {
    pub(crate) accepted: u64,
    pub(crate) linked: u64,
    pub(crate) rejected_total: u64,
    pub(crate) rejected: Vec<RejectedShape>,
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) regulations: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct RejectedShape {
    pub(crate) line: u64,
    pub(crate) code: String,
    pub(crate) message: String,
}
