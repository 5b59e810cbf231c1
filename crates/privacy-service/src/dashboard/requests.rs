//! The list of requests, and the search in it.

use axum::extract::State;
use jiff::Timestamp;
use maud::{Markup, html};
use segment_core::{
    Action, AuditEntry, Identity, IdentityKind, Pii, RequestFilter, RequestStatus, RequestSummary, Scope,
    ports::RequestStore,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    form::Sent,
    layout::{self, Place},
    live,
    page::{Failure, Page},
    session::Visitor,
    words,
};
use crate::{api::Parameters, private::Private, problem::Problem, service::Service, standing::Standings};

const SIZE: u64 = 50;
const ACTIONS: [Action; 4] = [Action::Access, Action::Erasure, Action::Suppression, Action::Unsuppression];

/// What is chosen.
#[derive(Debug, Default)]
struct Chosen {
    status: Option<RequestStatus>,
    action: Option<Action>,
    overdue: bool,
    page: u64,
}

impl Chosen {
    /// Whatever a form leaves open is empty; what it cannot say is nothing.
    fn read(mut query: Parameters) -> Result<Self, Problem> {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let status = given(query.one("status", "a status")?);
        let action = given(query.one("action", "an action")?);
        let overdue = query.one::<String>("overdue", "yes")?.is_some();
        let (page, _) = query.page()?;
        query.end()?;
        Ok(Self {
            status: status.as_deref().and_then(RequestStatus::parse),
            action: action.as_deref().and_then(Action::parse),
            overdue,
            page,
        })
    }

    fn filter(&self, now: Timestamp) -> RequestFilter {
        RequestFilter {
            statuses: self.status.into_iter().collect(),
            action: self.action,
            overdue_at: self.overdue.then_some(now),
            skip: (self.page - 1) * SIZE,
            limit: u32::try_from(SIZE).ok(),
            ..RequestFilter::default()
        }
    }

    fn path(&self, page: u64) -> String {
        let status = self.status.map_or("", |status| status.as_str());
        let action = self.action.map_or("", Action::as_str);
        let overdue = if self.overdue { "&overdue=yes" } else { "" };
        format!("/dashboard/?status={status}&action={action}{overdue}&page={page}")
    }
}

/// Requests, newest first.
pub(super) async fn list(State(service): State<Service>, visitor: Visitor, query: Parameters) -> Result<Page, Failure> {
    let seen = live::seen(&service).await;
    let (desk, now, chosen) = (service.desk(), service.clock().now(), Chosen::read(query)?);
    let (store, filter) = (desk.engine().store().as_ref(), chosen.filter(now));
    let total = Standings::total(&service, store, &filter).await?;
    let found = store.requests(&filter).await?;
    let pages = total.div_ceil(SIZE).max(1);
    let body = html! {
        h1 { "Requests" }
        (search(&visitor))
        (filters(&chosen))
        div id="list" data-refresh {
            p.muted { (total) @if total == 1 { " request" } @else { " requests" } }
            (table(&found, now))
            nav.pages aria-label="Pages" {
                @if chosen.page > 1 { a rel="prev" href=(chosen.path(chosen.page - 1)) { "Newer" } }
                span { "Page " (chosen.page) " of " (pages) }
                @if chosen.page < pages { a rel="next" href=(chosen.path(chosen.page + 1)) { "Older" } }
            }
        }
    };
    Ok(Page(layout::full("Requests", Place::Requests, &visitor, seen, &body)))
}

fn filters(chosen: &Chosen) -> Markup {
    html! {
        form.filters method="get" action="/dashboard/" {
            label { "Status "
                select name="status" {
                    option value="" { "any" }
                    @for status in RequestStatus::ALL {
                        option value=(status.as_str()) selected[chosen.status == Some(*status)] { (status.as_str().replace('_', " ")) }
                    }
                }
            }
            label { "Action "
                select name="action" {
                    option value="" { "any" }
                    @for action in ACTIONS {
                        option value=(action.as_str()) selected[chosen.action == Some(action)] { (action.as_str()) }
                    }
                }
            }
            label { input type="checkbox" name="overdue" value="yes" checked[chosen.overdue]; " overdue only" }
            button.quiet { "Filter" }
        }
    }
}

/// By POST: what is searched for may name a person, and addresses are kept in many places.
fn search(visitor: &Visitor) -> Markup {
    html! {
        form.filters method="post" action="/dashboard/search" role="search" {
            (visitor.csrf())
            label { "Find "
                input name="what" required placeholder="id, reference, e-mail, or kind:value" autocomplete="off" spellcheck="false";
            }
            button.quiet { "Search" }
        }
    }
}

pub(super) fn table(found: &[RequestSummary], now: Timestamp) -> Markup {
    html! {
        @if found.is_empty() {
            p { "No requests." }
        } @else {
            div.table {
                table {
                    thead { tr { th { "Request" } th { "Action" } th { "Status" } th { "Received (UTC)" } th { "Deadline" } th.number { "Tasks" } } }
                    tbody {
                        @for one in found {
                            tr {
                                td data-label="Request" { a.mono href=(format!("/dashboard/requests/{}", one.id)) { (one.id) } }
                                td data-label="Action" { (one.action) }
                                td data-label="Status" { (words::status(one.status.as_str())) }
                                td data-label="Received" { (words::minute(one.received_at)) }
                                td data-label="Deadline" { (words::due(one.due_at, one.status.is_over(), now)) }
                                td.number data-label="Tasks" { (one.tasks) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Search {
    what: Private<String>,
}

/// What is found by an id, a reference of a caller's, or an identity.
pub(super) async fn found(State(service): State<Service>, Sent(visitor, form): Sent<Search>) -> Result<Page, Failure> {
    let (desk, now, what) = (service.desk(), service.clock().now(), form.what.0.trim());
    let store = desk.engine().store().as_ref();
    if what.starts_with("pri_") && what.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Failure::Moved(format!("/dashboard/requests/{what}")));
    }
    let mut found = by_reference(store, what).await?;
    if found.is_empty()
        && let Some(identity) = identity(what)
    {
        // Who finds out who a request is about may do so, and the request's log says it.
        visitor.caller.has(Scope::Package)?;
        let filter = RequestFilter { identity: Some(identity), limit: Some(100), ..RequestFilter::default() };
        found = store.requests(&filter).await?;
        for one in &found {
            let entry = AuditEntry::new(now, "found_by_identity", json!({"by": visitor.caller.name}));
            store.note(&one.id, &entry).await?;
        }
    }
    let body = html! {
        h1 { "Found" }
        (search(&visitor))
        p.muted { (found.len()) @if found.len() == 1 { " request" } @else { " requests" } }
        (table(&found, now))
        p { a href="/dashboard/" { "All requests" } }
    };
    Ok(Page(layout::full("Found", Place::Requests, &visitor, None, &body)))
}

async fn by_reference(store: &dyn RequestStore, what: &str) -> Result<Vec<RequestSummary>, Failure> {
    let filter = RequestFilter { external_id: Some(Pii::from(what)), ..RequestFilter::default() };
    Ok(store.requests(&filter).await?)
}

/// `kind:value`, or what looks like an e-mail address.
fn identity(what: &str) -> Option<Identity> {
    let named =
        what.split_once(':').and_then(|(kind, value)| Identity::new(IdentityKind::parse(kind).ok()?, value).ok());
    named.or_else(|| Identity::new(IdentityKind::Email, what).ok())
}
