//! The log: each entry is chained to the one before it. A request has a log, and a regulation has one for what happens to
//! everybody in it.

use std::collections::BTreeMap;

use segment_core::{AuditEntry, ChainEnd, LogChain, RequestId, ports::StoreError};
use serde_json::json;
use sqlx::FromRow;

use super::{
    RecordStore,
    db::{Db, args},
    errors,
    request_rows::{count, known, millis, number, time},
    scope,
};
use crate::crypto::Place;

/// Where a log ends, as its subject's row says.
#[derive(Clone, FromRow)]
pub(super) struct End {
    log_count: i64,
    log_hash: Option<Vec<u8>>,
}

/// A log, and what is to be added to it.
pub(super) struct Told<'a> {
    of: Of<'a>,
    end: ChainEnd,
    rows: Vec<String>,
}

/// Whose log.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    Request(&'a str),
    Regulation(&'a str),
}

impl<'a> Of<'a> {
    fn id(self) -> &'a str {
        match self {
            Self::Request(id) | Self::Regulation(id) => id,
        }
    }

    /// A log without entries.
    pub(super) fn begun(self) -> Told<'a> {
        Told { of: self, end: ChainEnd::of(self.id()), rows: Vec::new() }
    }

    /// A log that ends there.
    pub(super) fn from(self, end: &End) -> Told<'a> {
        let hash = end.log_hash.as_deref().and_then(|hash| hash.try_into().ok());
        let end = match hash {
            Some(hash) => ChainEnd { count: count(end.log_count), hash },
            None => ChainEnd::of(self.id()),
        };
        Told { of: self, end, rows: Vec::new() }
    }
}

impl Told<'_> {
    /// Adds an entry.
    pub(super) fn tell(&mut self, entry: &AuditEntry) {
        // The database keeps milliseconds.
        let entry = AuditEntry { at: time(millis(entry.at)), ..entry.clone() };
        self.end.append(&entry);
        let (request, intent) = match self.of {
            Of::Request(id) => (Some(id), None),
            Of::Regulation(intent) => (None, Some(intent)),
        };
        let row = json!({
            "request": request, "intent": intent, "seq": self.end.count, "at": millis(entry.at), "step": entry.step,
            "facts": entry.facts.to_string(), "hash": hex::encode(self.end.hash),
        });
        self.rows.push(row.to_string());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many entries there are then.
    pub(super) fn count(&self) -> i64 {
        number(self.end.count)
    }

    /// The last hash then, unless there are no entries at all.
    pub(super) fn hash(&self) -> Option<Vec<u8>> {
        (self.end.count > 0).then(|| self.end.hash.to_vec())
    }

    /// What [`append`] is to insert. Whoever inserts it writes where the log ends, too.
    pub(super) fn into_rows(self) -> Vec<String> {
        self.rows
    }
}

/// Inserts entries of many logs.
pub(super) async fn append(connection: &mut Db, rows: &[String]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let dialect = connection.dialect();
    let sql = format!(
        "INSERT INTO log (request_id, intent, seq, at, step, facts, hash) \
         SELECT value->>'request', value->>'intent', CAST(value->>'seq' AS BIGINT), CAST(value->>'at' AS BIGINT), \
         value->>'step', value->>'facts', {} FROM {}",
        dialect.bytes("hash"),
        dialect.rows("$1")
    );
    connection.execute(&sql, args![scope::rows(rows)]).await.map(drop)
}

/// Appends to the log of a request, whose row is held from then on.
pub(super) async fn log(connection: &mut Db, id: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    let held = connection.dialect().take_all("requests");
    let sql = format!("SELECT log_count, log_hash FROM requests WHERE id = $1 {held}");
    let end: End = connection.one(&sql, args![id]).await?;
    let mut told = Of::Request(id).from(&end);
    told.tell(entry);
    let sql = "UPDATE requests SET log_count = $2, log_hash = $3 WHERE id = $1";
    connection.execute(sql, args![id, told.count(), told.hash()]).await?;
    append(connection, &told.into_rows()).await
}

/// Keeps what an operator did to something that is no request.
pub(super) async fn note(connection: &mut Db, subject: &str, entry: &AuditEntry) -> Result<(), StoreError> {
    let sql = "INSERT INTO journal (at, subject, step, facts) VALUES ($1, $2, $3, $4)";
    let args = args![millis(entry.at), subject, entry.step.as_str(), entry.facts.to_string()];
    connection.execute(sql, args).await.map(drop)
}

#[derive(FromRow)]
struct EndRow {
    id: String,
    #[sqlx(flatten)]
    end: End,
}

/// Appends to the logs of many requests, each entry to the log of its request.
pub(super) async fn log_each(connection: &mut Db, entries: &[(String, AuditEntry)]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let dialect = connection.dialect();
    let (listed, held) = (dialect.listed("id", "$1"), dialect.take_all("requests"));
    let sql = format!("SELECT id, log_count, log_hash FROM requests WHERE {listed} ORDER BY id {held}");
    let ids = scope::list(entries.iter().map(|(id, _)| id.as_str()));
    let rows: Vec<EndRow> = connection.all(&sql, args![ids]).await?;
    let mut logs: BTreeMap<_, _> =
        rows.iter().map(|row| (row.id.as_str(), Of::Request(&row.id).from(&row.end))).collect();
    for (id, entry) in entries {
        if let Some(told) = logs.get_mut(id.as_str()) {
            told.tell(entry);
        }
    }
    let end = |(id, told): (&&str, &Told<'_>)| {
        json!({"id": id, "count": told.count(), "hash": told.hash().map(hex::encode)}).to_string()
    };
    let ends: Vec<_> = logs.iter().map(end).collect();
    let sql = format!(
        "UPDATE requests SET log_count = CAST(value->>'count' AS BIGINT), log_hash = {} FROM {} \
         WHERE requests.id = value->>'id'",
        dialect.bytes("hash"),
        dialect.rows("$1")
    );
    connection.execute(&sql, args![scope::rows(&ends)]).await?;
    let rows: Vec<_> = logs.into_values().flat_map(Told::into_rows).collect();
    append(connection, &rows).await
}

#[derive(FromRow)]
struct EntryRow {
    subject: String,
    at: i64,
    step: String,
    facts: String,
    hash: Option<Vec<u8>>,
}

impl EntryRow {
    fn read(self) -> Result<(String, AuditEntry, Option<[u8; 32]>), StoreError> {
        let facts = known(serde_json::from_str(&self.facts).ok(), "log.facts", &self.subject)?;
        let hash = self.hash.map(|hash| known(hash.try_into().ok(), "log.hash", &self.subject)).transpose()?;
        Ok((self.subject, AuditEntry::new(time(self.at), self.step, facts), hash))
    }
}

/// What was told of a request, there and in the logs of its regulations, as it came.
async fn entries(connection: &mut Db, id: &str) -> Result<Vec<EntryRow>, StoreError> {
    let sql = "SELECT request_id AS subject, at, step, facts, hash, id FROM log WHERE request_id = $1 \
        UNION ALL SELECT intent, at, step, facts, hash, id FROM log WHERE intent IS NOT NULL AND intent IN \
        (SELECT intent FROM regulation_members WHERE request_id = $1) ORDER BY id";
    connection.all(sql, args![id]).await
}

/// Where the log of a request and those of its regulations end.
async fn ends(connection: &mut Db, id: &str) -> Result<Vec<EndRow>, StoreError> {
    let sql = "SELECT id, log_count, log_hash FROM requests WHERE id = $1 UNION ALL \
        SELECT intent, log_count, log_hash FROM regulations WHERE intent IN \
        (SELECT intent FROM regulation_members WHERE request_id = $1)";
    connection.all(sql, args![id]).await
}

impl RecordStore {
    pub(super) async fn do_log(&self, id: &RequestId) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = entries(&mut self.read().await?, id.as_str()).await?;
        rows.into_iter().map(|row| row.read().map(|(_, entry, _)| entry)).collect()
    }

    pub(super) async fn do_chains(&self, id: &RequestId) -> Result<Vec<LogChain>, StoreError> {
        let mut db = self.read().await?;
        let rows = entries(&mut db, id.as_str()).await?;
        let mut chains: Vec<LogChain> = Vec::new();
        for row in rows {
            let (subject, entry, Some(hash)) = row.read()? else { continue };
            match chains.iter_mut().find(|chain| chain.subject == subject) {
                Some(chain) => chain.entries.push((entry, hash)),
                None => chains.push(LogChain { subject, entries: vec![(entry, hash)] }),
            }
        }
        for EndRow { id, end } in ends(&mut db, id.as_str()).await? {
            let chain = chains.iter().find(|chain| chain.subject == id);
            let (found, last) = chain.map_or((0, None), |chain| {
                (chain.entries.len() as u64, chain.entries.last().map(|(_, hash)| hash.to_vec()))
            });
            if (found, last) != (count(end.log_count), end.log_hash) {
                return Err(errors::corrupt(Place("log", &id)));
            }
        }
        Ok(chains)
    }

    pub(super) async fn do_note(&self, id: &RequestId, entry: &AuditEntry) -> Result<bool, StoreError> {
        let mut tx = self.begin_locking().await?;
        if Self::row(&mut tx, id.as_str()).await?.is_none() {
            return Ok(false);
        }
        log(&mut tx, id.as_str(), entry).await?;
        tx.commit().await?;
        Ok(true)
    }
}
