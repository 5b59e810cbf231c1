//! Connections that are managed in the record database, the last connection test of each, and what operators did. What a
//! connection's settings mean is the configuration's business: here they are a sealed text.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use segment_core::{AuditEntry, ConnectionKey, ports::StoreError};
use sqlx::FromRow;

use super::{
    RecordStore,
    db::args,
    errors, journal,
    open::Keys,
    request_rows::{count, known, millis, time},
};
use crate::crypto::Place;

pub(super) const DATA_KEY: &str = "connections.data_key";
const SEALED: &str = "connections.sealed";

/// A connection kept in the record database.
#[derive(Debug, Clone)]
pub struct StoredConnection {
    /// Its key.
    pub key: ConnectionKey,
    /// Grows with every change: who changes it must have seen the last one.
    pub version: i64,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Its settings, secrets included.
    pub settings: SecretString,
}

/// What became of removing a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removal {
    /// It is gone.
    Removed,
    /// There was none.
    Missing,
    /// So many people have something open there; nothing was changed.
    InUse(u64),
}

/// The last connection test of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestRecord {
    /// Which connection.
    pub connection: ConnectionKey,
    /// When it was tested.
    pub at: Timestamp,
    /// Whether everything that could be tried works.
    pub succeeded: bool,
    /// The single checks, as JSON that holds neither secrets nor personal data.
    pub checks: serde_json::Value,
}

#[derive(FromRow)]
struct ConnectionRow {
    key: String,
    version: i64,
    updated_at: i64,
    data_key: Vec<u8>,
    sealed: Vec<u8>,
}

#[derive(FromRow)]
struct TestRow {
    connection: String,
    at: i64,
    outcome: String,
    checks: String,
}

impl ConnectionRow {
    fn read(self, keys: &Keys) -> Result<StoredConnection, StoreError> {
        let id = self.key.as_str();
        let (key_place, place) = (Place(DATA_KEY, id), Place(SEALED, id));
        let key = keys.master.data_key(key_place, &self.data_key).map_err(errors::sealed(key_place))?;
        let plain = key.open(place, &self.sealed).map_err(errors::sealed(place))?;
        let settings = known(std::str::from_utf8(&plain).ok(), SEALED, id)?;
        Ok(StoredConnection {
            version: self.version,
            updated_at: time(self.updated_at),
            settings: SecretString::from(settings),
            key: ConnectionKey::new(self.key),
        })
    }
}

impl RecordStore {
    /// Every connection kept here, by key.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn connections(&self) -> Result<Vec<StoredConnection>, StoreError> {
        let sql = "SELECT key, version, updated_at, data_key, sealed FROM connections ORDER BY key";
        let rows: Vec<ConnectionRow> = self.read().await?.all(sql, args![]).await?;
        rows.into_iter().map(|row| row.read(&self.keys)).collect()
    }

    /// Adds a connection, or changes the one with its key, at the time of the entry, and tells it in the journal, if nobody has
    /// changed any connection since `seen` was read: they must fit together. `false` if somebody has; nothing was changed or told
    /// then.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn put_connection(
        &self,
        key: &ConnectionKey,
        settings: &SecretString,
        seen: &[StoredConnection],
        told: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let id = key.as_str();
        let (data_key, sealed) = self.seal_settings(key, settings);
        let at = millis(told.at);
        let mut tx = self.begin_locking().await?;
        tx.lock("connections").await?;
        let sql = "SELECT key, version FROM connections ORDER BY key";
        let now: Vec<(String, i64)> = tx.all(sql, args![]).await?;
        let mut then: Vec<_> = seen.iter().map(|one| (one.key.to_string(), one.version)).collect();
        then.sort();
        if now != then {
            return Ok(false);
        }
        if then.iter().any(|(known, _)| known == id) {
            let sql = "UPDATE connections SET version = version + 1, updated_at = $2, data_key = $3, sealed = $4 WHERE key = $1";
            tx.execute(sql, args![id, at, data_key, sealed]).await?;
        } else {
            let sql =
                "INSERT INTO connections (key, version, updated_at, data_key, sealed) VALUES ($1, $2, $3, $4, $5)";
            tx.execute(sql, args![id, self.first_version(), at, data_key, sealed]).await?;
            // A test of another one that had this key says nothing.
            tx.execute("DELETE FROM checks WHERE connection = $1", args![id]).await?;
        }
        journal::note(&mut tx, id, told).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// One that was removed and added again is not taken for the one before.
    fn first_version(&self) -> i64 {
        let mut bytes = [0; 4];
        self.keys.random.fill(&mut bytes);
        i64::from(u32::from_le_bytes(bytes)) << 20
    }

    /// Removes a connection at which nothing is open, and tells it in the journal; with `even_in_use` also another one, whose open
    /// tasks then need a human.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn remove_connection(
        &self,
        key: &ConnectionKey,
        even_in_use: bool,
        told: &AuditEntry,
    ) -> Result<Removal, StoreError> {
        let mut tx = self.begin_locking().await?;
        tx.lock("connections").await?;
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM tasks WHERE connection = $1 AND state NOT IN ('complete', 'canceled')";
        let (open,): (i64,) = tx.one(sql, args![key.as_str()]).await?;
        if open > 0 && !even_in_use {
            return Ok(Removal::InUse(count(open)));
        }
        if tx.execute("DELETE FROM connections WHERE key = $1", args![key.as_str()]).await? == 0 {
            return Ok(Removal::Missing);
        }
        journal::note(&mut tx, key.as_str(), told).await?;
        tx.commit().await?;
        Ok(Removal::Removed)
    }

    fn seal_settings(&self, key: &ConnectionKey, settings: &SecretString) -> (Vec<u8>, Vec<u8>) {
        let (id, random) = (key.as_str(), self.keys.random.as_ref());
        let (data_key, wrapped) = self.keys.master.new_data_key(random, Place(DATA_KEY, id));
        (wrapped, data_key.seal(random, Place(SEALED, id), settings.expose_secret().as_bytes()))
    }

    /// Keeps the outcome of a connection test, in place of the one before.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn note_test(&self, test: &TestRecord) -> Result<(), StoreError> {
        let sql = "INSERT INTO checks (connection, at, outcome, checks) VALUES ($1, $2, $3, $4) ON CONFLICT (connection) \
                   DO UPDATE SET at = excluded.at, outcome = excluded.outcome, checks = excluded.checks";
        let outcome = if test.succeeded { "succeeded" } else { "failed" };
        let mut tx = self.begin_locking().await?;
        let args = args![test.connection.as_str(), millis(test.at), outcome, test.checks.to_string()];
        tx.execute(sql, args).await?;
        tx.commit().await
    }

    /// The last connection tests, by connection.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn tests(&self) -> Result<Vec<TestRecord>, StoreError> {
        let sql = "SELECT connection, at, outcome, checks FROM checks ORDER BY connection";
        let rows: Vec<TestRow> = self.read().await?.all(sql, args![]).await?;
        let read = |row: TestRow| {
            Ok(TestRecord {
                at: time(row.at),
                succeeded: row.outcome == "succeeded",
                checks: known(serde_json::from_str(&row.checks).ok(), "checks.checks", &row.connection)?,
                connection: ConnectionKey::new(row.connection),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Keeps that an operator looked at a hold, or tried a connection. What changes something is told where it is changed.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn journal(&self, subject: &str, entry: &AuditEntry) -> Result<(), StoreError> {
        let mut tx = self.begin_locking().await?;
        journal::note(&mut tx, subject, entry).await?;
        tx.commit().await
    }

    /// What operators did to a hold, a connection or a token, oldest first.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn journal_of(&self, subject: &str) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = "SELECT at, step, facts FROM journal WHERE subject = $1 ORDER BY id";
        let rows: Vec<(i64, String, String)> = self.read().await?.all(sql, args![subject]).await?;
        let entry = |(at, step, facts): (i64, String, String)| {
            let facts = known(serde_json::from_str(&facts).ok(), "journal.facts", subject)?;
            Ok(AuditEntry::new(time(at), step, facts))
        };
        rows.into_iter().map(entry).collect()
    }
}
