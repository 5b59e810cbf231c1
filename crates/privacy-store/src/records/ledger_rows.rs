//! Rows of the ledger, to models and back.

use std::collections::{BTreeMap, BTreeSet};

use segment_core::{
    ConnectionKey, IdentitySet, IntentId, Ledger, LedgerFilter, LedgerState, Member, RegulationId, RegulationStatus,
    RegulationType, RequestId, Resolution, ports::StoreError,
};
use sqlx::FromRow;

use super::{
    RecordStore, claim,
    db::{Db, args},
    errors,
    open::Keys,
    request_rows::{self, TASK_COLUMNS, TaskRow, count, known, time},
    scope, sealed,
};
use crate::crypto::{DataKey, Place};

pub(super) const DATA_KEY: &str = "regulations.data_key";
pub(super) const SEALED: &str = "regulations.sealed";
pub(super) const DESTINATIONS: &str = "regulations.destinations";
const COLUMNS: &str = "intent, connection, kind, source, state, regulation_id, status, subject_count, created_at, send_by, \
    absent_at, accepted_at, finished_at, next_at, rests_until, attempts, looks, data_key, sealed, destinations";

#[derive(FromRow)]
struct LedgerRow {
    intent: String,
    connection: String,
    kind: String,
    source: Option<String>,
    state: String,
    regulation_id: Option<String>,
    status: Option<String>,
    subject_count: i64,
    created_at: i64,
    send_by: i64,
    absent_at: Option<i64>,
    accepted_at: Option<i64>,
    finished_at: Option<i64>,
    next_at: Option<i64>,
    rests_until: Option<i64>,
    attempts: i64,
    looks: i64,
    data_key: Option<Vec<u8>>,
    sealed: Option<Vec<u8>>,
    destinations: Option<Vec<u8>>,
}

/// The data key of a regulation.
pub(super) fn data_key(keys: &Keys, intent: &str, wrapped: &[u8]) -> Result<DataKey, StoreError> {
    let place = Place(DATA_KEY, intent);
    keys.master.data_key(place, wrapped).map_err(errors::sealed(place))
}

impl LedgerRow {
    fn read(self, keys: &Keys, with_subjects: bool) -> Result<Ledger, StoreError> {
        let intent = self.intent.as_str();
        let key = self.data_key.as_deref().map(|wrapped| data_key(keys, intent, wrapped)).transpose()?;
        let open = |column, sealed: &Option<Vec<u8>>| match (&key, sealed) {
            (Some(key), Some(sealed)) => {
                let place = Place(column, intent);
                key.open(place, sealed).map(Some).map_err(errors::sealed(place))
            }
            _ => Ok(None),
        };
        let subjects = match open(SEALED, &self.sealed)?.filter(|_| with_subjects) {
            Some(plain) => known(sealed::read_subjects(&plain), SEALED, intent)?,
            None => BTreeSet::new(),
        };
        let destinations = match open(DESTINATIONS, &self.destinations)? {
            Some(plain) => known(sealed::read_destinations(&plain), DESTINATIONS, intent)?,
            None => Vec::new(),
        };
        Ok(Ledger {
            state: known(LedgerState::parse(&self.state), "regulations.state", intent)?,
            connection: ConnectionKey::new(self.connection),
            kind: RegulationType::parse(&self.kind),
            source: self.source,
            regulation: self.regulation_id.map(RegulationId::new),
            status: self.status.as_deref().map(RegulationStatus::parse),
            subjects,
            subject_count: count(self.subject_count),
            created_at: time(self.created_at),
            send_by: time(self.send_by),
            absent_at: self.absent_at.map(time),
            accepted_at: self.accepted_at.map(time),
            finished_at: self.finished_at.map(time),
            next_at: self.next_at.map(time),
            rests_until: self.rests_until.map(time),
            attempts: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            looks: u32::try_from(self.looks).unwrap_or(u32::MAX),
            destinations,
            members: Vec::new(),
            intent: IntentId::new(self.intent),
        })
    }
}

impl RecordStore {
    /// A regulation with its subjects and members.
    pub(super) async fn load_ledger(&self, connection: &mut Db, intent: &str) -> Result<Ledger, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM regulations WHERE intent = $1");
        let row: LedgerRow = connection.one(&sql, args![intent]).await?;
        let mut ledger = row.read(&self.keys, true)?;
        ledger.members = self.members(connection, intent).await?;
        Ok(ledger)
    }

    async fn members(&self, connection: &mut Db, intent: &str) -> Result<Vec<Member>, StoreError> {
        // With what the same requests found elsewhere.
        let sql = format!(
            "SELECT {TASK_COLUMNS} FROM tasks WHERE request_id IN (SELECT request_id FROM tasks WHERE intent = $1) \
             ORDER BY request_id, connection"
        );
        let rows: Vec<TaskRow> = connection.all(&sql, args![intent]).await?;
        let people = rows.iter().map(|row| row.request_id.as_str()).collect::<BTreeSet<_>>();
        let mut people = self.people(connection, &scope::list(people)).await?;
        let lost = lost(connection, intent).await?;
        let of_one = rows.chunk_by(|one, next| one.request_id == next.request_id);
        let member =
            |rows: &[TaskRow]| Self::member(intent, rows, rows.first().and_then(|row| people.remove(&row.request_id)));
        let members = of_one.map(member).filter_map(Result::transpose);
        let counted =
            |member: Member| Member { lost: lost.get(member.request.as_str()).copied().unwrap_or(0), ..member };
        members.map(|member| member.map(counted)).collect()
    }

    fn member(
        intent: &str,
        rows: &[TaskRow],
        person: Option<(DataKey, IdentitySet)>,
    ) -> Result<Option<Member>, StoreError> {
        let Some(first) = rows.first() else { return Ok(None) };
        let request = RequestId::new(first.request_id.as_str());
        let (mut known, mut own) = (Resolution::default(), None);
        for row in rows {
            let task = row.clone().read(person.as_ref().map(|(key, _)| key))?;
            known.learn(&task.resolution.clone().unwrap_or_default());
            if task.regulation.as_ref().is_some_and(|of| of.as_str() == intent) {
                own = Some(task);
            }
        }
        Ok(own.map(|task| {
            let resolution = task.resolution.unwrap_or_default();
            Member {
                request,
                given: person.map(|(_, given)| given),
                known,
                subjects: resolution.user_ids,
                identifiers: resolution.identifiers,
                verified: task.verified_at.is_some(),
                masks: rows.iter().any(TaskRow::is_of_dataset),
                lost: 0,
            }
        }))
    }

    /// The data keys of listed requests and who they are about, where the key is not destroyed.
    async fn people(
        &self,
        connection: &mut Db,
        requests: &str,
    ) -> Result<BTreeMap<String, (DataKey, IdentitySet)>, StoreError> {
        let within = connection.dialect().listed("id", "$1");
        let sql = format!(
            "SELECT id, data_key, sealed FROM requests WHERE data_key IS NOT NULL AND sealed IS NOT NULL AND {within}"
        );
        let rows: Vec<(String, Vec<u8>, Vec<u8>)> = connection.all(&sql, args![requests]).await?;
        let person = |(id, wrapped, sealed): (String, Vec<u8>, Vec<u8>)| {
            let key = request_rows::data_key(&self.keys, &id, &wrapped)?;
            let identities = request_rows::open_person(&key, &id, &sealed)?.identities;
            Ok((id, (key, identities)))
        };
        rows.into_iter().map(person).collect()
    }

    /// The data keys of listed requests that are not destroyed.
    pub(super) async fn request_keys(
        &self,
        connection: &mut Db,
        requests: &str,
    ) -> Result<BTreeMap<String, DataKey>, StoreError> {
        let within = connection.dialect().listed("id", "$1");
        let sql = format!("SELECT id, data_key FROM requests WHERE data_key IS NOT NULL AND {within}");
        let rows: Vec<(String, Vec<u8>)> = connection.all(&sql, args![requests]).await?;
        let open = |(id, wrapped): (String, Vec<u8>)| {
            let key = request_rows::data_key(&self.keys, &id, &wrapped).inspect_err(claim::passed_over).ok()?;
            Some((id, key))
        };
        Ok(rows.into_iter().filter_map(open).collect())
    }

    pub(super) async fn do_regulations(&self, filter: &LedgerFilter) -> Result<Vec<Ledger>, StoreError> {
        let mut db = self.read().await?;
        let sql = format!(
            "SELECT {COLUMNS} FROM regulations g WHERE (CAST($1 AS TEXT) IS NULL OR intent IN \
             (SELECT m.intent FROM regulation_members m WHERE {listed})) \
             AND (CAST($2 AS TEXT) IS NULL OR intent = $2 OR regulation_id = $2) \
             ORDER BY created_at DESC, intent DESC LIMIT $3",
            listed = db.dialect().listed("m.request_id", "$1")
        );
        let requests = filter.requests.iter().map(RequestId::as_str);
        let requests = (!filter.requests.is_empty()).then(|| scope::list(requests));
        let limit = filter.limit.map_or(i64::MAX, i64::from);
        let rows: Vec<LedgerRow> = db.all(&sql, args![requests, filter.id.as_deref(), limit]).await?;
        rows.into_iter().map(|row| row.read(&self.keys, false)).collect()
    }
}

/// How many of each person's regulations before this one came to nothing, where it is not known why; nobody's are none.
async fn lost(connection: &mut Db, intent: &str) -> Result<BTreeMap<String, u32>, StoreError> {
    let sql = "SELECT t.request_id, CAST(COUNT(*) AS BIGINT) FROM tasks t JOIN regulations mine ON mine.intent = t.intent \
        JOIN regulation_members m ON m.request_id = t.request_id AND m.connection = t.connection \
        JOIN regulations g ON g.intent = m.intent \
        WHERE t.intent = $1 AND mine.state = 'unknown' AND g.state = 'closed' AND g.regulation_id IS NULL \
        AND g.absent_at IS NOT NULL AND g.created_at >= t.resolved_at GROUP BY t.request_id";
    let rows: Vec<(String, i64)> = connection.all(sql, args![intent]).await?;
    Ok(rows.into_iter().map(|(request, times)| (request, u32::try_from(times).unwrap_or(u32::MAX))).collect())
}
