//! What waits for a regulation, and closing a batch into an intent, within the month's quota.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use segment_core::{
    AuditEntry, Backlog, ClaimScope, ConnectionKey, Intended, IntentPlan, MAX_SUBJECTS, Pii, QuotaCategory,
    RegulationType, TaskEvent, TaskState, ports::StoreError,
};
use sqlx::FromRow;

use super::{
    RecordStore, claim,
    db::{Db, args},
    errors,
    journal::{self, Of},
    ledger_rows,
    request_rows::{TASK_COLUMNS, TaskRow, count, known, millis, number, time},
    scope, sealed,
};
use crate::crypto::Place;

#[derive(FromRow)]
struct BacklogRow {
    connection: String,
    kind: String,
    source: Option<String>,
    people: i64,
    subjects: i64,
    since: i64,
    resolvable: bool,
}

#[derive(FromRow)]
struct WaitingRow {
    request_id: String,
    user_ids: i64,
    max_people: Option<i64>,
    due_at: i64,
}

/// The people picked for a regulation, and their user ids.
#[derive(Default)]
struct Batch {
    requests: Vec<String>,
    subjects: BTreeSet<Pii<String>>,
}

impl RecordStore {
    pub(super) async fn do_backlog(&self, scope: &ClaimScope, at: Timestamp) -> Result<Vec<Backlog>, StoreError> {
        let mut db = self.read().await?;
        // Resolvable: an erasure that has this connection is due or being resolved right now.
        let sql = format!(
            "SELECT t.connection AS connection, t.kind AS kind, t.source AS source, COUNT(*) AS people, CAST(SUM(t.user_ids) AS BIGINT) AS subjects, \
             MIN(t.resolved_at) AS since, EXISTS (SELECT 1 FROM tasks q JOIN requests r ON r.id = q.request_id \
                 WHERE q.connection = t.connection AND q.state = 'queued' AND r.action <> 'access' \
                 AND r.gate = 'open' AND r.next_at <= $2 AND {not_waiting} \
                 AND {request_in_scope}) AS resolvable \
             FROM tasks t WHERE t.state = 'resolved' \
             AND {task_in_scope} GROUP BY t.connection, t.kind, t.source",
            not_waiting = claim::not_waiting(),
            request_in_scope = db.dialect().within("r.id", "$1"),
            task_in_scope = db.dialect().within("t.request_id", "$1"),
        );
        let rows: Vec<BacklogRow> = db.all(&sql, args![scope::parameter(scope), millis(at)]).await?;
        let rests = if rows.is_empty() { BTreeMap::new() } else { rests(&mut db, at).await? };
        let read = |row: BacklogRow| Backlog {
            rests_until: rests.get(&(row.connection.clone(), RegulationType::parse(&row.kind).quota())).copied(),
            connection: ConnectionKey::new(row.connection),
            kind: RegulationType::parse(&row.kind),
            source: row.source,
            people: count(row.people),
            subjects: count(row.subjects),
            since: time(row.since),
            resolvable: row.resolvable,
        };
        Ok(rows.into_iter().map(read).collect())
    }

    pub(super) async fn do_intend(&self, plan: &IntentPlan) -> Result<Intended, StoreError> {
        let mut tx = self.begin_locking().await?;
        // The quota is one sum for all workers.
        tx.lock(plan.connection.as_str()).await?;
        let Some(batch) = self.pick(&mut tx, plan).await? else { return Ok(Intended::Nothing) };
        if batch.requests.is_empty() {
            return Ok(Intended::OverQuota);
        }
        self.insert_intent(&mut tx, plan, &batch).await?;
        let requests = scope::list(batch.requests.iter().map(String::as_str));
        join(&mut tx, plan, &requests).await?;
        let claimed = self.claimed_ledger(&mut tx, plan.intent.as_str(), &plan.owner, plan.lease).await?;
        tx.commit().await?;
        Ok(Intended::Recorded(Box::new(claimed)))
    }

    /// By deadline, until one of the limits is reached. A person's ids are not split. `None` when nobody waits.
    async fn pick(&self, connection: &mut Db, plan: &IntentPlan) -> Result<Option<Batch>, StoreError> {
        let sql = format!(
            "SELECT t.request_id, t.user_ids, t.max_people, r.due_at FROM tasks t JOIN requests r ON r.id = t.request_id \
             WHERE t.state = 'resolved' AND t.connection = $1 AND t.kind = $2 AND COALESCE(t.source, '') = $5 \
             AND {in_scope} \
             ORDER BY r.due_at, r.id LIMIT $4 {all}",
            all = connection.dialect().take_all("t"),
            in_scope = connection.dialect().within("r.id", "$3")
        );
        let waiting: Vec<WaitingRow> = connection
            .all(
                &sql,
                args![
                    plan.connection.as_str(),
                    plan.kind.as_str(),
                    scope::parameter(&plan.scope),
                    number(MAX_SUBJECTS as u64),
                    plan.source.as_deref().unwrap_or_default()
                ],
            )
            .await?;
        let mut known = self.user_ids(connection, plan, &waiting).await?;
        // What does not open waits, and keeps nobody from the others.
        let waiting: Vec<_> = waiting.into_iter().filter(|row| known.contains_key(&row.request_id)).collect();
        if waiting.is_empty() {
            return Ok(None);
        }
        let used = submitted(connection, &plan.connection, plan.kind.quota(), plan.quota.since).await?;
        let urgent = urgent(connection, plan).await?;
        let left = |row: &WaitingRow| {
            let kept = if time(row.due_at) < plan.quota.urgent_before { 0 } else { plan.quota.reserve.min(urgent) };
            plan.quota.users.saturating_sub(kept).saturating_sub(used)
        };
        let part = part_to_send(&waiting, |row| count(row.user_ids) <= left(row));
        let waiting: Vec<_> = waiting.into_iter().filter(|row| row.max_people == part).collect();
        let mut batch = Batch::default();
        let mut bytes = 2;
        for row in waiting {
            let subjects = batch.subjects.len() as u64 + count(row.user_ids);
            let first = batch.requests.is_empty();
            let most = part.is_some_and(|most| batch.requests.len() as u64 >= count(most));
            if subjects > left(&row) || most || (subjects > plan.max_subjects && !first) {
                break;
            }
            let ids = known.remove(&row.request_id).unwrap_or_default();
            bytes += ids.iter().map(json_bytes).sum::<u64>();
            if bytes > plan.max_bytes && !first {
                break;
            }
            batch.subjects.extend(ids);
            batch.requests.push(row.request_id);
        }
        Ok(Some(batch))
    }

    /// The user ids of each request that waits, but for those that do not open: whoever is asked for by name is told.
    async fn user_ids(
        &self,
        connection: &mut Db,
        plan: &IntentPlan,
        waiting: &[WaitingRow],
    ) -> Result<BTreeMap<String, BTreeSet<Pii<String>>>, StoreError> {
        let requests = scope::list(waiting.iter().map(|row| row.request_id.as_str()));
        let keys = self.request_keys(connection, &requests).await?;
        let sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE connection = $2 AND {}",
            connection.dialect().listed("request_id", "$1")
        );
        let rows: Vec<TaskRow> = connection.all(&sql, args![&requests, plan.connection.as_str()]).await?;
        let ids = |row: TaskRow| {
            let request = row.request_id.clone();
            let task = row.read(keys.get(&request))?;
            let resolution = task.resolution.filter(|resolution| !resolution.user_ids.is_empty());
            let user_ids = known(resolution, "tasks.sealed", &request)?.user_ids;
            Ok((request, user_ids))
        };
        let read = rows.into_iter().map(ids);
        match plan.scope {
            ClaimScope::All => Ok(read.filter_map(|one| one.inspect_err(claim::passed_over).ok()).collect()),
            _ => read.collect(),
        }
    }

    async fn insert_intent(&self, connection: &mut Db, plan: &IntentPlan, batch: &Batch) -> Result<(), StoreError> {
        let intent = plan.intent.as_str();
        let random = self.keys.random.as_ref();
        let (key, wrapped) = self.keys.master.new_data_key(random, Place(ledger_rows::DATA_KEY, intent));
        let plain = sealed::write_subjects(&batch.subjects);
        let send_by = claim::store_now(connection).await? + claim::lease_millis(plan.send_within);
        let facts = serde_json::json!({
            "intent": intent, "connection": plan.connection.as_str(), "type": plan.kind.as_str(),
            "people": batch.requests.len(), "subjects": batch.subjects.len(),
        });
        let mut told = Of::Regulation(intent).begun();
        told.tell(&AuditEntry::new(plan.at, "intended", facts));
        connection.execute("INSERT INTO regulations (intent, connection, kind, source, state, subject_count, created_at, send_by, data_key, \
             sealed, log_count, log_hash) VALUES ($1, $2, $3, $4, 'sending', $5, $6, $7, $8, $9, $10, $11)", args![intent, plan.connection.as_str(), plan.kind.as_str(), plan.source.as_deref(), number(batch.subjects.len() as u64), millis(plan.at), send_by, wrapped, key.seal(random, Place(ledger_rows::SEALED, intent), &plain), told.count(), told.hash()]).await?;
        journal::append(connection, &told.into_rows()).await
    }

    pub(super) async fn do_submitted(
        &self,
        connection: &ConnectionKey,
        category: QuotaCategory,
        since: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut db = self.read().await?;
        submitted(&mut db, connection, category, since).await
    }
}

/// Until when Segment asked to wait, by connection and category.
async fn rests(db: &mut Db, at: Timestamp) -> Result<BTreeMap<(String, QuotaCategory), Timestamp>, StoreError> {
    let sql = "SELECT connection, kind, rests_until FROM regulations WHERE rests_until > $1 ORDER BY rests_until";
    let rows: Vec<(String, String, i64)> = db.all(sql, args![millis(at)]).await?;
    let rest = |(connection, kind, until): (String, String, i64)| {
        ((connection, RegulationType::parse(&kind).quota()), time(until))
    };
    Ok(rows.into_iter().map(rest).collect())
}

/// How many people the regulation may hold: parts of a refused batch go the larger ones first, so that a part is tried next
/// to its other half. A part for which the month has no room keeps back no smaller one, whose people may be more urgent.
fn part_to_send(waiting: &[WaitingRow], has_room: impl Fn(&WaitingRow) -> bool) -> Option<i64> {
    let own = waiting.first()?.max_people?;
    let first_of_part = waiting.iter().rev().filter_map(|row| Some((row.max_people?, row)));
    let mut parts = first_of_part.collect::<BTreeMap<_, _>>().into_iter().rev();
    Some(parts.find(|(_, row)| has_room(row)).map_or(own, |(most, _)| most))
}

/// Makes the tasks of the listed requests part of an intent.
async fn join(connection: &mut Db, plan: &IntentPlan, requests: &str) -> Result<(), StoreError> {
    let (intent, key) = (plan.intent.as_str(), plan.connection.as_str());
    let state = TaskState::Resolved.apply(TaskEvent::Intend).map_err(errors::misuse)?;
    let dialect = connection.dialect();
    // An earlier regulation's read-back says nothing of this one.
    let sql = format!(
        "UPDATE tasks SET state = $4, outcome = NULL, halt_kind = NULL, halt_message = NULL, halt_resume = NULL, \
         intent = $3, verified_at = NULL WHERE connection = $2 AND {}",
        dialect.listed("request_id", "$1")
    );
    connection.execute(&sql, args![requests, key, intent, state.as_str()]).await?;
    let sql = format!(
        "INSERT INTO regulation_members (intent, request_id, connection) SELECT $3, id, $2 FROM ({}) AS m",
        dialect.each("$1")
    );
    connection.execute(&sql, args![requests, key, intent]).await?;
    Ok(())
}

/// People who cannot wait for the next month, and of whom it is not known yet who they are.
async fn urgent(db: &mut Db, plan: &IntentPlan) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM requests r JOIN tasks t ON t.request_id = r.id WHERE r.next_at IS NOT NULL \
        AND r.gate = 'open' AND r.action = 'erasure' AND r.due_at < $2 AND t.connection = $1 AND t.state = 'queued'";
    let (people,): (i64,) = db.one(sql, args![plan.connection.as_str(), millis(plan.quota.urgent_before)]).await?;
    Ok(count(people))
}

/// User ids sent, or perhaps sent, since the moment.
async fn submitted(
    db: &mut Db,
    connection: &ConnectionKey,
    category: QuotaCategory,
    since: Timestamp,
) -> Result<u64, StoreError> {
    // A refused or unsent one is closed without Segment's id: it took nothing from the quota.
    let rows: Vec<(String, i64)> = db.all("SELECT kind, CAST(SUM(subject_count) AS BIGINT) FROM regulations WHERE connection = $1 AND created_at >= $2 \
         AND (regulation_id IS NOT NULL OR state IN ('sending', 'unknown', 'halted')) GROUP BY kind", args![connection.as_str(), millis(since)]).await?;
    let of_category = rows.into_iter().filter(|(kind, _)| RegulationType::parse(kind).quota() == category);
    Ok(of_category.map(|(_, subjects)| count(subjects)).sum())
}

/// An id in a JSON list, with the comma: quotes and control characters are escaped there.
fn json_bytes(id: &Pii<String>) -> u64 {
    serde_json::Value::from(id.expose().as_str()).to_string().len() as u64 + 1
}
