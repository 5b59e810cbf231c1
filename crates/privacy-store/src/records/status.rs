//! The status of a request follows from its tasks: computed in the step that changes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use segment_core::{Action, AuditEntry, Gate, Holder, RequestStatus, TaskState, ports::StoreError};
use serde_json::json;
use sqlx::FromRow;

use super::{
    db::{Db, args},
    journal::{self, End, Of, Told},
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
    #[sqlx(flatten)]
    pub(super) log: End,
}

const COLUMNS: &str = "id, action, gate, begun, status, verified_at, log_count, log_hash";

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

/// Recomputes the status; `entries`, and then a change of it, are told in the log. Statements about one request find it by its key: what a plan for many
/// would read besides, other workers' steps would clash with.
///
/// Whoever changes tasks holds the row of their request when it looks at all of them, here or by having written it.
pub(super) async fn refresh(
    connection: &mut Db,
    id: &str,
    entries: &[AuditEntry],
    at: Timestamp,
) -> Result<(), StoreError> {
    let held = connection.dialect().take_all("requests");
    let row: StatusRow =
        connection.one(&format!("SELECT {COLUMNS} FROM requests WHERE id = $1 {held}"), args![id]).await?;
    let tasks = tasks(connection, id).await?;
    settle(connection, &row, &tasks, entries, at).await
}

/// The same of a request that is at hand, with its tasks; `entries` come first in its log.
pub(super) async fn settle(
    connection: &mut Db,
    row: &StatusRow,
    tasks: &[TaskRow],
    entries: &[AuditEntry],
    at: Timestamp,
) -> Result<(), StoreError> {
    let id = row.id.as_str();
    let judged = judge(row, tasks)?;
    let mut told = Of::Request(id).from(&row.log);
    for entry in entries {
        told.tell(entry);
    }
    row.tell(&judged, at, &mut told);
    if row.is_before(&judged) || !told.is_empty() {
        write_status(connection, id, &judged, &told, at).await?;
    }
    if judged.may_mask {
        wake_masking(connection, &[id.to_owned()], at).await?;
    }
    journal::append(connection, &told.into_rows()).await
}

/// Recomputes the statuses of many.
pub(super) async fn refresh_all(connection: &mut Db, ids: &[String], at: Timestamp) -> Result<(), StoreError> {
    match ids {
        [] => return Ok(()),
        [id] => return refresh(connection, id, &[], at).await,
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
    let (mut statuses, mut changed, mut woken) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        let judged = judge(row, tasks.get(&row.id).map_or(&[], Vec::as_slice))?;
        let status = judged.status;
        let mut told = Of::Request(&row.id).from(&row.log);
        row.tell(&judged, at, &mut told);
        if judged.may_mask {
            woken.push(row.id.clone());
        }
        statuses.push(status);
        if row.is_before(&judged) {
            changed.push((row.id.as_str(), judged, told));
        }
    }
    match changed.as_slice() {
        [] => {}
        [(id, judged, told)] => write_status(connection, id, judged, told, at).await?,
        many => write_statuses(connection, many, at).await?,
    }
    wake_masking(connection, &woken, at).await?;
    let rows: Vec<_> = changed.into_iter().flat_map(|(_, _, told)| told.into_rows()).collect();
    journal::append(connection, &rows).await?;
    Ok(statuses)
}

impl StatusRow {
    /// Whether something has to be written. When it was complete and when it ended go with the status.
    fn is_before(&self, judged: &Judged) -> bool {
        self.status != judged.status.as_str() || self.verified_at != judged.verified
    }

    fn tell(&self, judged: &Judged, at: Timestamp, told: &mut Told<'_>) {
        let (before, after) = (self.status.as_str(), judged.status.as_str());
        if before != after {
            told.tell(&AuditEntry::new(at, "status", json!({"from": before, "to": after})));
        }
    }
}

async fn write_status(
    connection: &mut Db,
    id: &str,
    judged: &Judged,
    told: &Told<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (complete, ended) = (judged.status == RequestStatus::Complete, judged.status.is_terminal());
    let sql = "UPDATE requests SET status = $2, completed_at = CASE WHEN $3 THEN COALESCE(completed_at, $4) END, \
        verified_at = $5, ended_at = CASE WHEN $6 THEN COALESCE(ended_at, $4) END, log_count = $7, log_hash = $8 WHERE id = $1";
    let status = judged.status.as_str();
    let args = args![id, status, complete, millis(at), judged.verified, ended, told.count(), told.hash()];
    connection.execute(sql, args).await.map(drop)
}

async fn write_statuses(
    connection: &mut Db,
    changed: &[(&str, Judged, Told<'_>)],
    at: Timestamp,
) -> Result<(), StoreError> {
    let change = |(id, judged, told): &(&str, Judged, Told<'_>)| {
        let status = judged.status;
        let change = json!({
            "id": id, "status": status.as_str(), "verified": judged.verified,
            "completed": (status == RequestStatus::Complete).then(|| millis(at)),
            "ended": status.is_terminal().then(|| millis(at)),
            "count": told.count(), "hash": told.hash().map(hex::encode),
        });
        change.to_string()
    };
    let changed: Vec<_> = changed.iter().map(change).collect();
    // What it was once complete or ended at stays, as long as it is.
    let since = |name: &str, column: &str| {
        format!(
            "{column} = CASE WHEN value->>'{name}' IS NOT NULL THEN COALESCE({column}, CAST(value->>'{name}' AS BIGINT)) END"
        )
    };
    let sql = format!(
        "UPDATE requests SET status = value->>'status', {}, verified_at = CAST(value->>'verified' AS BIGINT), {}, \
         log_count = CAST(value->>'count' AS BIGINT), log_hash = {} FROM {} WHERE requests.id = value->>'id'",
        since("completed", "completed_at"),
        since("ended", "ended_at"),
        connection.dialect().bytes("hash"),
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
