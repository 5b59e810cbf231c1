//! Recording requests, each at most once, many in a few statements.

use std::{collections::HashMap, sync::Arc};

use segment_core::{Action, AuditEntry, Intake, NewRequest, RequestId, ports::StoreError};
use serde_json::json;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{
    RecordStore, claim,
    db::{Db, args},
    errors, journal,
    prepared::Prepared,
    request_rows::millis,
    scope,
};

/// Requests that one statement is about, at most.
const AT_ONCE: usize = 2_000;

/// A request that is recorded already.
struct Earlier {
    id: String,
    action: String,
    identities: String,
}

/// The requests of before, and those of the same call: what a new one may be the same as.
#[derive(Default)]
struct Known {
    /// By external id, for ever.
    by_external_id: HashMap<String, Earlier>,
    /// Open ones by identities and action: the first that was received.
    open: HashMap<(String, String), (i64, String)>,
}

impl Known {
    fn earlier(&self, one: &Prepared) -> Option<Intake> {
        let action = one.request.action.as_str();
        if let Some(external) = &one.external {
            return self.by_external_id.get(external).map(|earlier| {
                let id = RequestId::new(earlier.id.clone());
                let same = earlier.action == action && earlier.identities == one.same_person;
                if same { Intake::Linked(id) } else { Intake::ExternalIdConflict(id) }
            });
        }
        let open = self.open.get(&(one.same_person.clone(), action.to_owned()));
        open.map(|(_, id)| Intake::Linked(RequestId::new(id.clone())))
    }

    fn add(&mut self, one: &Prepared) {
        let request = &one.request;
        let (id, action) = (request.id.as_str().to_owned(), request.action.as_str().to_owned());
        if let Some(external) = &one.external {
            let earlier = Earlier { id: id.clone(), action: action.clone(), identities: one.same_person.clone() };
            self.by_external_id.insert(external.clone(), earlier);
        }
        let this = (millis(request.received_at), id);
        let first = self.open.entry((one.same_person.clone(), action)).or_insert_with(|| this.clone());
        if this < *first {
            *first = this;
        }
    }
}

/// What is to be inserted, each list of JSON objects.
#[derive(Default)]
struct Rows {
    requests: Vec<String>,
    identities: Vec<String>,
    tasks: Vec<String>,
    log: Vec<String>,
    erasures: Vec<String>,
}

impl RecordStore {
    pub(super) async fn do_intake(&self, requests: &[NewRequest]) -> Result<Vec<Intake>, StoreError> {
        let mut chunks = requests.chunks(AT_ONCE);
        let mut next = chunks.next().map(|chunk| self.prepare(chunk));
        let mut tx = self.begin().await?;
        let (mut answers, mut linked) = (Vec::with_capacity(requests.len()), Vec::new());
        while let Some(preparing) = next {
            // What a panic says may name somebody.
            let chunk = preparing.await.map_err(|_| errors::misuse("a thread that prepares requests stopped"))?;
            // The next ones are prepared while the database takes these.
            next = chunks.next().map(|chunk| self.prepare(chunk));
            let (taken, mut again) = take(&mut tx, chunk).await?;
            answers.extend(taken);
            linked.append(&mut again);
        }
        Intake::check_together(requests, &answers)?;
        tx.hint().await?;
        tx.commit().await?;
        self.tell_linked(&linked).await;
        Ok(answers)
    }

    /// That something was asked again is told beside: workers are at those requests, and the intake must not wait for them.
    async fn tell_linked(&self, linked: &[(String, AuditEntry)]) {
        for entries in linked.chunks(AT_ONCE) {
            let told = async {
                let mut tx = self.begin_locking().await?;
                journal::log_each(&mut tx, entries).await?;
                tx.commit().await
            };
            if let Err(error) = told.await {
                tracing::warn!(
                    "that {} requests were asked for again could not be told in their logs: {error}",
                    entries.len()
                );
            }
        }
    }

    fn prepare(&self, requests: &[NewRequest]) -> JoinHandle<Vec<Prepared>> {
        let (keys, requests) = (Arc::clone(&self.keys), requests.to_vec());
        spawn_blocking(move || requests.into_iter().map(|request| Prepared::new(&keys, request)).collect())
    }
}

/// What became of each, and what is to be told of those that were there.
async fn take(
    connection: &mut Db,
    chunk: Vec<Prepared>,
) -> Result<(Vec<Intake>, Vec<(String, AuditEntry)>), StoreError> {
    let mut known = known(connection, &chunk).await?;
    let (mut rows, mut answers) = (Rows::default(), Vec::with_capacity(chunk.len()));
    let (mut requests, mut linked) = (Vec::with_capacity(chunk.len()), Vec::new());
    for one in chunk {
        let earlier = known.earlier(&one);
        match &earlier {
            Some(Intake::Linked(id)) => {
                let facts = json!({"external_id": one.external.is_some()});
                linked.push((id.as_str().to_owned(), AuditEntry::new(one.request.received_at, "linked", facts)));
            }
            Some(_) => {}
            None => {
                known.add(&one);
                requests.push(rows.add(one));
            }
        }
        answers.push(earlier.unwrap_or(Intake::Created));
    }
    rows.insert(connection).await?;
    log_waiting(connection, &rows.erasures, &requests).await?;
    Ok((answers, linked))
}

impl Rows {
    fn add(&mut self, one: Prepared) -> NewRequest {
        let Prepared { request, row, identities, tasks, received, .. } = one;
        self.requests.push(row);
        self.identities.extend(identities);
        self.tasks.extend(tasks);
        self.log.extend(received);
        if request.action == Action::Erasure {
            self.erasures.push(request.id.as_str().to_owned());
        }
        request
    }

    async fn insert(&self, connection: &mut Db) -> Result<(), StoreError> {
        let dialect = connection.dialect();
        let (rows, bytes) = (dialect.rows("$1"), |name: &str| dialect.bytes(name));
        let number = |name: &str| format!("CAST(value->>'{name}' AS BIGINT)");
        let sql = format!(
            "INSERT INTO requests (id, external_id_hash, identities_hash, action, regime, gate, status, received_at, due_at, \
             data_key, sealed, log_count, log_hash, next_at) SELECT value->>'id', {}, {}, value->>'action', value->>'regime', value->>'gate', \
             value->>'status', {received}, {}, {}, {}, {}, {}, {received} FROM {rows}",
            bytes("external"),
            bytes("identities"),
            number("due"),
            bytes("key"),
            bytes("sealed"),
            number("told"),
            bytes("hash"),
            received = number("received"),
        );
        insert(connection, &sql, &self.requests).await?;
        let sql = format!(
            "INSERT INTO request_identities (request_id, hash) SELECT value->>'id', {} FROM {rows}",
            bytes("hash")
        );
        insert(connection, &sql, &self.identities).await?;
        let sql = format!(
            "INSERT INTO tasks (request_id, connection, holder, state) \
             SELECT value->>'id', value->>'connection', value->>'holder', 'queued' FROM {rows}"
        );
        insert(connection, &sql, &self.tasks).await?;
        journal::append(connection, &self.log).await
    }
}

async fn insert(connection: &mut Db, sql: &str, rows: &[String]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    connection.execute(sql, args![scope::rows(rows)]).await.map(drop)
}

/// What of the record may be the same as one of these.
async fn known(connection: &mut Db, chunk: &[Prepared]) -> Result<Known, StoreError> {
    let dialect = connection.dialect();
    let mut known = Known::default();
    let external = scope::list(chunk.iter().filter_map(|one| one.external.as_deref()));
    let sql = format!(
        "SELECT external_id_hash, id, action, identities_hash FROM requests WHERE {}",
        dialect.listed_bytes("external_id_hash", "$1")
    );
    let rows: Vec<(Vec<u8>, String, String, Vec<u8>)> = connection.all(&sql, args![external]).await?;
    for (external, id, action, identities) in rows {
        let earlier = Earlier { id, action, identities: hex::encode(identities) };
        known.by_external_id.insert(hex::encode(external), earlier);
    }
    // What has an external id is the same only by that.
    let without = chunk.iter().filter(|one| one.external.is_none());
    let identities = scope::list(without.map(|one| one.same_person.as_str()));
    let sql = format!(
        "SELECT identities_hash, action, received_at, id FROM requests WHERE {} \
         AND status NOT IN ('complete', 'denied', 'canceled', 'error') ORDER BY received_at DESC, id DESC",
        dialect.listed_bytes("identities_hash", "$1")
    );
    let rows: Vec<(Vec<u8>, String, i64, String)> = connection.all(&sql, args![identities]).await?;
    // The first that was received is the last of these.
    known.open.extend(rows.into_iter().map(|(hash, action, at, id)| ((hex::encode(hash), action), (at, id))));
    Ok(known)
}

/// Says what erasures wait for.
async fn log_waiting(connection: &mut Db, erasures: &[String], requests: &[NewRequest]) -> Result<(), StoreError> {
    let dialect = connection.dialect();
    let sql = format!(
        "SELECT r.id, MIN(a.id) FROM requests r, {} AND {} GROUP BY r.id ORDER BY r.id",
        claim::EARLIER_ACCESS,
        dialect.listed("r.id", "$1")
    );
    let waiting: Vec<(String, String)> =
        connection.all(&sql, args![scope::list(erasures.iter().map(String::as_str))]).await?;
    let entry = |(id, access): (String, String)| {
        let request = requests.iter().find(|request| request.id.as_str() == id)?;
        Some((id, AuditEntry::new(request.received_at, "waits", json!({"for_access": access}))))
    };
    journal::log_each(connection, &waiting.into_iter().filter_map(entry).collect::<Vec<_>>()).await
}
