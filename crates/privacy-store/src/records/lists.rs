//! Lists of requests, and how many there are.

use jiff::Timestamp;
use segment_core::{Action, RequestFilter, RequestId, RequestStatus, RequestSummary, Standing, ports::StoreError};
use sqlx::FromRow;

use super::{
    RecordStore,
    db::{Arg, Dialect, args},
    prepared,
    request_rows::{count, known, millis, number, time},
    scope,
};

/// Open: the condition of the index `requests_open`.
const OPEN: &str = "status NOT IN ('complete', 'denied', 'canceled')";
/// The condition of the index `requests_called_off`.
const CALLED_OFF: &str = "status IN ('denied', 'canceled')";

#[derive(FromRow)]
struct SummaryRow {
    id: String,
    action: String,
    status: String,
    received_at: i64,
    due_at: i64,
    completed_at: Option<i64>,
    verified_at: Option<i64>,
    tasks: i64,
}

#[derive(FromRow)]
struct StandingRow {
    action: String,
    status: String,
    requests: i64,
    overdue: i64,
    due_soon: i64,
    oldest: i64,
}

impl RecordStore {
    pub(super) async fn do_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError> {
        let mut db = self.read().await?;
        // The page first: tasks are counted of what is on it.
        let sql = format!(
            "SELECT r.*, (SELECT COUNT(*) FROM tasks WHERE request_id = r.id) AS tasks FROM \
             (SELECT id, action, status, received_at, due_at, completed_at, verified_at FROM requests WHERE {} \
              ORDER BY received_at DESC, id DESC LIMIT $8 OFFSET $9) AS r ORDER BY received_at DESC, id DESC",
            conditions(filter, db.dialect())
        );
        let [ids, action, external, identity, after, before, overdue] = self.values(filter);
        let (limit, skip) = (filter.limit.map_or(i64::MAX, i64::from), number(filter.skip));
        let args = args![ids, action, external, identity, after, before, overdue, limit, skip];
        let rows: Vec<SummaryRow> = db.all(&sql, args).await?;
        rows.into_iter().map(summary).collect()
    }

    pub(super) async fn do_count_requests(&self, filter: &RequestFilter, most: u64) -> Result<u64, StoreError> {
        let mut db = self.read().await?;
        let sql = format!(
            "SELECT COUNT(*) FROM (SELECT 1 FROM requests WHERE {} LIMIT $8) AS found",
            conditions(filter, db.dialect())
        );
        let [ids, action, external, identity, after, before, overdue] = self.values(filter);
        let args = args![ids, action, external, identity, after, before, overdue, number(most)];
        let (found,): (i64,) = db.one(&sql, args).await?;
        Ok(count(found))
    }

    pub(super) async fn do_standings(&self, at: Timestamp, soon: Timestamp) -> Result<Vec<Standing>, StoreError> {
        let sql = format!(
            "SELECT action, status, COUNT(*) AS requests, \
             COUNT(CASE WHEN {OPEN} AND due_at < $1 THEN 1 END) AS overdue, \
             COUNT(CASE WHEN {OPEN} AND due_at >= $1 AND due_at < $2 THEN 1 END) AS due_soon, \
             MIN(received_at) AS oldest FROM requests GROUP BY action, status ORDER BY action, status"
        );
        let rows: Vec<StandingRow> = self.read().await?.all(&sql, args![millis(at), millis(soon)]).await?;
        rows.iter().map(standing).collect()
    }

    /// What [`conditions`] compares with.
    fn values(&self, filter: &RequestFilter) -> [Arg; 7] {
        let lookup = &self.keys.lookup;
        let ids = (!filter.ids.is_empty()).then(|| scope::list(filter.ids.iter().map(RequestId::as_str)));
        [
            ids.into(),
            filter.action.map(Action::as_str).into(),
            filter.external_id.as_ref().map(|id| lookup.hash(prepared::EXTERNAL_ID, id)).into(),
            filter.identity.as_ref().map(|one| lookup.hash(prepared::IDENTITY, &one.comparison_key())).into(),
            filter.received_after.map(millis).into(),
            filter.received_before.map(millis).into(),
            filter.overdue_at.map(millis).into(),
        ]
    }
}

/// Only what is asked for is compared, so that each list has a plan of its own; every parameter has its place in all of them.
fn conditions(filter: &RequestFilter, dialect: Dialect) -> String {
    let chosen = dialect.listed("id", "$1");
    let named = dialect.chosen("id", "SELECT request_id FROM request_identities WHERE hash = $4");
    let asked = |is_asked: bool, condition: &str, parameter: &str| {
        if is_asked { condition.to_owned() } else { format!("CAST({parameter}) IS NULL") }
    };
    let mut all = vec![
        asked(!filter.ids.is_empty(), &chosen, "$1 AS TEXT"),
        asked(filter.action.is_some(), "action = $2", "$2 AS TEXT"),
        asked(filter.external_id.is_some(), "external_id_hash = $3", &format!("$3 AS {}", dialect.binary())),
        asked(filter.identity.is_some(), &named, &format!("$4 AS {}", dialect.binary())),
        asked(filter.received_after.is_some(), "received_at > $5", "$5 AS BIGINT"),
        asked(filter.received_before.is_some(), "received_at < $6", "$6 AS BIGINT"),
        asked(filter.overdue_at.is_some(), &format!("due_at < $7 AND {OPEN}"), "$7 AS BIGINT"),
    ];
    if !filter.statuses.is_empty() {
        // Names of ours, not values: so that the indices of few are seen to serve.
        let names: Vec<_> = filter.statuses.iter().map(|status| format!("'{}'", status.as_str())).collect();
        all.push(format!("status IN ({})", names.join(", ")));
        let called_off = |status: &RequestStatus| matches!(status, RequestStatus::Denied | RequestStatus::Canceled);
        if filter.statuses.iter().all(called_off) {
            all.push(CALLED_OFF.to_owned());
        } else if !filter.statuses.iter().any(|status| status.is_over()) {
            all.push(OPEN.to_owned());
        }
    }
    all.join(" AND ")
}

fn summary(row: SummaryRow) -> Result<RequestSummary, StoreError> {
    Ok(RequestSummary {
        action: known(Action::parse(&row.action), "requests.action", &row.id)?,
        status: known(RequestStatus::parse(&row.status), "requests.status", &row.id)?,
        received_at: time(row.received_at),
        due_at: time(row.due_at),
        completed_at: row.completed_at.map(time),
        verified_at: row.verified_at.map(time),
        tasks: count(row.tasks),
        id: RequestId::new(row.id),
    })
}

fn standing(row: &StandingRow) -> Result<Standing, StoreError> {
    Ok(Standing {
        action: known(Action::parse(&row.action), "requests.action", "a count")?,
        status: known(RequestStatus::parse(&row.status), "requests.status", "a count")?,
        requests: count(row.requests),
        overdue: count(row.overdue),
        due_soon: count(row.due_soon),
        oldest: time(row.oldest),
    })
}
