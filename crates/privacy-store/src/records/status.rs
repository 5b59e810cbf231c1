//! The status of a request follows from its tasks: computed in the step that changes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use segment_core::{Action, AuditEntry, Gate, Holder, RequestStatus, TaskState, ports::StoreError};
use serde_json::json;
use sqlx::FromRow;

use super::{
    db::{Db, args},
    request_rows::{TaskRow, known, millis, tasks, tasks_of},
    scope,
};

/// What a request's status follows from, beside its tasks, and what follows from it as it was.
#[derive(FromRow)]
pub(super) struct StatusRow {
    pub(super) id: String,
    pub(super) action: String,
    pub(super) gate: String,
    pub(super) begun: bool,
    pub(super) status: String,
    pub(super) verified_at: Option<i64>,
}

const COLUMNS: &str = "id, action, gate, begun, status, verified_at";

/// What follows from a request's tasks.
struct Judged {
    status: RequestStatus,
    verified: Option<i64>,
    /// Its rows may have to be masked now.
    may_mask: bool,
}

fn judge(row: &StatusRow, tasks: &[TaskRow]) -> Result<Judged, StoreError> {
    let states = tasks.iter().map(TaskRow::state).collect::<Result<Vec<_>, _>>()?;
    let gate = known(Gate::parse(&row.gate), "requests.gate", &row.id)?;
    let action = known(Action::parse(&row.action), "requests.action", &row.id)?;
    let holder = |row: &TaskRow| if row.is_of_dataset() { Holder::Dataset } else { Holder::Connection };
    let standing = RequestStatus::standing(action, tasks.iter().map(holder).zip(&states));
    let status = RequestStatus::of(gate, row.begun, standing);
    let regulated = tasks.iter().zip(&states).filter(|(row, state)| row.is_regulated() && state.outcome().is_some());
    let looks: Vec<_> = regulated.map(|(row, _)| row.verified()).collect();
    let verified = looks.iter().copied().collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max());
    let rows_wait = tasks.iter().zip(&states).any(|(row, state)| row.is_of_dataset() && *state == TaskState::Queued);
    Ok(Judged {
        status,
        verified: verified.filter(|_| status == RequestStatus::Complete),
        may_mask: action == Action::Erasure && rows_wait,
    })
}

/// Recomputes the status; a change is told in the log. Statements about one request find it by its key: what a plan for many
/// would read besides, other workers' steps would clash with.
///
/// Whoever changes tasks holds the row of their request when it looks at all of them, here or by having written it.
pub(super) async fn refresh(connection: &mut Db, id: &str, at: Timestamp) -> Result<(), StoreError> {
    let held = connection.dialect().take_all("requests");
    let row = connection.one(&format!("SELECT {COLUMNS} FROM requests WHERE id = $1 {held}"), args![id]).await?;
    settle(connection, &row, Vec::new(), at).await
}

/// The same of a request that is at hand, in whose log `entries` come first.
pub(super) async fn settle(
    connection: &mut Db,
    row: &StatusRow,
    mut entries: Vec<String>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let id = row.id.as_str();
    let judged = judge(row, &tasks(connection, id).await?)?;
    if row.is_before(&judged) {
        write_status(connection, id, &judged, at).await?;
    }
    if judged.may_mask {
        wake_masking(connection, &[id.to_owned()], at).await?;
    }
    entries.extend(row.told(&judged, at));
    tell(connection, &entries).await
}

/// Recomputes the statuses of many.
pub(super) async fn refresh_all(connection: &mut Db, ids: &[String], at: Timestamp) -> Result<(), StoreError> {
    match ids {
        [] => return Ok(()),
        [id] => return refresh(connection, id, at).await,
        _ => {}
    }
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let (listed, held) = (connection.dialect().listed("id", "$1"), connection.dialect().take_all("requests"));
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE {listed} ORDER BY id {held}");
    let rows: Vec<StatusRow> = connection.all(&sql, args![scope::list(ids.iter().copied())]).await?;
    let tasks = tasks_of(connection, &ids).await?;
    settle_all(connection, &rows, &tasks, at).await.map(drop)
}

/// The same of requests that are at hand, with their tasks. The answer is their statuses, in the order of `rows`.
pub(super) async fn settle_all(
    connection: &mut Db,
    rows: &[StatusRow],
    tasks: &BTreeMap<String, Vec<TaskRow>>,
    at: Timestamp,
) -> Result<Vec<RequestStatus>, StoreError> {
    let (mut statuses, mut changed, mut entries, mut woken) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let judged = judge(row, tasks.get(&row.id).map_or(&[], Vec::as_slice))?;
        let status = judged.status;
        entries.extend(row.told(&judged, at));
        if judged.may_mask {
            woken.push(row.id.clone());
        }
        statuses.push(status);
        if row.is_before(&judged) {
            changed.push((row.id.as_str(), judged));
        }
    }
    match changed.as_slice() {
        [] => {}
        [(id, judged)] => write_status(connection, id, judged, at).await?,
        many => write_statuses(connection, many, at).await?,
    }
    wake_masking(connection, &woken, at).await?;
    tell(connection, &entries).await?;
    Ok(statuses)
}

impl StatusRow {
    /// Whether something has to be written. When it was complete and when it ended go with the status.
    fn is_before(&self, judged: &Judged) -> bool {
        self.status != judged.status.as_str() || self.verified_at != judged.verified
    }

    fn told(&self, judged: &Judged, at: Timestamp) -> Option<String> {
        let (before, after) = (self.status.as_str(), judged.status.as_str());
        (before != after).then(|| entry(&self.id, &AuditEntry::new(at, "status", json!({"from": before, "to": after}))))
    }
}

async fn write_status(connection: &mut Db, id: &str, judged: &Judged, at: Timestamp) -> Result<(), StoreError> {
    let (complete, ended) = (judged.status == RequestStatus::Complete, judged.status.is_terminal());
    let sql = "UPDATE requests SET status = $2, completed_at = CASE WHEN $3 THEN COALESCE(completed_at, $4) END, \
        verified_at = $5, ended_at = CASE WHEN $6 THEN COALESCE(ended_at, $4) END WHERE id = $1";
    let args = args![id, judged.status.as_str(), complete, millis(at), judged.verified, ended];
    connection.execute(sql, args).await.map(drop)
}

async fn write_statuses(connection: &mut Db, judged: &[(&str, Judged)], at: Timestamp) -> Result<(), StoreError> {
    let change = |(id, judged): &(&str, Judged)| {
        let status = judged.status;
        let change = json!({
            "id": id, "status": status.as_str(), "verified": judged.verified,
            "completed": (status == RequestStatus::Complete).then(|| millis(at)),
            "ended": status.is_terminal().then(|| millis(at)),
        });
        change.to_string()
    };
    let changed: Vec<_> = judged.iter().map(change).collect();
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
    connection.execute(&sql, args![scope::rows(&changed)]).await.map(drop)
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

/// An entry for [`tell`].
pub(super) fn entry(id: &str, entry: &AuditEntry) -> String {
    let (at, facts) = (millis(entry.at), entry.facts.to_string());
    json!({"id": id, "at": at, "step": entry.step, "facts": facts}).to_string()
}

/// Appends entries of many requests.
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
