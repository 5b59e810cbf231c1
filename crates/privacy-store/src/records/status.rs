//! The status of a request follows from its tasks: computed in the step that changes them.

use jiff::Timestamp;
use segment_core::{Action, AuditEntry, Gate, Holder, RequestStatus, TaskState, ports::StoreError};
use serde_json::{Value, json};

use super::{
    db::{Db, args},
    request_rows::{TaskRow, known, millis, tasks_of},
    scope,
};

/// Recomputes the status; a change is told in the log.
pub(super) async fn refresh(connection: &mut Db, id: &str, at: Timestamp) -> Result<(), StoreError> {
    refresh_all(connection, &[id.to_owned()], at).await
}

/// Recomputes the statuses of many.
pub(super) async fn refresh_all(connection: &mut Db, ids: &[String], at: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let list = scope::list(ids.iter().map(String::as_str));
    let mut tasks = tasks_of(connection, &list).await?;
    let sql = format!(
        "SELECT id, action, gate, begun, status FROM requests WHERE {}",
        connection.dialect().listed("id", "$1")
    );
    let rows: Vec<(String, String, String, bool, String)> = connection.all(&sql, args![&list]).await?;
    let (mut changed, mut told, mut woken) = (Vec::new(), Vec::new(), Vec::new());
    for (id, action, gate, begun, before) in rows {
        let rows = tasks.remove(&id).unwrap_or_default();
        let states = rows.iter().map(TaskRow::state).collect::<Result<Vec<_>, _>>()?;
        let gate = known(Gate::parse(&gate), "requests.gate", &id)?;
        let action = known(Action::parse(&action), "requests.action", &id)?;
        let holder = |row: &TaskRow| if row.is_of_dataset() { Holder::Dataset } else { Holder::Connection };
        let standing = RequestStatus::standing(action, rows.iter().map(holder).zip(&states));
        let status = RequestStatus::of(gate, begun, standing);
        let is_complete = status == RequestStatus::Complete;
        let regulated = rows.iter().zip(&states).filter(|(row, state)| row.is_regulated() && state.outcome().is_some());
        let looks: Vec<_> = regulated.map(|(row, _)| row.verified()).collect();
        let verified = looks.iter().copied().collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
        changed.push(json!({
            "id": id, "status": status.as_str(), "completed": is_complete.then(|| millis(at)),
            "verified": verified.filter(|_| is_complete), "ended": status.is_terminal().then(|| millis(at)),
        }));
        if before != status.as_str() {
            let facts = json!({"from": before, "to": status.as_str()}).to_string();
            told.push(json!({"id": id, "at": millis(at), "step": "status", "facts": facts}));
        }
        if action == Action::Erasure
            && rows.iter().zip(&states).any(|(row, state)| row.is_of_dataset() && *state == TaskState::Queued)
        {
            woken.push(id);
        }
    }
    write_statuses(connection, &changed).await?;
    wake_masking(connection, &woken, at).await?;
    tell(connection, &told).await
}

async fn write_statuses(connection: &mut Db, changed: &[Value]) -> Result<(), StoreError> {
    // What it was once complete or ended at stays, as long as it is.
    let since = |name: &str, column: &str| {
        format!(
            "{column} = CASE WHEN value->>'{name}' IS NOT NULL THEN COALESCE({column}, CAST(value->>'{name}' AS BIGINT)) END"
        )
    };
    let sql = format!(
        "UPDATE requests SET status = value->>'status', {}, verified_at = CAST(value->>'verified' AS BIGINT), {} \
         FROM {} WHERE requests.id = value->>'id'",
        since("completed", "completed_at"),
        since("ended", "ended_at"),
        connection.dialect().rows("$1")
    );
    connection.execute(&sql, args![Value::from(changed).to_string()]).await.map(drop)
}

/// Nothing else wakes an erasure whose rows may be masked from now on, as [`Request::may_mask`](segment_core::Request::may_mask)
/// says.
async fn wake_masking(connection: &mut Db, ids: &[String], at: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE requests SET next_at = $2 WHERE {} AND next_at IS NULL \
         AND NOT EXISTS (SELECT 1 FROM tasks WHERE request_id = requests.id AND holder = 'connection' \
         AND state NOT IN ('awaiting', 'complete')) \
         AND NOT EXISTS (SELECT 1 FROM tasks WHERE request_id = requests.id AND holder = 'dataset' \
         AND state IN ('attention', 'error') AND sealed IS NULL)",
        connection.dialect().listed("id", "$1")
    );
    let list = scope::list(ids.iter().map(String::as_str));
    connection.execute(&sql, args![list, millis(at)]).await.map(drop)
}

/// Appends entries of many requests, each with its `id`, `at`, `step` and `facts`.
pub(super) async fn tell(connection: &mut Db, entries: &[Value]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO log (request_id, at, step, facts) \
         SELECT value->>'id', CAST(value->>'at' AS BIGINT), value->>'step', value->>'facts' FROM {}",
        connection.dialect().rows("$1")
    );
    connection.execute(&sql, args![Value::from(entries).to_string()]).await.map(drop)
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
