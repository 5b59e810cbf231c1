//! The steps of a regulation after its intent.

use std::collections::BTreeMap;

use segment_core::{
    ClaimScope, ConnectionKey, Due, Lease, LeaseSubject, LedgerUpdate, MemberChange, MemberNote, RegulationId,
    RegulationStatus, TaskEvent, TaskState, ports::StoreError,
};

use super::{
    RecordStore, claim,
    db::{Db, args},
    errors, ledger_rows,
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
        tx.commit().await
    }

    async fn write_ledger(&self, connection: &mut Db, update: &LedgerUpdate) -> Result<(), StoreError> {
        let ledger = &update.ledger;
        let intent = ledger.intent.as_str();
        let (wrapped,): (Option<Vec<u8>>,) =
            connection.one("SELECT data_key FROM regulations WHERE intent = $1", args![intent]).await?;
        let key = wrapped.map(|wrapped| ledger_rows::data_key(&self.keys, intent, &wrapped)).transpose()?;
        let destinations = key.filter(|_| !ledger.destinations.is_empty()).map(|key| {
            let plain = sealed::write_destinations(&ledger.destinations);
            key.seal(self.keys.random.as_ref(), Place(ledger_rows::DESTINATIONS, intent), &plain)
        });
        let absent = if update.absent { Some(claim::store_now(connection).await?) } else { None };
        connection.execute("UPDATE regulations SET state = $2, regulation_id = $3, status = $4, absent_at = COALESCE(absent_at, $5), \
             accepted_at = $6, finished_at = $7, next_at = $8, attempts = $9, looks = $10, \
             destinations = COALESCE($11, destinations) WHERE intent = $1", args![intent, ledger.state.as_str(), ledger.regulation.as_ref().map(RegulationId::as_str), ledger.status.as_ref().map(RegulationStatus::as_str), absent, ledger.accepted_at.map(millis), ledger.finished_at.map(millis), ledger.next_at.map(millis), i64::from(ledger.attempts), i64::from(ledger.looks), destinations]).await?;
        Ok(())
    }

    pub(super) async fn do_is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = self
            .read()
            .await?
            .optional(
                "SELECT CAST(1 AS BIGINT) FROM regulations WHERE connection = $1 AND regulation_id = $2",
                args![connection.as_str(), id.as_str()],
            )
            .await?;
        Ok(row.is_some())
    }

    pub(super) async fn do_next_due(&self, scope: &ClaimScope) -> Result<Due, StoreError> {
        let mut db = self.read().await?;
        let in_scope = scope::of_regulation(db.dialect(), "$1");
        let regulations = |states| {
            format!(
                "SELECT COALESCE(next_at, created_at) AS moment FROM regulations g WHERE state IN ({states}) AND {in_scope}"
            )
        };
        let (sent, followed) = (regulations("'sending', 'unknown'"), regulations("'tracking', 'looking'"));
        let sql = format!(
            "SELECT (SELECT MIN(moment) FROM (SELECT next_at AS moment FROM requests r WHERE next_at IS NOT NULL \
                 AND gate = 'open' AND {not_waiting} AND {request_in_scope} UNION ALL {sent}) AS before), \
             (SELECT MIN(moment) FROM ({followed}) AS after)",
            not_waiting = claim::not_waiting(),
            request_in_scope = db.dialect().within("r.id", "$1"),
        );
        let (before, after): (Option<i64>, Option<i64>) = db.one(&sql, args![scope::parameter(scope)]).await?;
        Ok(Due { before_acceptance: before.map(time), after_acceptance: after.map(time) })
    }
}

/// Applies what a step means for the people in the regulation. Tasks that a human settled meanwhile stay as they are.
async fn change_members(connection: &mut Db, intent: &str, update: &LedgerUpdate) -> Result<(), StoreError> {
    let notes: BTreeMap<&str, &MemberNote> = update.notes.iter().map(|note| (note.request.as_str(), note)).collect();
    if update.members == MemberChange::None && notes.is_empty() && update.audit.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE intent = $1 ORDER BY request_id");
    let rows: Vec<TaskRow> = connection.all(&sql, args![intent]).await?;
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
    connection: &mut Db,
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
        connection
            .execute(
                "UPDATE tasks SET max_people = $3 WHERE request_id = $1 AND connection = $2",
                args![&row.request_id, row.connection(), number(*most)],
            )
            .await?;
    }
    Ok(true)
}

async fn note_member(connection: &mut Db, row: TaskRow, note: &MemberNote) -> Result<(), StoreError> {
    let mut findings = known(read_findings(row.findings()), "tasks.findings", &row.request_id)?;
    findings.extend(note.findings.iter().cloned());
    connection.execute("UPDATE tasks SET findings = $3, verified_at = COALESCE(verified_at, $4) WHERE request_id = $1 AND connection = $2", args![&row.request_id, row.connection(), write_findings(&findings), note.verified_at.map(millis)]).await?;
    Ok(())
}
