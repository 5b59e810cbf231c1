//! What humans decide.

use jiff::Timestamp;
use segment_core::{
    AuditEntry, Decision, Finding, FindingCode, Gate, Outcome, Request, RequestId, Resume, Task, TaskEvent, TaskState,
    ports::StoreError,
};
use serde_json::json;

use super::{
    RecordStore,
    db::{Db, args},
    errors,
    request_rows::{millis, write_findings, write_state},
    status,
};

impl RecordStore {
    pub(super) async fn do_decide(
        &self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        let mut tx = self.begin().await?;
        let Some((request, _)) = self.load(&mut tx, id).await? else { return Ok(None) };
        if decision.is_retry() && request.identities.is_none() {
            return Err(errors::misuse("what names the person was destroyed when its time was over: ask anew"));
        }
        let mut told = apply(&mut tx, &request, decision, at).await?;
        told.facts["by"] = by.into();
        // Whoever works on it right now must not overwrite the decision.
        tx.execute(
            "UPDATE requests SET fence = fence + 1, lease_owner = NULL, lease_until = NULL, tries = 0 WHERE id = $1",
            args![id.as_str()],
        )
        .await?;
        status::refresh(&mut tx, id.as_str(), &[told], at).await?;
        let decided = self.load(&mut tx, id).await?;
        tx.hint().await?;
        tx.commit().await?;
        Ok(decided.map(|(request, _)| request))
    }
}

/// Applies it, and answers with what to tell.
async fn apply(
    connection: &mut Db,
    request: &Request,
    decision: &Decision,
    at: Timestamp,
) -> Result<AuditEntry, StoreError> {
    let id = request.id.as_str();
    let (step, facts) = match decision {
        Decision::Approve => {
            gate(connection, request, Gate::Open, None).await?;
            ("approved", json!({}))
        }
        Decision::Deny { reason } => {
            gate(connection, request, Gate::Denied, Some(reason.expose())).await?;
            ("denied", json!({"reason": reason.expose()}))
        }
        Decision::Cancel => {
            let changed = each(connection, request, &TaskEvent::Cancel).await?;
            next(connection, id, None).await?;
            ("canceled", json!({"tasks": changed, "of": request.tasks.len()}))
        }
        Decision::Retry | Decision::RetryAlone => {
            if *decision == Decision::RetryAlone {
                let sql = "UPDATE tasks SET max_people = 1 WHERE request_id = $1 AND halt_resume IS NOT NULL";
                connection.execute(sql, args![id]).await?;
            }
            // What waits for a regulation again waits, and is counted, from now on.
            let sql = "UPDATE tasks SET resolved_at = $2 WHERE request_id = $1 AND halt_resume = 'resolved'";
            connection.execute(sql, args![id, millis(at)]).await?;
            // Whoever says "again" has seen to the quota, too.
            let sql = "UPDATE regulations SET rests_until = NULL WHERE rests_until IS NOT NULL AND intent IN \
                (SELECT intent FROM regulation_members WHERE request_id = $1)";
            connection.execute(sql, args![id]).await?;
            let halted = request.tasks.iter().any(|task| task.state.halt().is_some());
            let changed = if halted { each(connection, request, &TaskEvent::Retry).await? } else { 0 };
            for task in &request.tasks {
                reopen(connection, task, at).await?;
            }
            next(connection, id, Some(at)).await?;
            ("retried", json!({"tasks": changed, "alone": *decision == Decision::RetryAlone}))
        }
        Decision::Settle { connection: key, note } => {
            let task = request.tasks.iter().find(|task| &task.connection == key);
            let task = task.ok_or_else(|| errors::misuse("the request has no task of this connection"))?;
            settle(connection, id, task).await?;
            // What stood still because of it goes on.
            next(connection, id, Some(at)).await?;
            ("settled", json!({"connection": key.as_str(), "note": note.expose()}))
        }
        Decision::Extend { reason } => {
            extend(connection, request, at).await?;
            ("extended", json!({"reason": reason.expose()}))
        }
        _ => return Err(errors::misuse("this decision is not known here")),
    };
    Ok(AuditEntry::new(at, step, facts))
}

async fn gate(connection: &mut Db, request: &Request, gate: Gate, reason: Option<&str>) -> Result<(), StoreError> {
    if request.gate != Gate::Pending {
        return Err(errors::misuse(format!(
            "the request does not wait for approval, it is {}",
            request.status.as_str()
        )));
    }
    connection
        .execute(
            "UPDATE requests SET gate = $2, denied_reason = $3 WHERE id = $1",
            args![request.id.as_str(), gate.as_str(), reason],
        )
        .await?;
    Ok(())
}

/// Applies a decision to every task that can take it.
async fn each(connection: &mut Db, request: &Request, event: &TaskEvent) -> Result<usize, StoreError> {
    let mut changed = 0;
    for task in &request.tasks {
        if let Some(state) = request.decided(task, event) {
            write_state(connection, request.id.as_str(), task.connection.as_str(), &state).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

async fn next(connection: &mut Db, id: &str, at: Option<Timestamp>) -> Result<(), StoreError> {
    connection
        .execute(
            "UPDATE requests SET next_at = CASE WHEN EXISTS \
         (SELECT 1 FROM tasks WHERE request_id = $1 AND state = 'queued') THEN COALESCE($2, next_at) END WHERE id = $1",
            args![id, at.map(millis)],
        )
        .await?;
    connection.execute("UPDATE tasks SET attempts = 0 WHERE request_id = $1 AND state = 'queued'", args![id]).await?;
    Ok(())
}

/// A task that goes on with its regulation takes everybody in it along: it is one regulation at Segment.
async fn reopen(connection: &mut Db, task: &Task, at: Timestamp) -> Result<(), StoreError> {
    let resumes = task.state.halt().is_some_and(|halt| matches!(halt.resume, Resume::Sending | Resume::Awaiting));
    let (true, Some(intent)) = (resumes, &task.regulation) else { return Ok(()) };
    connection
        .execute(
            "UPDATE regulations SET state = CASE WHEN regulation_id IS NULL THEN 'unknown' ELSE 'tracking' END, \
         next_at = $2, attempts = 0 WHERE intent = $1 AND state = 'halted'",
            args![intent.as_str(), millis(at)],
        )
        .await?;
    let others: Vec<(String,)> = connection
        .all(
            "UPDATE tasks SET state = halt_resume, halt_kind = NULL, halt_message = NULL, halt_resume = NULL \
         WHERE intent = $1 AND state IN ('attention', 'error') AND halt_resume IN ('sending', 'awaiting') \
         RETURNING request_id",
            args![intent.as_str()],
        )
        .await?;
    for (request,) in others {
        status::refresh(connection, &request, &[], at).await?;
    }
    Ok(())
}

async fn settle(connection: &mut Db, id: &str, task: &Task) -> Result<(), StoreError> {
    let state: TaskState = task.state.apply(TaskEvent::Complete(Outcome::Settled)).map_err(errors::misuse)?;
    write_state(connection, id, task.connection.as_str(), &state).await?;
    let mut findings = task.findings.clone();
    findings.insert(Finding::new(FindingCode::SettledByHand, "a human settled it; the note stands in the log"));
    connection
        .execute(
            "UPDATE tasks SET findings = $3 WHERE request_id = $1 AND connection = $2",
            args![id, task.connection.as_str(), write_findings(&findings)],
        )
        .await?;
    Ok(())
}

async fn extend(connection: &mut Db, request: &Request, at: Timestamp) -> Result<(), StoreError> {
    if request.status.is_over() {
        return Err(errors::misuse(format!("the request is over: it is {}", request.status.as_str())));
    }
    let due = request.regime.extended(request.due_at);
    let done = connection
        .execute(
            "UPDATE requests SET due_at = $2, extended_at = $3 WHERE id = $1 AND extended_at IS NULL",
            args![request.id.as_str(), millis(due), millis(at)],
        )
        .await?;
    if done == 1 { Ok(()) } else { Err(errors::misuse("the deadline was lengthened before; the law allows it once")) }
}
