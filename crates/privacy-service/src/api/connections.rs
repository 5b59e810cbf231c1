//! Connections, and their tests.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::query::Parameters;
use crate::{
    auth::{Admin, May, Read},
    problem::Problem,
    service::Service,
    shapes::{CheckShape, ConnectionChecksShape, ConnectionShape, Page, QuotaShape},
};

/// A connection, as Fides shows it and as it is configured.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "`connection_type` is Fides' name")]
pub(super) struct Connection {
    /// The same as `key`.
    name: String,
    /// Always `saas`.
    connection_type: &'static str,
    /// Always `write`: it takes erasures.
    access: &'static str,
    /// The opposite of `enabled`.
    disabled: bool,
    /// When it was last tested.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_test_timestamp: Option<Timestamp>,
    /// Whether that succeeded.
    last_test_succeeded: Option<bool>,
    #[serde(flatten)]
    connection: ConnectionShape,
}

impl From<ConnectionShape> for Connection {
    fn from(connection: ConnectionShape) -> Self {
        let last = connection.last_test.as_ref();
        Self {
            name: connection.key.clone(),
            connection_type: "saas",
            access: "write",
            disabled: !connection.enabled,
            last_test_timestamp: last.map(|test| test.at),
            last_test_succeeded: last.map(|test| test.status == "succeeded"),
            connection,
        }
    }
}

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tested {
    /// In a sentence.
    msg: String,
    /// `succeeded` or `failed`.
    test_status: String,
    /// What failed, and what to do.
    failure_reason: Option<String>,
    /// The single checks.
    checks: Vec<CheckShape>,
}

impl From<ConnectionChecksShape> for Tested {
    fn from(tested: ConnectionChecksShape) -> Self {
        let failed: Vec<_> = tested.checks.iter().filter(|check| check.status == "failed").collect();
        let reasons: Vec<_> = failed.iter().map(|check| format!("{}: {}", check.name, check.message)).collect();
        Self {
            msg: format!("Test {} for connection {}", tested.status, tested.key),
            failure_reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
            test_status: tested.status,
            checks: tested.checks,
        }
    }
}

/// List connections, by key.
#[utoipa::path(
    get, path = "/connection", tag = "connections", security(("bearer" = ["read"])),
    params(
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000_000, description = "Which page; 1 if not given"),
        ("size" = Option<u64>, Query, minimum = 1, maximum = 100, description = "How many on a page; 50 if not given"),
    ),
    responses((status = 200, description = "A page of connections", body = Page<Connection>))
)]
pub(super) async fn list(
    State(service): State<Service>,
    May(..): May<Read>,
    mut query: Parameters,
) -> Result<Json<Page<Connection>>, Problem> {
    let (page, size) = query.page()?;
    query.end()?;
    let all = service.desk().connections().await?;
    let total = all.len() as u64;
    let skip = usize::try_from((page - 1) * size).unwrap_or(usize::MAX);
    let items = all.into_iter().skip(skip).take(usize::try_from(size).unwrap_or(usize::MAX)).map(Connection::from);
    Ok(Json(Page::new(items.collect(), total, page, size)))
}

/// Test a connection, or a dataset: it only reads, and the outcome is kept.
#[utoipa::path(
    get, path = "/connection/{key}/test", tag = "connections", security(("bearer" = ["admin"])),
    params(("key" = String, Path, description = "The connection, or the dataset")),
    responses((status = 200, description = "How it went", body = Tested))
)]
pub(super) async fn test(
    State(service): State<Service>,
    May(caller, _): May<Admin>,
    path: Result<Path<String>, PathRejection>,
) -> Result<Json<Tested>, Problem> {
    let Path(key) = path?;
    let tested = service.desk().test(&key, &caller.name).await?;
    let missing = || Problem::missing("no_connection", "there is no connection or dataset of this key");
    tested.map(|tested| Json(tested.into())).ok_or_else(missing)
}

/// How far the month's quotas are used, by our own ledger.
#[utoipa::path(
    get, path = "/quota", tag = "connections", security(("bearer" = ["read"])),
    responses((status = 200, description = "Every quota", body = Vec<QuotaShape>))
)]
pub(super) async fn quotas(
    State(service): State<Service>,
    May(..): May<Read>,
) -> Result<Json<Vec<QuotaShape>>, Problem> {
    Ok(Json(service.desk().quotas().await?))
}
