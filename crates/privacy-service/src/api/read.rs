//! One request, and its log.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use jiff::Timestamp;
use segment_core::{AuditEntry, RequestId, Scope};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    fides::{PrivacyRequest, Show},
    query::Parameters,
};
use crate::{
    auth::{May, Read},
    problem::Problem,
    service::Service,
    shapes::{LogShape, Page},
};

/// The id in the path; what cannot be one is none.
pub(crate) fn request_id(path: Result<Path<String>, PathRejection>) -> Result<RequestId, Problem> {
    let Path(id) = path?;
    let plain = id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if plain { Ok(RequestId::new(id)) } else { Err(Problem::no_such_request("with such an id")) }
}

/// Show one request. Who it is about stands in it only with `include_identities=true`, which needs the scope `package` too, and
/// which the request's log tells.
#[utoipa::path(
    get, path = "/privacy-request/{id}", tag = "requests", security(("bearer" = ["read"])),
    params(
        ("id" = String, Path, description = "The request"),
        ("include_identities" = Option<bool>, Query, description = "Show who it is about"),
    ),
    responses((status = 200, description = "The request", body = PrivacyRequest))
)]
pub(super) async fn show(
    State(service): State<Service>,
    May(caller, _): May<Read>,
    path: Result<Path<String>, PathRejection>,
    mut query: Parameters,
) -> Result<Json<PrivacyRequest>, Problem> {
    let (desk, now, id) = (service.desk(), service.clock().now(), request_id(path)?);
    let reveal = query.one::<bool>("include_identities", "true or false")?.unwrap_or_default();
    query.end()?;
    let store = desk.engine().store().as_ref();
    if reveal {
        caller.has(Scope::Package)?;
        let entry = AuditEntry::new(now, "revealed", json!({"by": caller.name}));
        if !store.note(&id, &entry).await? {
            return Err(Problem::no_such_request(id.as_str()));
        }
    }
    let show = if reveal { Show::Identities } else { Show::Nobody };
    Ok(Json(PrivacyRequest::load(store, &id, show, now).await?))
}

/// An entry of the log, as Fides shows it and as it is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogLine {
    /// The same as `at`.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// The same as `step`.
    message: String,
    /// The connection that it is about, if it is about one.
    connection_key: Option<String>,
    #[serde(flatten)]
    entry: LogShape,
}

impl From<AuditEntry> for LogLine {
    fn from(entry: AuditEntry) -> Self {
        Self {
            updated_at: entry.at,
            message: entry.step.clone(),
            connection_key: entry.facts["connection"].as_str().map(str::to_owned),
            entry: entry.into(),
        }
    }
}

/// The log of one request, oldest first.
#[utoipa::path(
    get, path = "/privacy-request/{id}/log", tag = "requests", security(("bearer" = ["read"])),
    params(
        ("id" = String, Path, description = "The request"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000_000, description = "Which page; 1 if not given"),
        ("size" = Option<u64>, Query, minimum = 1, maximum = 100, description = "How many on a page; 50 if not given"),
    ),
    responses((status = 200, description = "A page of the log", body = Page<LogLine>))
)]
pub(super) async fn log(
    State(service): State<Service>,
    May(..): May<Read>,
    path: Result<Path<String>, PathRejection>,
    mut query: Parameters,
) -> Result<Json<Page<LogLine>>, Problem> {
    let (desk, id) = (service.desk(), request_id(path)?);
    let (page, size) = query.page()?;
    query.end()?;
    let store = desk.engine().store();
    let log = store.log(&id).await?;
    if log.is_empty() && store.request(&id).await?.is_none() {
        return Err(Problem::no_such_request(id.as_str()));
    }
    let total = log.len() as u64;
    let skip = usize::try_from((page - 1) * size).unwrap_or(usize::MAX);
    let size_here = usize::try_from(size).unwrap_or(usize::MAX);
    let items = log.into_iter().skip(skip).take(size_here).map(LogLine::from).collect();
    Ok(Json(Page::new(items, total, page, size)))
}
