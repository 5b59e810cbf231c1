//! Lists of requests.

use axum::{Json, extract::State};
use jiff::Timestamp;
use segment_core::{Action, Pii, RequestFilter, RequestStatus};

use super::{fides::PrivacyRequestLine, query::Parameters};
use crate::{
    auth::{May, Read},
    problem::Problem,
    service::Service,
    shapes::Page,
    standing::Standings,
};

/// List requests, newest first.
#[utoipa::path(
    get, path = "/privacy-request", tag = "requests", security(("bearer" = ["read"])),
    params(
        ("status" = Option<Vec<String>>, Query, description = "Only of these statuses"),
        ("action_type" = Option<String>, Query, description = "`access`, `erasure`, `suppression` or `unsuppression`"),
        ("external_id" = Option<String>, Query, description = "Only the one with this reference of yours"),
        ("created_gt" = Option<String>, Query, format = DateTime, description = "Only those received after this moment"),
        ("created_lt" = Option<String>, Query, format = DateTime, description = "Only those received before this moment"),
        ("is_overdue" = Option<bool>, Query, description = "`true`: only open ones beyond their deadline"),
        ("page" = Option<u64>, Query, minimum = 1, maximum = 1_000_000_000, description = "Which page; 1 if not given"),
        ("size" = Option<u64>, Query, minimum = 1, maximum = 100, description = "How many on a page; 50 if not given"),
    ),
    responses((status = 200, description = "A page of requests", body = Page<PrivacyRequestLine>))
)]
pub(super) async fn list(
    State(service): State<Service>,
    May(..): May<Read>,
    mut query: Parameters,
) -> Result<Json<Page<PrivacyRequestLine>>, Problem> {
    let (desk, now) = (service.desk(), service.clock().now());
    let (page, size) = query.page()?;
    let filter = RequestFilter { skip: (page - 1) * size, limit: u32::try_from(size).ok(), ..filter(query, now)? };
    let store = desk.engine().store().as_ref();
    let total = Standings::total(&service, store, &filter).await?;
    let items = store.requests(&filter).await?;
    let items = items.iter().map(|one| PrivacyRequestLine::new(one, now)).collect();
    Ok(Json(Page::new(items, total, page, size)))
}

fn filter(mut query: Parameters, now: Timestamp) -> Result<RequestFilter, Problem> {
    let status = |name: String| {
        RequestStatus::parse(&name).ok_or_else(|| {
            let known: Vec<_> = RequestStatus::ALL.iter().map(|status| status.as_str()).collect();
            Problem::invalid("query_invalid", format!("status must be one of {}", known.join(", ")))
        })
    };
    let statuses = query.all("status").into_iter().map(status).collect::<Result<_, _>>()?;
    let action = query.one::<String>("action_type", "an action")?;
    let action = action.map(|name| {
        Action::parse(&name).ok_or_else(|| {
            Problem::invalid("query_invalid", "action_type must be access, erasure, suppression or unsuppression")
        })
    });
    let moment = "a moment such as 2026-11-27T12:00:00Z";
    let overdue = query.one::<bool>("is_overdue", "true or false")?.unwrap_or_default();
    let filter = RequestFilter {
        statuses,
        action: action.transpose()?,
        external_id: query.one("external_id", "a reference")?.map(Pii::<String>::new),
        received_after: query.one("created_gt", moment)?,
        received_before: query.one("created_lt", moment)?,
        overdue_at: overdue.then_some(now),
        ..RequestFilter::default()
    };
    query.end()?;
    Ok(filter)
}
