//! What humans decide.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use segment_core::{ConnectionKey, Decision, Pii, RequestId};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    body::Body,
    create::{Bulk, Failed, check_number},
    fides::{PrivacyRequest, Show},
    read::request_id,
};
use crate::{
    auth::{Caller, May, Review},
    private::Private,
    problem::Problem,
    service::Service,
};

/// Which requests.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// 1 to 50 ids.
    #[schema(min_items = 1, max_items = 50)]
    request_ids: Vec<String>,
    /// Why. To deny needs one, since the person is to be told.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    reason: Option<Private<String>>,
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Because {
    /// Why; the person is told.
    #[schema(value_type = String, min_length = 1)]
    reason: Private<String>,
}

/// What was settled by hand, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settled {
    /// The task's connection or dataset.
    #[schema(min_length = 1)]
    task: String,
    /// How it was settled; it stands in the log.
    #[schema(value_type = String, min_length = 1)]
    note: Private<String>,
}

/// Approve requests that wait for it.
#[utoipa::path(
    patch, path = "/privacy-request/administrate/approve", tag = "decisions", security(("bearer" = ["review"])),
    request_body = Which, responses((status = 200, description = "Which were approved, and which were not", body = Bulk))
)]
pub(super) async fn approve(
    State(service): State<Service>,
    May(caller, _): May<Review>,
    Body(which): Body<Which>,
) -> Result<Json<Bulk>, Problem> {
    each(&service, &caller, &which.request_ids, &Decision::Approve).await
}

/// Deny requests that wait for approval.
#[utoipa::path(
    patch, path = "/privacy-request/administrate/deny", tag = "decisions", security(("bearer" = ["review"])),
    request_body = Which, responses((status = 200, description = "Which were denied, and which were not", body = Bulk))
)]
pub(super) async fn deny(
    State(service): State<Service>,
    May(caller, _): May<Review>,
    Body(which): Body<Which>,
) -> Result<Json<Bulk>, Problem> {
    let reason = Pii::new(sentence("reason", &which.reason.unwrap_or_default().0)?);
    each(&service, &caller, &which.request_ids, &Decision::Deny { reason }).await
}

/// Cancel requests, as far as nothing of them has left.
#[utoipa::path(
    patch, path = "/privacy-request/administrate/cancel", tag = "decisions", security(("bearer" = ["review"])),
    request_body = Which,
    responses((status = 200, description = "Each as it is now: what may have been sent goes on", body = Bulk))
)]
pub(super) async fn cancel(
    State(service): State<Service>,
    May(caller, _): May<Review>,
    Body(which): Body<Which>,
) -> Result<Json<Bulk>, Problem> {
    each(&service, &caller, &which.request_ids, &Decision::Cancel).await
}

/// Let go on what was halted.
#[utoipa::path(
    post, path = "/privacy-request/{id}/retry", tag = "decisions", security(("bearer" = ["review"])),
    params(("id" = String, Path, description = "The request")),
    responses((status = 200, description = "The request as it is now", body = PrivacyRequest))
)]
pub(super) async fn retry(
    State(service): State<Service>,
    May(caller, _): May<Review>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<PrivacyRequest>, Problem> {
    decide(&service, &caller, &request_id(path)?, &Decision::Retry).await.map(Json)
}

/// Say that a task which waits for a human was settled by hand.
#[utoipa::path(
    post, path = "/privacy-request/{id}/resolve", tag = "decisions", security(("bearer" = ["review"])),
    params(("id" = String, Path, description = "The request")), request_body = Settled,
    responses((status = 200, description = "The request as it is now", body = PrivacyRequest))
)]
pub(super) async fn resolve(
    State(service): State<Service>,
    May(caller, _): May<Review>,
    path: Result<Path<String>, PathRejection>,
    Body(settled): Body<Settled>,
) -> Result<Json<PrivacyRequest>, Problem> {
    let id = request_id(path)?;
    let (task, note) = (sentence("task", &settled.task)?, Pii::new(sentence("note", &settled.note.0)?));
    let decision = Decision::Settle { connection: ConnectionKey::new(task), note };
    decide(&service, &caller, &id, &decision).await.map(Json)
}

/// Lengthen the deadline once, as the law allows.
#[utoipa::path(
    post, path = "/privacy-request/{id}/extend", tag = "decisions", security(("bearer" = ["review"])),
    params(("id" = String, Path, description = "The request")), request_body = Because,
    responses((status = 200, description = "The request as it is now", body = PrivacyRequest))
)]
pub(super) async fn extend(
    State(service): State<Service>,
    May(caller, _): May<Review>,
    path: Result<Path<String>, PathRejection>,
    Body(because): Body<Because>,
) -> Result<Json<PrivacyRequest>, Problem> {
    let id = request_id(path)?;
    let decision = Decision::Extend { reason: Pii::new(sentence("reason", &because.reason.0)?) };
    decide(&service, &caller, &id, &decision).await.map(Json)
}

/// What stands in the log for ever is a sentence, not a book.
pub(crate) fn sentence(field: &str, given: &str) -> Result<String, Problem> {
    let given = given.trim();
    if given.is_empty() || given.len() > 2_000 {
        return Err(Problem::invalid("body_invalid", format!("{field} must hold 1 to 2000 bytes of text")));
    }
    Ok(given.to_owned())
}

async fn each(service: &Service, caller: &Caller, ids: &[String], decision: &Decision) -> Result<Json<Bulk>, Problem> {
    check_number(ids.len())?;
    let mut bulk = Bulk { succeeded: Vec::new(), failed: Vec::new() };
    for id in ids {
        let decided = match request_id(Ok(Path(id.clone()))) {
            Ok(request) => decide(service, caller, &request, decision).await,
            Err(problem) => Err(problem),
        };
        match decided {
            Ok(request) => bulk.succeeded.push(request),
            Err(problem) => bulk.failed.push(Failed::new(&problem, json!({"request_id": id}))),
        }
    }
    Ok(Json(bulk))
}

/// Decides, and shows the request as it is then.
pub(crate) async fn decide(
    service: &Service,
    caller: &Caller,
    id: &RequestId,
    decision: &Decision,
) -> Result<PrivacyRequest, Problem> {
    let (desk, now) = (service.desk(), service.clock().now());
    let engine = desk.engine();
    let decided = engine.store().decide(id, decision, &caller.name, now).await?;
    let request = decided.ok_or_else(|| Problem::no_such_request(id.as_str()))?;
    engine.hint().notify_one();
    PrivacyRequest::of(engine.store().as_ref(), &request, Show::Nobody, now).await
}
