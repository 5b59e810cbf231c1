//! The status of a request follows from its tasks: computed in the step that changes them.

use jiff::Timestamp;
use segment_core::{Action, AuditEntry, Gate, Holder, RequestStatus, ports::StoreError};

use super::{
    db::{Db, args},
    request_rows::{TaskRow, known, millis, tasks},
    scope,
};

/// Recomputes the status; a change is told in the log.
pub(super) async fn refresh(connection: &mut Db, id: &str, at: Timestamp) -> Result<(), StoreError> {
    let (action, gate, begun, before): (String, String, bool, String) =
        connection.one("SELECT action, gate, begun, status FROM requests WHERE id = $1", args![id]).await?;
    let rows = tasks(connection, id).await?;
    let states = rows.iter().map(TaskRow::state).collect::<Result<Vec<_>, _>>()?;
    let gate = known(Gate::parse(&gate), "requests.gate", id)?;
    let action = known(Action::parse(&action), "requests.action", id)?;
    let holder = |row: &TaskRow| if row.is_of_dataset() { Holder::Dataset } else { Holder::Connection };
    let standing = RequestStatus::standing(action, rows.iter().map(holder).zip(&states));
    let status = RequestStatus::of(gate, begun, standing);
    let complete = status == RequestStatus::Complete;
    let regulated = rows.iter().zip(&states).filter(|(row, state)| row.is_regulated() && state.outcome().is_some());
    let looks: Vec<_> = regulated.map(|(row, _)| row.verified()).collect();
    let verified = looks.iter().copied().collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
    connection
        .execute(
            "UPDATE requests SET status = $2, completed_at = CASE WHEN $3 THEN COALESCE(completed_at, $4) END, \
         verified_at = $5, ended_at = CASE WHEN $6 THEN COALESCE(ended_at, $4) END WHERE id = $1",
            args![id, status.as_str(), complete, millis(at), verified.filter(|_| complete), status.is_terminal()],
        )
        .await?;
    wake_masking(connection, id, at).await?;
    if before != status.as_str() {
        let facts = serde_json::json!({"from": before, "to": status.as_str()});
        log(connection, id, &AuditEntry::new(at, "status", facts)).await?;
    }
    Ok(())
}

/// Nothing else wakes an erasure whose rows may be masked from now on, as [`Request::may_mask`](segment_core::Request::may_mask)
/// says.
async fn wake_masking(connection: &mut Db, id: &str, at: Timestamp) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE requests SET next_at = $2 WHERE id = $1 AND next_at IS NULL AND action = 'erasure' \
             AND EXISTS (SELECT 1 FROM tasks WHERE request_id = $1 AND holder = 'dataset' AND state = 'queued') \
             AND NOT EXISTS (SELECT 1 FROM tasks WHERE request_id = $1 AND holder = 'connection' \
             AND state NOT IN ('awaiting', 'complete')) \
             AND NOT EXISTS (SELECT 1 FROM tasks WHERE request_id = $1 AND holder = 'dataset' \
             AND state IN ('attention', 'error') AND sealed IS NULL)",
            args![id, millis(at)],
        )
        .await?;
    Ok(())
}

/// Appends to the log of a request.
pub(super) async fn log(connection: &mut Db, id: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    log_all(connection, &scope::list([id]), entry).await
}

/// Appends to the log of each request of a list.
pub(super) async fn log_all(connection: &mut Db, ids: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    let each = connection.dialect().each("$1");
    let sql = format!("INSERT INTO log (request_id, at, step, facts) SELECT id, $2, $3, $4 FROM ({each}) AS m");
    connection.execute(&sql, args![ids, millis(entry.at), &entry.step, entry.facts.to_string()]).await?;
    Ok(())
}
