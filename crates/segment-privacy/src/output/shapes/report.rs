//! The report over requests.

use std::collections::BTreeMap;

use jiff::civil::Date;
use privacy_engine::ReportRow;
use segment_core::Outcome;
use serde::Serialize;

use super::super::print::table;

/// `report`.
#[derive(Debug, Serialize)]
pub(crate) struct ReportShape {
    from: Option<Date>,
    to: Option<Date>,
    rows: Vec<RowShape>,
}

#[derive(Debug, Serialize)]
struct RowShape {
    action: &'static str,
    regime: &'static str,
    received: u64,
    open: u64,
    overdue: u64,
    complete: u64,
    late: u64,
    outcomes: BTreeMap<&'static str, u64>,
    denied: u64,
    canceled: u64,
    median_days: Option<u64>,
    ninety_percent_days: Option<u64>,
}

impl From<ReportRow> for RowShape {
    fn from(row: ReportRow) -> Self {
        Self {
            action: row.action.as_str(),
            regime: row.regime.as_str(),
            received: row.received,
            open: row.open,
            overdue: row.overdue,
            complete: row.complete,
            late: row.late,
            outcomes: row.outcomes.into_iter().map(|(outcome, count)| (outcome.as_str(), count)).collect(),
            denied: row.denied,
            canceled: row.canceled,
            median_days: row.median_days,
            ninety_percent_days: row.ninety_percent_days,
        }
    }
}

/// The columns before and after those of the outcomes.
const FIRST: [&str; 7] = ["action", "regime", "received", "open", "overdue", "complete", "late"];
const LAST: [&str; 4] = ["denied", "canceled", "median_days", "ninety_percent_days"];

impl ReportShape {
    pub(crate) fn new(from: Option<Date>, to: Option<Date>, rows: Vec<ReportRow>) -> Self {
        Self { from, to, rows: rows.into_iter().map(Into::into).collect() }
    }

    pub(crate) fn table(&self) -> String {
        let head = [
            "asked",
            "law",
            "received",
            "open",
            "overdue",
            "complete",
            "late",
            "as",
            "denied",
            "canceled",
            "days (median, 90 %)",
        ];
        let mut shown = table(&head);
        for row in &self.rows {
            let outcomes: Vec<_> = row.outcomes.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
            let days = match (row.median_days, row.ninety_percent_days) {
                (Some(median), Some(ninety)) => format!("{median}, {ninety}"),
                _ => "-".to_owned(),
            };
            let count = |count: u64| count.to_string();
            shown.add_row([
                row.action.to_owned(),
                row.regime.to_owned(),
                count(row.received),
                count(row.open),
                count(row.overdue),
                count(row.complete),
                count(row.late),
                outcomes.join(", "),
                count(row.denied),
                count(row.canceled),
                days,
            ]);
        }
        shown.to_string()
    }

    /// The same columns every time, an outcome each, so that years can be put side by side.
    pub(crate) fn csv(&self) -> String {
        let outcomes = Outcome::ALL.iter().map(|outcome| outcome.as_str());
        let head: Vec<_> = FIRST.into_iter().chain(outcomes.clone()).chain(LAST).map(str::to_owned).collect();
        let mut lines = vec![head.join(",")];
        for row in &self.rows {
            let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
            let counts = [row.received, row.open, row.overdue, row.complete, row.late];
            let done = outcomes.clone().map(|outcome| row.outcomes.get(outcome).copied().unwrap_or(0));
            let last = [Some(row.denied), Some(row.canceled), row.median_days, row.ninety_percent_days];
            let numbers = counts.into_iter().chain(done).map(Some).chain(last).map(number);
            let cells: Vec<_> = [row.action.to_owned(), row.regime.to_owned()].into_iter().chain(numbers).collect();
            lines.push(cells.join(","));
        }
        lines.join("\n")
    }
}
