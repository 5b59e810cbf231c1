//! The steps of a regulation after its intent.

use std::collections::BTreeMap;

use segment_core::{
    ClaimScope, ConnectionKey, Due, Lease, LeaseSubject, LedgerUpdate, MemberChange, MemberNote, RegulationId,
    RegulationStatus, TaskEvent, TaskState, ports::StoreError,
};
use sqlx::SqliteConnection;

use super::{
    RecordStore, claim, errors, ledger_rows,
    request_rows::{TASK_COLUMNS, TaskRow, known, millis, number, read_findings, time, write_findings, write_state},
    scope, sealed, status,
};
use crate::crypto::Place;

impl RecordStore {
    pub(super) async fn do_save_regulation(&self, lease: &Lease, update: &LedgerUpdate) -> Result<(), StoreError> {
        let LeaseSubject::Regulation(intent) = &lease.subject else {
            return Err(errors::misuse("a step of a regulation needs the lease of a regulation"));
        };
        if &update.ledger.intent != intent {
            return Err(errors::misuse("the lease is of another regulation"));
        }
        let mut tx = self.begin().await?;
        claim::give_back(&mut tx, lease).await?;
        self.write_ledger(&mut tx, update).await?;
        change_members(&mut tx, intent.as_str(), update).await?;
        tx.commit().await.map_err(errors::database)
    }

    async fn write_ledger(&self, connection: &mut SqliteConnection, update: &LedgerUpdate) -> Result<(), StoreError> {
        let ledger = &update.ledger;
        let intent = ledger.intent.as_str();
        let (wrapped,): (Option<Vec<u8>>,) = sqlx::query_as("SELECT data_key FROM regulations WHERE intent = $1")
            .bind(intent)
            .fetch_one(&mut *connection)
            .await
            .map_err(errors::database)?;
        let key = wrapped.map(|wrapped| ledger_rows::data_key(&self.keys, intent, &wrapped)).transpose()?;
        let destinations = key.filter(|_| !ledger.destinations.is_empty()).map(|key| {
            let plain = sealed::write_destinations(&ledger.destinations);
            key.seal(self.keys.random.as_ref(), Place(ledger_rows::DESTINATIONS, intent), &plain)
        });
        let absent = if update.absent { Some(claim::store_now(connection).await?) } else { None };
        sqlx::query(
            "UPDATE regulations SET state = $2, regulation_id = $3, status = $4, absent_at = COALESCE(absent_at, $5), \
             accepted_at = $6, finished_at = $7, next_at = $8, attempts = $9, looks = $10, \
             destinations = COALESCE($11, destinations) WHERE intent = $1",
        )
        .bind(intent)
        .bind(ledger.state.as_str())
        .bind(ledger.regulation.as_ref().map(RegulationId::as_str))
        .bind(ledger.status.as_ref().map(RegulationStatus::as_str))
        .bind(absent)
        .bind(ledger.accepted_at.map(millis))
        .bind(ledger.finished_at.map(millis))
        .bind(ledger.next_at.map(millis))
        .bind(i64::from(ledger.attempts))
        .bind(i64::from(ledger.looks))
        .bind(destinations)
        .execute(connection)
        .await
        .map_err(errors::database)?;
        Ok(())
    }

    pub(super) async fn do_is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError> {
        let row: Option<(i64,)> =
            sqlx::query_as("SELECT 1 FROM regulations WHERE connection = $1 AND regulation_id = $2")
                .bind(connection.as_str())
                .bind(id.as_str())
                .fetch_optional(&self.reader)
                .await
                .map_err(errors::database)?;
        Ok(row.is_some())
    }

    pub(super) async fn do_next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError> {
        let regulations = |states| {
            format!(
                "SELECT COALESCE(next_at, created_at) AS at FROM regulations g WHERE state IN ({states}) \
                 AND ($1 IS NULL OR EXISTS (SELECT 1 FROM regulation_members m WHERE m.intent = g.intent \
                     AND m.request_id IN (SELECT value FROM json_each($1))))"
            )
        };
        let (sent, followed) = (regulations("'sending', 'unknown'"), regulations("'tracking', 'looking'"));
        let sql = format!(
            "SELECT (SELECT MIN(at) FROM (SELECT next_at AS at FROM requests r WHERE next_at IS NOT NULL \
                 AND gate = 'open' AND {not_waiting} AND ($1 IS NULL OR id IN (SELECT value FROM json_each($1))) \
                 UNION ALL {sent})), (SELECT MIN(at) FROM ({followed}))",
            not_waiting = claim::not_waiting()
        );
        let (before, after): (Option<i64>, Option<i64>) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(scope::parameter(scope))
            .fetch_one(&self.reader)
            .await
            .map_err(errors::database)?;
        Ok(Due { before_acceptance: before.map(time), after_acceptance: after.map(time) })
    }
}

/// Applies what a step means for the people in the regulation. Tasks that a human settled meanwhile stay as they are.
async fn change_members(
    connection: &mut SqliteConnection,
    intent: &str,
    update: &LedgerUpdate,
) -> Result<(), StoreError> {
    let notes: BTreeMap<&str, &MemberNote> = update.notes.iter().map(|note| (note.request.as_str(), note)).collect();
    if update.members == MemberChange::None && notes.is_empty() && update.audit.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE intent = $1 ORDER BY request_id");
    let rows: Vec<TaskRow> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(intent)
        .fetch_all(&mut *connection)
        .await
        .map_err(errors::database)?;
    for row in rows {
        let note = notes.get(row.request_id.as_str()).copied();
        let event = note.and_then(|note| note.event.clone()).or_else(|| match &update.members {
            MemberChange::All(event) => Some(event.clone()),
            MemberChange::Requeue { .. } => Some(TaskEvent::Requeue),
            _ => None,
        });
        let request = row.request_id.clone();
        let mut changed = note.is_some();
        if let Some(event) = event {
            changed |= move_member(connection, &row, event, &update.members).await?;
        }
        if let Some(note) = note {
            note_member(connection, row, note).await?;
        }
        for entry in &update.audit {
            status::log(connection, &request, entry).await?;
        }
        if changed {
            status::refresh(connection, &request, update.at).await?;
        }
    }
    Ok(())
}

async fn move_member(
    connection: &mut SqliteConnection,
    row: &TaskRow,
    event: TaskEvent,
    change: &MemberChange,
) -> Result<bool, StoreError> {
    let before = row.state()?;
    if !matches!(before, TaskState::Sending | TaskState::Awaiting) {
        return Ok(false);
    }
    let after = before.apply(event).map_err(errors::misuse)?;
    write_state(connection, &row.request_id, row.connection(), &after).await?;
    if let MemberChange::Requeue { max_people: Some(most) } = change {
        sqlx::query("UPDATE tasks SET max_people = $3 WHERE request_id = $1 AND connection = $2")
            .bind(&row.request_id)
            .bind(row.connection())
            .bind(number(*most))
            .execute(connection)
            .await
            .map_err(errors::database)?;
    }
    Ok(true)
}

async fn note_member(connection: &mut SqliteConnection, row: TaskRow, note: &MemberNote) -> Result<(), StoreError> {
    let mut findings = known(read_findings(row.findings()), "tasks.findings", &row.request_id)?;
    findings.extend(note.findings.iter().cloned());
    sqlx::query(
        "UPDATE tasks SET findings = $3, verified_at = COALESCE(verified_at, $4) WHERE request_id = $1 AND connection = $2",
    )
    .bind(&row.request_id)
    .bind(row.connection())
    .bind(write_findings(&findings))
    .bind(note.verified_at.map(millis))
    .execute(connection)
    .await
    .map_err(errors::database)?;
    Ok(())
}
