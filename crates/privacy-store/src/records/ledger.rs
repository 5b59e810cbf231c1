//! The steps of a regulation after its intent.

use std::collections::BTreeMap;

use segment_core::{
    ClaimScope, ConnectionKey, Due, Lease, LeaseSubject, LedgerUpdate, MemberChange, MemberNote, Outcome, RegulationId,
    RegulationStatus, TaskEvent, TaskState, ports::StoreError,
};
use serde_json::json;
use sqlx::FromRow;

use super::{
    RecordStore, claim,
    db::{Db, args},
    errors,
    journal::{self, End, Of},
    ledger_rows,
    request_rows::{TASK_COLUMNS, TaskRow, known, millis, number, read_findings, time, write_findings},
    scope, sealed, status,
};
use crate::crypto::Place;

/// What is read of a regulation before a step of it is written.
#[derive(FromRow)]
struct BeforeRow {
    data_key: Option<Vec<u8>>,
    #[sqlx(flatten)]
    log: End,
}

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
        let sql = "SELECT data_key, log_count, log_hash FROM regulations WHERE intent = $1";
        let BeforeRow { data_key: wrapped, log } = connection.one(sql, args![intent]).await?;
        // It happens to everybody in it, and is told once.
        let mut told = Of::Regulation(intent).from(&log);
        for entry in &update.audit {
            told.tell(entry);
        }
        let key = wrapped.map(|wrapped| ledger_rows::data_key(&self.keys, intent, &wrapped)).transpose()?;
        let destinations = key.filter(|_| !ledger.destinations.is_empty()).map(|key| {
            let plain = sealed::write_destinations(&ledger.destinations);
            key.seal(self.keys.random.as_ref(), Place(ledger_rows::DESTINATIONS, intent), &plain)
        });
        let absent = if update.absent { Some(claim::store_now(connection).await?) } else { None };
        connection.execute("UPDATE regulations SET state = $2, regulation_id = $3, status = $4, absent_at = COALESCE(absent_at, $5), \
             accepted_at = $6, finished_at = $7, next_at = $8, attempts = $9, looks = $10, \
             destinations = COALESCE($11, destinations), rests_until = $12, \
             log_count = $13, log_hash = $14 WHERE intent = $1", args![intent, ledger.state.as_str(), ledger.regulation.as_ref().map(RegulationId::as_str), ledger.status.as_ref().map(RegulationStatus::as_str), absent, ledger.accepted_at.map(millis), ledger.finished_at.map(millis), ledger.next_at.map(millis), i64::from(ledger.attempts), i64::from(ledger.looks), destinations, ledger.rests_until.map(millis), told.count(), told.hash()]).await?;
        journal::append(connection, &told.into_rows()).await
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
    if update.members == MemberChange::None && notes.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT {TASK_COLUMNS} FROM tasks WHERE intent = $1 ORDER BY request_id");
    let rows: Vec<TaskRow> = connection.all(&sql, args![intent]).await?;
    let (mut changes, mut changed) = (Vec::new(), Vec::new());
    for row in &rows {
        let note = notes.get(row.request_id.as_str()).copied();
        let event = note.and_then(|note| note.event.clone()).or_else(|| match &update.members {
            MemberChange::All(event) => Some(event.clone()),
            MemberChange::Requeue { .. } => Some(TaskEvent::Requeue),
            _ => None,
        });
        let after = event.map(|event| moved(row, event)).transpose()?.flatten();
        if after.is_some() || note.is_some() {
            changes.push(change(row, after.as_ref(), note, &update.members)?);
            changed.push(row.request_id.clone());
        }
    }
    write_changes(connection, &changes).await?;
    status::refresh_all(connection, &changed, update.at).await
}

/// Where the task stands after an event; `None` if a human settled it meanwhile.
fn moved(row: &TaskRow, event: TaskEvent) -> Result<Option<TaskState>, StoreError> {
    let before = row.state()?;
    if !matches!(before, TaskState::Sending | TaskState::Awaiting) {
        return Ok(None);
    }
    before.apply(event).map(Some).map_err(errors::misuse)
}

/// What is written of one task: where it stands, if that changes, and what a person has to know.
fn change(
    row: &TaskRow,
    after: Option<&TaskState>,
    note: Option<&MemberNote>,
    members: &MemberChange,
) -> Result<String, StoreError> {
    let most = match members {
        MemberChange::Requeue { max_people } if after.is_some() => max_people.map(number),
        _ => None,
    };
    let findings = match note {
        Some(note) => {
            let mut findings = known(read_findings(row.findings()), "tasks.findings", &row.request_id)?;
            findings.extend(note.findings.iter().cloned());
            Some(write_findings(&findings))
        }
        None => None,
    };
    let halt = after.and_then(TaskState::halt);
    let change = json!({
        "request": row.request_id, "connection": row.connection(), "max_people": most, "findings": findings,
        "verified": note.and_then(|note| note.verified_at).map(millis),
        "state": after.map(TaskState::as_str), "outcome": after.and_then(TaskState::outcome).map(Outcome::as_str),
        "halt_kind": halt.map(|halt| halt.kind.as_str()), "halt_message": halt.map(|halt| &halt.message),
        "halt_resume": halt.map(|halt| halt.resume.as_str()),
    });
    Ok(change.to_string())
}

async fn write_changes(connection: &mut Db, changes: &[String]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let moved = |column: &str| {
        format!("{column} = CASE WHEN value->>'state' IS NULL THEN {column} ELSE value->>'{column}' END")
    };
    let sql = format!(
        "UPDATE tasks SET {}, {}, {}, {}, {}, max_people = CASE WHEN max_people <= CAST(value->>'max_people' AS BIGINT) THEN max_people \
         ELSE COALESCE(CAST(value->>'max_people' AS BIGINT), max_people) END, \
         findings = COALESCE(value->>'findings', findings), \
         verified_at = COALESCE(verified_at, CAST(value->>'verified' AS BIGINT)) \
         FROM {} WHERE request_id = value->>'request' AND connection = value->>'connection'",
        moved("state"),
        moved("outcome"),
        moved("halt_kind"),
        moved("halt_message"),
        moved("halt_resume"),
        connection.dialect().rows("$1")
    );
    connection.execute(&sql, args![scope::rows(changes)]).await.map(drop)
}
