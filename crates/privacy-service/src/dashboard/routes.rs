//! Every page.

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    response::{Redirect, Response},
    routing::{get, post},
};
use segment_core::Scope;

use super::{
    actions, ask, assets, connection, connections, live, page::Failure, quotas, reports, requests, review, session,
    show,
};
use crate::{
    api::{evidence_of, package_of, request_id},
    service::Service,
};

/// The dashboard, and the way to it.
pub(crate) fn routes() -> Router<Service> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/dashboard/") }))
        .route("/dashboard", get(|| async { Redirect::to("/dashboard/") }))
        .route("/dashboard/", get(requests::list))
        .route("/dashboard/search", post(requests::found))
        .route("/dashboard/sign-in", get(session::page).post(session::open))
        .route("/dashboard/sign-out", post(session::close))
        .route("/dashboard/requests/{id}", get(show::page))
        .route("/dashboard/requests/{id}/reveal", post(show::revealed))
        .route("/dashboard/requests/{id}/decide", post(actions::taken))
        .route("/dashboard/requests/{id}/package", get(package))
        .route("/dashboard/requests/{id}/evidence", get(evidence))
        .route("/dashboard/new", get(ask::page).post(ask::confirmed))
        .route("/dashboard/new/preview", post(ask::preview))
        .route("/dashboard/review", get(review::page))
        .route("/dashboard/connections", get(connections::page))
        .route("/dashboard/connections/new", get(connection::blank).post(connection::add))
        .route("/dashboard/connections/{key}", get(connection::page))
        .route("/dashboard/connections/{key}/{what}", post(connection::change))
        .route("/dashboard/quotas", get(quotas::page))
        .route("/dashboard/reports", get(reports::page))
        .route("/dashboard/events", get(live::events))
        .merge(assets::routes())
}

async fn package(
    State(service): State<Service>,
    visitor: session::Visitor,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    visitor.caller.has(Scope::Package)?;
    Ok(package_of(&service, &visitor.caller, &request_id(path)?).await?)
}

async fn evidence(
    State(service): State<Service>,
    visitor: session::Visitor,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Failure> {
    Ok(evidence_of(&service, &visitor.caller, &request_id(path)?, false).await?)
}
