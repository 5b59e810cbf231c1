//! What is handed out: the package of an access, and the evidence of a request.

use axum::{
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use segment_core::{AuditEntry, RequestId, Scope};
use serde_json::json;

use super::{query::Parameters, read::request_id};
use crate::{
    auth::{Caller, May, Package, Read},
    problem::Problem,
    service::Service,
};

/// Fetch the package of an access; the request's log tells who did.
#[utoipa::path(
    get, path = "/privacy-request/{id}/access-package", tag = "handing over", security(("bearer" = ["package"])),
    params(("id" = String, Path, description = "The request")),
    responses(
        (status = 200, description = "The package: a zip, or an age file where it was encrypted", content(
            (Vec<u8> = "application/zip"), (Vec<u8> = "application/octet-stream"),
        )),
        (status = 410, description = "Its time was over, and it was deleted", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn package(
    State(service): State<Service>,
    May(caller, _): May<Package>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    package_of(&service, &caller, &request_id(path)?).await
}

/// The package, after the log has told who fetches it.
pub(crate) async fn package_of(service: &Service, caller: &Caller, id: &RequestId) -> Result<Response, Problem> {
    let (desk, now) = (service.desk(), service.clock().now());
    let store = desk.engine().store();
    let request = store.request(id).await?.ok_or_else(|| Problem::no_such_request(id.as_str()))?;
    let log = store.log(id).await?;
    if AuditEntry::package_is_kept(&log) == Some(false) {
        let detail = "the package was deleted when its time was over";
        return Err(Problem::new(StatusCode::GONE, "package_deleted", detail));
    }
    let receipt = request.package.ok_or_else(|| {
        Problem::missing(
            "no_package",
            format!("{id} has no package: only an access that is complete and found something has"),
        )
    })?;
    let file = desk.package(&receipt.location).await?.ok_or_else(|| {
        Problem::missing(
            "package_missing",
            "the package is not where its receipt says; somebody has moved or deleted it",
        )
    })?;
    // Before anything of it leaves.
    let entry = AuditEntry::new(now, "package_fetched", json!({"by": caller.name}));
    store.note(id, &entry).await?;
    let name = receipt.location.rsplit('/').next().unwrap_or_default();
    let kind = if name.strip_suffix(".age").is_some() { "application/octet-stream" } else { "application/zip" };
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .map_err(|_| Problem::unexpected("the package has a name that no header can hold"))?;
    let digest = HeaderValue::from_str(&receipt.sha256).map_err(|_| Problem::unexpected("the digest is none"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_LENGTH, HeaderValue::from(file.bytes)),
        (HeaderName::from_static("x-content-sha256"), digest),
    ];
    Ok((headers, Body::from_stream(file.content)).into_response())
}

/// Fetch the signed evidence of a request: its log, chained by hashes. With `reveal=true`, which needs the scope `package` too, it
/// holds what ids of the person are hashed with.
#[utoipa::path(
    get, path = "/privacy-request/{id}/evidence", tag = "handing over", security(("bearer" = ["read"])),
    params(
        ("id" = String, Path, description = "The request"),
        ("reveal" = Option<bool>, Query, description = "With what ids are hashed with"),
    ),
    responses((status = 200, description = "A document for `segment-privacy evidence verify`", content_type = "application/json", body = Object))
)]
pub(super) async fn evidence(
    State(service): State<Service>,
    May(caller, _): May<Read>,
    path: Result<Path<String>, PathRejection>,
    mut query: Parameters,
) -> Result<Response, Problem> {
    let id = request_id(path)?;
    let reveal = query.one::<bool>("reveal", "true or false")?.unwrap_or_default();
    query.end()?;
    if reveal {
        caller.has(Scope::Package)?;
    }
    evidence_of(&service, &caller, &id, reveal).await
}

/// The evidence, of which it is a part that somebody asked for it.
pub(crate) async fn evidence_of(
    service: &Service,
    caller: &Caller,
    id: &RequestId,
    reveal: bool,
) -> Result<Response, Problem> {
    let text = service.desk().evidence(id, reveal, &caller.name).await?;
    let text = text.ok_or_else(|| Problem::no_such_request(id.as_str()))?;
    let disposition = format!("attachment; filename=\"{id}-evidence.json\"");
    Ok(([(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_DISPOSITION, disposition)], text)
        .into_response())
}
