//! For whoever runs it.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    Refusal, RefusalKind,
    auth::{May, Read},
    metrics,
    problem::Problem,
    service::Service,
};

/// How long the record database may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(3);

fn too_slow() -> Refusal {
    let message = "the record database does not answer".to_owned();
    Refusal { kind: RefusalKind::Unavailable, code: "database_locked", message, hint: None }
}

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok` or `failing`.
    status: &'static str,
    /// Of segment-privacy.
    version: &'static str,
    /// `ok`, or what is wrong: somebody in this process works on requests.
    worker: &'static str,
    /// The same of the record database: it can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<&'static str>,
    /// The same of its tables: they are those of this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    migrations: Option<&'static str>,
}

/// `records`: the record database, and its tables.
fn answer(works: bool, records: Option<(&'static str, &'static str)>) -> Response {
    let worker = if works { "ok" } else { "it has stopped, or hangs" };
    let (database, migrations) = records.unzip();
    let fine = [Some(worker), database, migrations].into_iter().flatten().all(|one| one == "ok");
    let (status, code) = if fine { ("ok", StatusCode::OK) } else { ("failing", StatusCode::SERVICE_UNAVAILABLE) };
    let version = env!("CARGO_PKG_VERSION");
    (code, Json(Health { status, version, worker, database, migrations })).into_response()
}

/// Whether the process is alive: if not, start it again.
#[utoipa::path(
    get, path = "/health", tag = "operations",
    responses(
        (status = 200, description = "It is", body = Health),
        (status = 503, description = "It is not", body = Health),
    )
)]
pub(super) async fn health(State(service): State<Service>) -> Response {
    answer(service.desk().works(), None)
}

/// Whether it can do its work now: if not, send it no calls.
#[utoipa::path(
    get, path = "/ready", tag = "operations",
    responses(
        (status = 200, description = "It can", body = Health),
        (status = 503, description = "It cannot", body = Health),
    )
)]
pub(super) async fn ready(State(service): State<Service>) -> Response {
    let desk = service.desk();
    let asked = tokio::time::timeout(PATIENCE, desk.is_migrated()).await;
    let records = match asked.unwrap_or_else(|_| Err(too_slow())) {
        Ok(true) => ("ok", "ok"),
        Ok(false) => ("ok", "the tables are those of another version"),
        Err(_) => ("it cannot be read", "it cannot be read"),
    };
    answer(desk.works(), Some(records))
}

/// What Prometheus asks for.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", security(("bearer" = ["read"])),
    responses((status = 200, description = "Everything that is counted", body = String, content_type = "text/plain; version=0.0.4"))
)]
pub(super) async fn metrics_page(State(service): State<Service>, May(..): May<Read>) -> Result<Response, Problem> {
    let page = metrics::page(&service).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], page).into_response())
}
