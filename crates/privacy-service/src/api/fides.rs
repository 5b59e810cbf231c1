//! Requests as Fides shows them, with what we know besides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use segment_core::{
    Action, IdentitySet, Ledger, LedgerFilter, Request, RequestId, RequestSummary,
    ports::{RequestStore, StoreError},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    RequestPolicy,
    private::Private,
    problem::Problem,
    shapes::{RequestShape, SummaryShape},
};

/// A privacy request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PrivacyRequest {
    #[serde(flatten)]
    fides: FidesFields,
    #[serde(flatten)]
    request: RequestShape,
}

/// One line of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PrivacyRequestLine {
    #[serde(flatten)]
    fides: FidesFields,
    #[serde(flatten)]
    summary: SummaryShape,
}

/// What Fides calls by other names.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FidesFields {
    /// The same as `received_at`.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The same as `received_at`.
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    /// The same as `completed_at`.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_processing_at: Option<Timestamp>,
    /// The same as `due_at`.
    #[schema(value_type = String, format = DateTime)]
    due_date: Timestamp,
    /// Whole days until the deadline, below zero when it is over; `null` once nothing is left to do.
    days_left: Option<i64>,
    /// By kind, the first of each; `null` unless `include_identities` asks for it.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    identity: Option<Private<BTreeMap<String, String>>>,
    /// The policy that stands for the action.
    policy: PolicyShape,
}

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PolicyShape {
    /// `default_access_policy` or `default_erasure_policy`; of what an operator suppressed, a name like those.
    key: String,
    /// What it asks for.
    rules: Vec<RuleShape>,
}

/// What a policy asks for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleShape {
    /// `access` or `erasure`.
    action_type: String,
}

/// Who it is about is shown only where the log has said so before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Nobody,
    Identities,
}

impl PrivacyRequest {
    /// The request as it is now, with its regulations.
    pub(super) async fn load(
        store: &dyn RequestStore,
        id: &RequestId,
        show: Show,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let request = store.request(id).await?.ok_or_else(|| Problem::no_such_request(id.as_str()))?;
        Self::of(store, &request, show, now).await
    }

    pub(crate) fn id(&self) -> &str {
        &self.request.id
    }

    pub(super) async fn of(
        store: &dyn RequestStore,
        request: &Request,
        show: Show,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        Ok(Self::new(request, &ledgers_of(store, request).await?, show, now))
    }

    pub(super) fn new(request: &Request, ledgers: &[Ledger], show: Show, now: Timestamp) -> Self {
        let shape = RequestShape::new(request, ledgers);
        let (identity, shape) = match show {
            Show::Nobody => (None, shape),
            Show::Identities => (request.identities.as_ref().map(by_kind), shape.revealing(request)),
        };
        let times = (request.received_at, request.due_at, request.completed_at);
        let fides = FidesFields::new(request.action, times, request.status.is_over(), identity, now);
        Self { fides, request: shape }
    }
}

/// The regulations that a request was part of.
pub(crate) async fn ledgers_of(store: &dyn RequestStore, request: &Request) -> Result<Vec<Ledger>, StoreError> {
    // What was never resolved is in none.
    if request.tasks.iter().all(|task| task.regulation.is_none()) {
        return Ok(Vec::new());
    }
    let filter = LedgerFilter { requests: vec![request.id.clone()], ..LedgerFilter::default() };
    store.regulations(&filter).await
}

impl PrivacyRequestLine {
    pub(super) fn new(summary: &RequestSummary, now: Timestamp) -> Self {
        let times = (summary.received_at, summary.due_at, summary.completed_at);
        let fides = FidesFields::new(summary.action, times, summary.status.is_over(), None, now);
        Self { fides, summary: SummaryShape::new(summary, now) }
    }
}

impl FidesFields {
    fn new(
        action: Action,
        (received_at, due_at, completed_at): (Timestamp, Timestamp, Option<Timestamp>),
        is_over: bool,
        identity: Option<BTreeMap<String, String>>,
        now: Timestamp,
    ) -> Self {
        Self {
            created_at: received_at,
            requested_at: received_at,
            finished_processing_at: completed_at,
            due_date: due_at,
            days_left: (!is_over).then(|| days_between(now, due_at)),
            identity: identity.map(Private),
            policy: PolicyShape {
                key: RequestPolicy::default_of(action).key,
                rules: vec![RuleShape { action_type: action.to_string() }],
            },
        }
    }
}

/// Whole days, towards the past.
fn days_between(now: Timestamp, then: Timestamp) -> i64 {
    then.duration_since(now).as_secs().div_euclid(86_400)
}

fn by_kind(identities: &IdentitySet) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for identity in identities {
        all.entry(identity.kind().as_str().to_owned()).or_insert_with(|| identity.value().expose().clone());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_whole_and_go_below_zero() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-27T12:00:00Z");
        assert_eq!(days_between(now, at("2026-11-28T11:59:59Z")), 0);
        assert_eq!(days_between(now, at("2026-11-29T12:00:00Z")), 2);
        assert_eq!(days_between(now, at("2026-11-27T11:59:59Z")), -1);
    }
}
