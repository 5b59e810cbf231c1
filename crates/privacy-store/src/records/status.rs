//! The status of a request follows from its tasks: computed in the step that changes them.

use jiff::Timestamp;
use segment_core::{Action, AuditEntry, Gate, Holder, RequestStatus, TaskState, ports::StoreError};
use serde_json::json;

use super::{
    db::{Db, args},
    request_rows::{TaskRow, known, millis, tasks, tasks_of},
    scope,
};

/// What follows from a request's tasks.
struct Judged {
    status: RequestStatus,
    verified: Option<i64>,
    is_changed: bool,
    /// Its rows may have to be masked now.
    may_mask: bool,
}

type Row = (String, String, String, bool, String);

fn judge((id, action, gate, begun, before): &Row, tasks: &[TaskRow]) -> Result<Judged, StoreError> {
    let states = tasks.iter().map(TaskRow::state).collect::<Result<Vec<_>, _>>()?;
    let gate = known(Gate::parse(gate), "requests.gate", id)?;
    let action = known(Action::parse(action), "requests.action", id)?;
    let holder = |row: &TaskRow| if row.is_of_dataset() { Holder::Dataset } else { Holder::Connection };
    let standing = RequestStatus::standing(action, tasks.iter().map(holder).zip(&states));
    let status = RequestStatus::of(gate, *begun, standing);
    let regulated = tasks.iter().zip(&states).filter(|(row, state)| row.is_regulated() && state.outcome().is_some());
    let looks: Vec<_> = regulated.map(|(row, _)| row.verified()).collect();
    let verified = looks.iter().copied().collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
    let rows_wait = tasks.iter().zip(&states).any(|(row, state)| row.is_of_dataset() && *state == TaskState::Queued);
    Ok(Judged {
        status,
        verified: verified.filter(|_| status == RequestStatus::Complete),
        is_changed: before != status.as_str(),
        may_mask: action == Action::Erasure && rows_wait,
    })
}

fn told(id: &str, before: &str, judged: &Judged, at: Timestamp) -> String {
    let facts = json!({"from": before, "to": judged.status.as_str()}).to_string();
    json!({"id": id, "at": millis(at), "step": "status", "facts": facts}).to_string()
}

/// Recomputes the status; a change is told in the log. Statements about one request find it by its key: what a plan for many
/// would read besides, other workers' steps would clash with.
pub(super) async fn refresh(connection: &mut Db, id: &str, at: Timestamp) -> Result<(), StoreError> {
    let row: Row =
        connection.one("SELECT id, action, gate, begun, status FROM requests WHERE id = $1", args![id]).await?;
    let judged = judge(&row, &tasks(connection, id).await?)?;
    let (complete, ended) = (judged.status == RequestStatus::Complete, judged.status.is_terminal());
    connection
        .execute(
            "UPDATE requests SET status = $2, completed_at = CASE WHEN $3 THEN COALESCE(completed_at, $4) END, \
             verified_at = $5, ended_at = CASE WHEN $6 THEN COALESCE(ended_at, $4) END WHERE id = $1",
            args![id, judged.status.as_str(), complete, millis(at), judged.verified, ended],
        )
        .await?;
    if judged.may_mask {
        wake_masking(connection, &[id.to_owned()], at).await?;
    }
    if judged.is_changed { tell(connection, &[told(id, &row.4, &judged, at)]).await } else { Ok(()) }
}

/// Recomputes the statuses of many.
pub(super) async fn refresh_all(connection: &mut Db, ids: &[String], at: Timestamp) -> Result<(), StoreError> {
    match ids {
        [] => return Ok(()),
        [id] => return refresh(connection, id, at).await,
        _ => {}
    }
    let list = scope::list(ids.iter().map(String::as_str));
    let mut tasks = tasks_of(connection, &list).await?;
    let listed = connection.dialect().listed("id", "$1");
    let sql = format!("SELECT id, action, gate, begun, status FROM requests WHERE {listed}");
    let rows: Vec<Row> = connection.all(&sql, args![&list]).await?;
    let (mut changed, mut entries, mut woken) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let judged = judge(&row, &tasks.remove(&row.0).unwrap_or_default())?;
        let (id, status) = (row.0.as_str(), judged.status);
        let change = json!({
            "id": id, "status": status.as_str(), "verified": judged.verified,
            "completed": (status == RequestStatus::Complete).then(|| millis(at)),
            "ended": status.is_terminal().then(|| millis(at)),
        });
        changed.push(change.to_string());
        if judged.is_changed {
            entries.push(told(id, &row.4, &judged, at));
        }
        if judged.may_mask {
            woken.push(row.0);
        }
    }
    write_statuses(connection, &changed).await?;
    wake_masking(connection, &woken, at).await?;
    tell(connection, &entries).await
}

async fn write_statuses(connection: &mut Db, changed: &[String]) -> Result<(), StoreError> {
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
    connection.execute(&sql, args![scope::rows(changed)]).await.map(drop)
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

/// Appends entries of many requests, each a JSON object with its `id`, `at`, `step` and `facts`.
pub(super) async fn tell(connection: &mut Db, entries: &[String]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO log (request_id, at, step, facts) \
         SELECT value->>'id', CAST(value->>'at' AS BIGINT), value->>'step', value->>'facts' FROM {}",
        connection.dialect().rows("$1")
    );
    connection.execute(&sql, args![scope::rows(entries)]).await.map(drop)
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
