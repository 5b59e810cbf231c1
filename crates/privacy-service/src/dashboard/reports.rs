//! Counts of requests, as figures and as charts.

use std::collections::BTreeMap;

use axum::extract::State;
use maud::{Markup, html};
use privacy_engine::{ReportRow, report};
use segment_core::RequestStatus;

use super::{
    layout::{self, Place},
    page::{Failure, Page},
    session::Visitor,
};
use crate::{service::Service, standing::Standings};

/// Everything that was ever asked, counted.
pub(super) async fn page(State(service): State<Service>, visitor: Visitor) -> Result<Page, Failure> {
    let (rows, standings) = (report(&Standings::outcomes(&service).await?), Standings::get(&service).await?);
    let by_status = RequestStatus::ALL.iter().map(|status| {
        let requests = standings.iter().filter(|one| one.status == *status).map(|one| one.requests).sum();
        (status.as_str().replace('_', " "), requests)
    });
    let by_status: Vec<_> = by_status.filter(|(_, requests)| *requests > 0).collect();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for (outcome, requests) in rows.iter().flat_map(|row| &row.outcomes) {
        *outcomes.entry(outcome.as_str().replace('_', " ")).or_default() += requests;
    }
    let overdue: u64 = standings.iter().map(|one| one.overdue).sum();
    let soon: u64 = standings.iter().map(|one| one.due_soon).sum();
    let open: u64 = standings.iter().filter(|one| !one.status.is_over()).map(|one| one.requests).sum();
    let body = html! {
        h1 { "Reports" }
        div.cards {
            section.card { h2 { "Open" } p.figure { (open) } }
            section.card { h2 { "Due within 7 days" } p.figure { (soon) } }
            section.card { h2 { "Overdue" } p.figure { @if overdue > 0 { span.due.late { (overdue) } } @else { "0" } } }
        }
        (chart("Requests by status", "bar-open", &by_status))
        (chart("Complete requests by the least that was done", "bar-complete", &outcomes.into_iter().collect::<Vec<_>>()))
        h2 { "By action and law" }
        (table(&rows))
        p.muted { "For a span of time, or as CSV: " code { "segment-privacy report --from 2026-01-01 --csv" } }
    };
    Ok(Page(layout::full("Reports", Place::Reports, &visitor, None, &body)))
}

fn table(rows: &[ReportRow]) -> Markup {
    let days = |days: Option<u64>| days.map_or_else(|| "–".to_owned(), |days| days.to_string());
    html! {
        div.table { table {
            thead { tr {
                th { "Action" } th { "Law" } th.number { "Received" } th.number { "Open" } th.number { "Overdue" } th.number { "Complete" }
                th.number { "Late" } th.number { "Denied" } th.number { "Canceled" } th.number { "Median days" } th.number { "90 % days" }
            } }
            tbody { @for row in rows { tr {
                td data-label="Action" { (row.action) }
                td data-label="Law" { (row.regime.as_str()) }
                td.number data-label="Received" { (row.received) }
                td.number data-label="Open" { (row.open) }
                td.number data-label="Overdue" { (row.overdue) }
                td.number data-label="Complete" { (row.complete) }
                td.number data-label="Late" { (row.late) }
                td.number data-label="Denied" { (row.denied) }
                td.number data-label="Canceled" { (row.canceled) }
                td.number data-label="Median days" { (days(row.median_days)) }
                td.number data-label="90 % days" { (days(row.ninety_percent_days)) }
            } } }
        } }
    }
}

const LINE: u64 = 28;
const NAMES: u64 = 180;
const WIDTH: u64 = 640;

/// Bars, each with its name and its count: readable without seeing the bars.
fn chart(title: &str, class: &str, bars: &[(String, u64)]) -> Markup {
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or_default().max(1);
    let height = LINE * bars.len() as u64;
    html! {
        figure.chart tabindex="0" {
            figcaption { (title) }
            @if bars.is_empty() {
                p.muted { "Nothing yet." }
            } @else {
                svg role="img" aria-label=(title) viewBox=(format!("0 0 {WIDTH} {height}")) {
                    @for (y, (name, count)) in (0..).step_by(28).zip(bars) {
                        text.chart-label x="0" y=(y + 18) { (name) }
                        rect class=(class) x=(NAMES) y=(y + 4) height=(LINE - 8) width=((WIDTH - NAMES - 80) * count / most) {}
                        text.chart-label x=(NAMES + (WIDTH - NAMES - 80) * count / most + 6) y=(y + 18) { (count) }
                    }
                }
            }
        }
    }
}
