//! The JSON shapes: a contract. No identity value stands in any of them, unless it was asked for.

mod manage;
mod report;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

#[cfg(test)]
pub(crate) use manage::PurgeFailureShape;
pub(crate) use manage::{ConnectionsShape, HoldShape, HoldsShape, PurgeShape, RemovedShape};
pub(crate) use privacy_service::shapes::{
    CheckShape, ConnectionChecksShape, ConnectionShape, DryRunShape, FieldShape, IdentityShape, LastTestShape,
    LogShape, PlanShape, QuotaShape, RegulationShape, RejectedShape, RequestShape, SummaryShape, TaskShape,
};

pub(crate) use report::ReportShape;

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
