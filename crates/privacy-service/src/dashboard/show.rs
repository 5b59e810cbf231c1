//! One request: where it stands, what was found, and what can be done.

use axum::extract::{Path, State, rejection::PathRejection};
use jiff::Timestamp;
use maud::{Markup, html};
use segment_core::{AuditEntry, Request, RequestId, RequestStatus, Scope};
use serde_json::json;

use super::{
    actions,
    form::Sent,
    layout::{self, Place},
    live,
    page::{Failure, Page},
    session::Visitor,
    words,
};
use crate::{
    Desk,
    api::{ledgers_of, request_id},
    problem::Problem,
    service::Service,
    shapes::{RequestShape, TaskShape},
};

/// A request.
pub(super) async fn page(
    State(service): State<Service>,
    visitor: Visitor,
    path: Result<Path<String>, PathRejection>,
) -> Result<Page, Failure> {
    let id = request_id(path)?;
    render(&service, &visitor, &id, false).await
}

/// The same with who it is about; the log says who looked.
pub(super) async fn revealed(
    State(service): State<Service>,
    path: Result<Path<String>, PathRejection>,
    Sent(visitor, _): Sent<serde_json::Value>,
) -> Result<Page, Failure> {
    let id = request_id(path)?;
    visitor.caller.has(Scope::Package)?;
    let entry = AuditEntry::new(service.clock().now(), "revealed", json!({"by": visitor.caller.name}));
    service.desk().engine().store().note(&id, &entry).await?;
    render(&service, &visitor, &id, true).await
}

async fn render(service: &Service, visitor: &Visitor, id: &RequestId, reveal: bool) -> Result<Page, Failure> {
    let seen = live::seen(service).await;
    let (desk, now) = (service.desk(), service.clock().now());
    let (request, shape) = load(desk.as_ref(), id).await?;
    let shape = if reveal { shape.revealing(&request) } else { shape };
    let log = desk.engine().store().log(id).await?;
    let body = html! {
        h1 id="title" data-refresh { (shape.action) " " (words::status(&shape.status)) }
        p.muted { code { (id) } }
        div id="state" data-refresh {
            (facts(&shape, &request, now))
            @for task in &shape.tasks { (task_card(task)) }
        }
        (person(visitor, &shape, &request))
        div id="actions" data-refresh { (actions::forms(visitor, &request)) }
        (handed_out(visitor, &shape))
        h2 { "What happened" }
        ol.timeline id="timeline" data-refresh {
            @for entry in log.iter().rev() {
                li { (words::minute(entry.at)) " " strong { (entry.step.replace('_', " ")) } " " span.muted { (words::facts(&entry.facts)) } }
            }
        }
    };
    // What is shown once is not shown again by a refresh.
    Ok(Page(layout::full("Request", Place::Requests, visitor, seen.filter(|_| !reveal), &body)))
}

async fn load(desk: &dyn Desk, id: &RequestId) -> Result<(Request, RequestShape), Problem> {
    let store = desk.engine().store().as_ref();
    let request = store.request(id).await?.ok_or_else(|| Problem::no_such_request(id.as_str()))?;
    let shape = RequestShape::new(&request, &ledgers_of(store, &request).await?);
    Ok((request, shape))
}

fn facts(shape: &RequestShape, request: &Request, now: Timestamp) -> Markup {
    html! {
        dl.facts {
            div { dt { "Deadline" } dd { (words::due(shape.due_at, request.status.is_over(), now)) " " span.muted { "(" (words::minute(shape.due_at)) " UTC, " (request.regime.as_str()) ")" } } }
            div { dt { "Received" } dd { (words::minute(shape.received_at)) } }
            @if let Some(at) = shape.completed_at { div { dt { "Complete" } dd { (words::minute(at)) } } }
            @if let Some(at) = shape.verified_at { div { dt { "Verified by a read-back" } dd { (words::minute(at)) } } }
            @if let Some(id) = &shape.external_id { div { dt { "Reference" } dd { (id) } } }
            @if let Some(reason) = &shape.denied_reason { div { dt { "Denied because" } dd { (reason) } } }
        }
    }
}

fn task_card(task: &TaskShape) -> Markup {
    html! {
        section.card {
            h2 { (task.connection) " " (words::status(&task.status)) @if let Some(outcome) = &task.outcome { " " span.muted { (outcome.replace('_', " ")) } } }
            @if let (Some(code), Some(message)) = (&task.code, &task.message) { p.notice.warning { strong { (code) } ": " (message) } }
            p { (task.identities.resolved_user_ids) " user ids" @if task.identities.unreachable > 0 { ", " (task.identities.unreachable) " other ids that regulations do not reach" } }
            @if let Some(ids) = &task.user_ids { p { @for id in ids { code { (id) } " " } } }
            @if !task.collections.is_empty() {
                dl.facts { @for (name, records) in &task.collections { div { dt { (name) } dd { (records) } } } }
            }
            @for regulation in &task.regulations {
                p { (regulation.kind) " " code { (regulation.id.as_deref().unwrap_or("–")) } " " (words::status(&regulation.status.to_lowercase())) }
                @if !regulation.destinations.is_empty() {
                    div.table { table {
                        thead { tr { th { "Destination" } th { "Status" } } }
                        tbody { @for one in &regulation.destinations { tr { td data-label="Destination" { (one.name) } td data-label="Status" { (one.status) } } } }
                    } }
                }
            }
            @for finding in &task.findings { p.notice { strong { (finding.code) } ": " (finding.message) } }
        }
    }
}

/// Who it is about, masked until somebody asks.
fn person(visitor: &Visitor, shape: &RequestShape, request: &Request) -> Markup {
    html! {
        section.card {
            h2 { "Who it is about" }
            @if let Some(identities) = &shape.identities {
                dl.facts { @for one in identities { div { dt { (one.kind) } dd { (one.value) } } } }
            } @else if let Some(identities) = &request.identities {
                dl.facts { @for one in identities { div { dt { (one.kind().as_str()) } dd { span.masked { "••••••" } } } } }
                @if visitor.may(Scope::Package) {
                    form method="post" action=(format!("/dashboard/requests/{}/reveal", shape.id)) {
                        (visitor.csrf())
                        div.actions { button.quiet { "Show" } }
                        p.hint { "The request's log tells that you looked." }
                    }
                }
            } @else {
                p { "What named the person was destroyed when its time was over." }
            }
        }
    }
}

fn handed_out(visitor: &Visitor, shape: &RequestShape) -> Markup {
    let of = |what: &str| format!("/dashboard/requests/{}/{what}", shape.id);
    html! {
        section.card id="handed-out" data-refresh {
            h2 { "To hand out" }
            @if let Some(package) = &shape.package {
                p { "A package of " (package.bytes) " bytes, SHA-256 " code { (package.sha256) } }
                @if visitor.may(Scope::Package) { p { a.button href=(of("package")) download { "Download the package" } } }
            } @else if shape.action == "access" && shape.status != RequestStatus::Complete.as_str() {
                p { "The package comes when the access is complete." }
            }
            p { a.button href=(of("evidence")) download { "Download the evidence" } }
        }
    }
}
