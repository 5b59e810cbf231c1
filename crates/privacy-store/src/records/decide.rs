//! What humans decide.

use jiff::Timestamp;
use segment_core::{
    AuditEntry, Decision, Finding, FindingCode, Gate, Outcome, Request, RequestId, Resume, Task, TaskEvent, TaskState,
    ports::StoreError,
};
use serde_json::json;
use sqlx::SqliteConnection;

use super::{
    RecordStore, errors,
    request_rows::{millis, write_findings, write_state},
    status,
};

impl RecordStore {
    pub(super) async fn do_decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        let mut tx = self.begin().await?;
        let Some((request, _)) = self.load(&mut tx, id).await? else { return Ok(None) };
        apply(&mut tx, &request, decision, at).await?;
        // Whoever works on it right now must not overwrite the decision.
        sqlx::query("UPDATE requests SET fence = fence + 1, lease_owner = NULL, lease_until = NULL WHERE id = $1")
            .bind(id.as_str())
            .execute(&mut *tx)
            .await
            .map_err(errors::database)?;
        status::refresh(&mut tx, id.as_str(), at).await?;
        let decided = self.load(&mut tx, id).await?;
        tx.commit().await.map_err(errors::database)?;
        Ok(decided.map(|(request, _)| request))
    }
}

async fn apply(
    connection: &mut SqliteConnection,
    request: &Request,
    decision: &Decision,
    at: Timestamp,
) -> Result<(), StoreError> {
    let id = request.id.as_str();
    let (step, facts) = match decision {
        Decision::Approve => {
            gate(connection, request, Gate::Open, None).await?;
            ("approved", json!({}))
        }
        Decision::Deny { reason } => {
            gate(connection, request, Gate::Denied, Some(reason)).await?;
            ("denied", json!({"reason": reason}))
        }
        Decision::Cancel => {
            let changed = each(connection, request, &TaskEvent::Cancel).await?;
            next(connection, id, None).await?;
            ("canceled", json!({"tasks": changed, "of": request.tasks.len()}))
        }
        Decision::Retry => {
            let halted = request.tasks.iter().any(|task| task.state.halt().is_some());
            let changed = if halted { each(connection, request, &TaskEvent::Retry).await? } else { 0 };
            for task in &request.tasks {
                reopen(connection, task, at).await?;
            }
            next(connection, id, Some(at)).await?;
            ("retried", json!({"tasks": changed}))
        }
        Decision::Settle { connection: key, note } => {
            let task = request.tasks.iter().find(|task| &task.connection == key);
            let task = task.ok_or_else(|| errors::misuse("the request has no task of this connection"))?;
            settle(connection, id, task).await?;
            // What stood still because of it goes on.
            next(connection, id, Some(at)).await?;
            ("settled", json!({"connection": key.as_str(), "note": note}))
        }
        Decision::Extend { reason } => {
            extend(connection, request, at).await?;
            ("extended", json!({"reason": reason}))
        }
        _ => return Err(errors::misuse("this decision is not known here")),
    };
    status::log(connection, id, &AuditEntry::new(at, step, facts)).await
}

async fn gate(
    connection: &mut SqliteConnection,
    request: &Request,
    gate: Gate,
    reason: Option<&str>,
) -> Result<(), StoreError> {
    if request.gate != Gate::Pending {
        return Err(errors::misuse(format!(
            "the request does not wait for approval, it is {}",
            request.status.as_str()
        )));
    }
    sqlx::query("UPDATE requests SET gate = $2, denied_reason = $3 WHERE id = $1")
        .bind(request.id.as_str())
        .bind(gate.as_str())
        .bind(reason)
        .execute(connection)
        .await
        .map_err(errors::database)?;
    Ok(())
}

/// Applies an event to every task that can take it.
async fn each(connection: &mut SqliteConnection, request: &Request, event: &TaskEvent) -> Result<usize, StoreError> {
    let mut changed = 0;
    for task in &request.tasks {
        if let Ok(state) = task.state.apply(event.clone()) {
            write_state(connection, request.id.as_str(), task.connection.as_str(), &state).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

async fn next(connection: &mut SqliteConnection, id: &str, at: Option<Timestamp>) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE requests SET next_at = CASE WHEN EXISTS \
         (SELECT 1 FROM tasks WHERE request_id = $1 AND state = 'queued') THEN COALESCE($2, next_at) END WHERE id = $1",
    )
    .bind(id)
    .bind(at.map(millis))
    .execute(&mut *connection)
    .await
    .map_err(errors::database)?;
    sqlx::query("UPDATE tasks SET attempts = 0 WHERE request_id = $1 AND state = 'queued'")
        .bind(id)
        .execute(connection)
        .await
        .map_err(errors::database)?;
    Ok(())
}

/// A task that goes on with its regulation takes everybody in it along: it is one regulation at Segment.
async fn reopen(connection: &mut SqliteConnection, task: &Task, at: Timestamp) -> Result<(), StoreError> {
    let resumes = task.state.halt().is_some_and(|halt| matches!(halt.resume, Resume::Sending | Resume::Awaiting));
    let (true, Some(intent)) = (resumes, &task.regulation) else { return Ok(()) };
    sqlx::query(
        "UPDATE regulations SET state = CASE WHEN regulation_id IS NULL THEN 'unknown' ELSE 'tracking' END, \
         next_at = $2, attempts = 0 WHERE intent = $1 AND state = 'halted'",
    )
    .bind(intent.as_str())
    .bind(millis(at))
    .execute(&mut *connection)
    .await
    .map_err(errors::database)?;
    let others: Vec<(String,)> = sqlx::query_as(
        "UPDATE tasks SET state = halt_resume, halt_kind = NULL, halt_message = NULL, halt_resume = NULL \
         WHERE intent = $1 AND state IN ('attention', 'error') AND halt_resume IN ('sending', 'awaiting') \
         RETURNING request_id",
    )
    .bind(intent.as_str())
    .fetch_all(&mut *connection)
    .await
    .map_err(errors::database)?;
    for (request,) in others {
        status::refresh(connection, &request, at).await?;
    }
    Ok(())
}

async fn settle(connection: &mut SqliteConnection, id: &str, task: &Task) -> Result<(), StoreError> {
    let state: TaskState = task.state.apply(TaskEvent::Complete(Outcome::Settled)).map_err(errors::misuse)?;
    write_state(connection, id, task.connection.as_str(), &state).await?;
    let mut findings = task.findings.clone();
    findings.insert(Finding::new(FindingCode::SettledByHand, "a human settled it; the note stands in the log"));
    sqlx::query("UPDATE tasks SET findings = $3 WHERE request_id = $1 AND connection = $2")
        .bind(id)
        .bind(task.connection.as_str())
        .bind(write_findings(&findings))
        .execute(connection)
        .await
        .map_err(errors::database)?;
    Ok(())
}

async fn extend(connection: &mut SqliteConnection, request: &Request, at: Timestamp) -> Result<(), StoreError> {
    let due = request.regime.extended(request.due_at);
    let done = sqlx::query("UPDATE requests SET due_at = $2, extended_at = $3 WHERE id = $1 AND extended_at IS NULL")
        .bind(request.id.as_str())
        .bind(millis(due))
        .bind(millis(at))
        .execute(connection)
        .await
        .map_err(errors::database)?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(errors::misuse("the deadline was lengthened before; the law allows it once"))
    }
}
