//! Counting requests.

use segment_core::{Action, Outcome, Regime, RequestStatus, Tally, TallyFilter, ports::StoreError};
use sqlx::FromRow;

use super::{
    RecordStore,
    db::args,
    request_rows::{count, known, millis},
};

const DAY: i64 = 86_400_000;

#[derive(FromRow)]
struct TallyRow {
    action: String,
    regime: String,
    status: String,
    rank: Option<i64>,
    days: Option<i64>,
    late: bool,
    requests: i64,
}

impl RecordStore {
    pub(super) async fn do_tally(&self, filter: &TallyFilter) -> Result<Vec<Tally>, StoreError> {
        let whens: Vec<_> = (0..)
            .zip(Tally::FROM_THE_LEAST)
            .map(|(rank, outcome)| format!("WHEN '{}' THEN {rank}", outcome.as_str()))
            .collect();
        let sql = format!(
            "SELECT action, regime, status, rank, days, late, COUNT(*) AS requests FROM (SELECT action, regime, status, \
             CASE WHEN status = 'complete' THEN (SELECT CAST(MIN(CASE outcome {} END) AS BIGINT) FROM tasks \
                 WHERE request_id = r.id) END AS rank, \
             CASE WHEN status = 'complete' THEN (completed_at - received_at) / {DAY} END AS days, \
             CASE WHEN status = 'complete' THEN completed_at > due_at WHEN status IN ('denied', 'canceled') THEN FALSE \
                 ELSE due_at < $3 END AS late \
             FROM requests r WHERE (CAST($1 AS BIGINT) IS NULL OR received_at >= $1) \
             AND (CAST($2 AS BIGINT) IS NULL OR received_at < $2)) AS each \
             GROUP BY action, regime, status, rank, days, late ORDER BY action, regime, status, rank, days, late",
            whens.join(" ")
        );
        let args = args![filter.from.map(millis), filter.to.map(millis), millis(filter.at)];
        let rows: Vec<TallyRow> = self.read().await?.all(&sql, args).await?;
        rows.iter().map(tally).collect()
    }
}

fn tally(row: &TallyRow) -> Result<Tally, StoreError> {
    let outcome = |rank: i64| -> Option<Outcome> { Tally::FROM_THE_LEAST.get(usize::try_from(rank).ok()?).copied() };
    Ok(Tally {
        action: known(Action::parse(&row.action), "requests.action", "a count")?,
        regime: known(Regime::parse(&row.regime), "requests.regime", "a count")?,
        status: known(RequestStatus::parse(&row.status), "requests.status", "a count")?,
        outcome: row.rank.and_then(outcome),
        days: row.days.map(|days| count(days.max(0))),
        late: row.late,
        requests: count(row.requests),
    })
}
