//! Connections, and their tests.

use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use segment_core::Scope;

use super::{
    layout::{self, Place},
    page::{Failure, Page},
    session::Visitor,
    words,
};
use crate::{problem::Problem, service::Service, shapes::ConnectionShape};

/// Every connection, with its last test.
pub(super) async fn page(State(service): State<Service>, visitor: Visitor) -> Result<Page, Failure> {
    let all = service.desk().connections().await?;
    let body = html! {
        h1 { "Connections" }
        @if all.is_empty() { p { "None is configured." } }
        div id="connections" data-refresh { @for one in &all { (card(&visitor, one)) } }
        @if visitor.may(Scope::Admin) { p { a.button href="/dashboard/connections/new" { "New connection" } } }
    };
    Ok(Page(layout::full("Connections", Place::Connections, &visitor, None, &body)))
}

pub(super) fn card(visitor: &Visitor, one: &ConnectionShape) -> Markup {
    let checks = one.last_test.as_ref().and_then(|test| test.checks.as_array());
    html! {
        section.card {
            h2 { a href=(format!("/dashboard/connections/{}", one.key)) { (one.key) } " " (words::status(if one.enabled { "enabled" } else { "disabled" })) }
            dl.facts {
                div { dt { "Kind" } dd { (one.kind) } }
                div { dt { "Configured in" } dd { (one.from) } }
                div { dt { "Workspace" } dd { (one.workspace.as_deref().unwrap_or("–")) } }
                div { dt { "Source" } dd { (one.source.as_deref().unwrap_or("the whole workspace")) } }
                div { dt { "Last test" } dd {
                    @match &one.last_test { Some(test) => { (words::status(&test.status)) " " (words::minute(test.at)) }, None => "never" }
                } }
            }
            @if let Some(checks) = checks {
                div.table { table {
                    thead { tr { th { "Check" } th { "Outcome" } th { "What was seen" } } }
                    tbody { @for check in checks {
                        @let text = |name: &str| check[name].as_str().unwrap_or_default();
                        tr { td data-label="Check" { (text("name")) } td data-label="Outcome" { (words::status(text("status"))) } td data-label="Seen" { (text("message")) } }
                    } }
                } }
            }
            @if visitor.may(Scope::Admin) {
                form method="post" action=(format!("/dashboard/connections/{}/test", one.key)) {
                    (visitor.csrf())
                    div.actions { button.quiet { "Test it" } }
                }
            }
        }
    }
}

/// Tests one, and shows all.
pub(super) async fn test(service: &Service, visitor: &Visitor, key: &str) -> Result<Redirect, Failure> {
    visitor.caller.has(Scope::Admin)?;
    let tested = service.desk().test(key, &visitor.caller.name).await?;
    tested.ok_or_else(|| Problem::missing("no_connection", "there is no connection of this key"))?;
    Ok(Redirect::to("/dashboard/connections"))
}
