//! Reading requests.

use segment_core::{Action, Request, RequestFilter, RequestId, RequestStatus, RequestSummary, ports::StoreError};
use sqlx::FromRow;

use super::{
    RecordStore,
    db::{Db, args},
    request_rows::{REQUEST_COLUMNS, RequestRow, count, known, millis, tasks, time},
};

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

impl RecordStore {
    pub(super) async fn row(connection: &mut Db, id: &str) -> Result<Option<RequestRow>, StoreError> {
        let sql = format!("SELECT {REQUEST_COLUMNS} FROM requests WHERE id = $1");
        connection.optional(&sql, args![id]).await
    }

    /// A request with its tasks, within a transaction.
    pub(super) async fn load(&self, connection: &mut Db, id: &RequestId) -> Result<Option<(Request, i64)>, StoreError> {
        let Some(row) = Self::row(connection, id.as_str()).await? else { return Ok(None) };
        let tasks = tasks(connection, id.as_str()).await?;
        let fence = row.fence;
        Ok(Some((row.read(&self.keys, tasks)?, fence)))
    }

    pub(super) async fn do_request(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        // One transaction, so that the request and its tasks are of the same moment.
        let mut tx = self.read().await?;
        Ok(self.load(&mut tx, id).await?.map(|(request, _)| request))
    }

    pub(super) async fn do_requests(&self, filter: &RequestFilter) -> Result<Vec<RequestSummary>, StoreError> {
        let ids: Vec<_> = filter.ids.iter().map(RequestId::as_str).collect();
        let ids = (!ids.is_empty()).then(|| serde_json::Value::from(ids).to_string());
        let mut db = self.read().await?;
        let sql = format!(
            "SELECT id, action, status, received_at, due_at, completed_at, verified_at, \
             (SELECT COUNT(*) FROM tasks WHERE request_id = r.id) AS tasks FROM requests r \
             WHERE {chosen} AND (CAST($2 AS TEXT) IS NULL OR status = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR action = $3) AND (CAST($4 AS BIGINT) IS NULL OR (due_at < $4 \
             AND status NOT IN ('complete', 'denied', 'canceled'))) ORDER BY received_at DESC, id DESC LIMIT $5",
            chosen = db.dialect().within("r.id", "$1")
        );
        let args = args![
            ids,
            filter.status.map(RequestStatus::as_str),
            filter.action.map(Action::as_str),
            filter.overdue_at.map(millis),
            filter.limit.map_or(i64::MAX, i64::from)
        ];
        let rows: Vec<SummaryRow> = db.all(&sql, args).await?;
        rows.into_iter().map(summary).collect()
    }
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
