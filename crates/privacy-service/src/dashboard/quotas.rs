//! How far the month's quotas are used.

use axum::extract::State;
use maud::{Markup, html};

use super::{
    layout::{self, Place},
    live,
    page::{Failure, Page},
    session::Visitor,
    words,
};
use crate::{service::Service, shapes::QuotaShape};

/// Every quota, as a gauge.
pub(super) async fn page(State(service): State<Service>, visitor: Visitor) -> Result<Page, Failure> {
    let seen = live::seen(&service).await;
    let all = service.desk().quotas().await?;
    let body = html! {
        h1 { "Quotas" }
        p.lead { "Users that were sent to Segment this month, by our own ledger." }
        div id="quotas" data-refresh {
            @if all.is_empty() { p { "No connection is configured." } }
            @for one in &all { (card(one)) }
        }
    };
    Ok(Page(layout::full("Quotas", Place::Quotas, &visitor, seen, &body)))
}

fn card(quota: &QuotaShape) -> Markup {
    html! {
        section.card {
            h2 { (quota.connection) ": " (quota.category.replace('_', " ")) }
            (gauge(quota))
            p { (quota.used) " of " (quota.limit) " in " (quota.month) ", " (quota.reserve) " of them kept for whoever cannot wait" }
            @if quota.waiting > 0 {
                p.notice { (quota.waiting) " user ids wait"
                    @if let Some(until) = quota.forecast { ", the last of them until " (words::minute(until)) }
                }
            }
        }
    }
}

/// Percent of the limit.
fn share(part: u64, limit: u64) -> u64 {
    (part.min(limit) * 100).checked_div(limit).unwrap_or(100)
}

fn gauge(quota: &QuotaShape) -> Markup {
    let (used, reserve) = (share(quota.used, quota.limit), share(quota.reserve, quota.limit));
    html! {
        div.gauge {
            svg viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label=(format!("{used} percent used")) {
                rect.bar x="0" y="0" width="100" height="6" {}
                rect.bar-reserve x=(100 - reserve) y="0" width=(reserve) height="6" {}
                rect.bar-used x="0" y="0" width=(used) height="6" {}
            }
        }
    }
}
