//! Connections that are managed in the record database, and the last connection test of each. What a connection's settings
//! mean is the configuration's business: here they are a sealed text.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use segment_core::{ConnectionKey, ports::StoreError};
use sqlx::FromRow;

use super::{
    RecordStore,
    db::args,
    errors,
    open::Keys,
    request_rows::{count, known, millis, time},
};
use crate::crypto::Place;

const DATA_KEY: &str = "connections.data_key";
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

    /// Adds a connection; `false` if there is one with this key.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn add_connection(
        &self,
        key: &ConnectionKey,
        settings: &SecretString,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (data_key, sealed) = self.seal_settings(key, settings);
        let sql = "INSERT INTO connections (key, version, updated_at, data_key, sealed) VALUES ($1, 1, $2, $3, $4) \
                   ON CONFLICT (key) DO NOTHING";
        let mut tx = self.begin_locking().await?;
        let added = tx.execute(sql, args![key.as_str(), millis(at), data_key, sealed]).await?;
        tx.commit().await?;
        Ok(added == 1)
    }

    /// Changes a connection that is still at this version; `false` if somebody else has changed or removed it.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn change_connection(
        &self,
        key: &ConnectionKey,
        version: i64,
        settings: &SecretString,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (data_key, sealed) = self.seal_settings(key, settings);
        let sql = "UPDATE connections SET version = version + 1, updated_at = $3, data_key = $4, sealed = $5 \
                   WHERE key = $1 AND version = $2";
        let mut tx = self.begin_locking().await?;
        let changed = tx.execute(sql, args![key.as_str(), version, millis(at), data_key, sealed]).await?;
        tx.commit().await?;
        Ok(changed == 1)
    }

    /// Removes a connection at which nothing is open; with `even_in_use` also another one, whose open tasks then need a human.
    ///
    /// # Errors
    ///
    /// As for every step, see [`StoreError`].
    pub async fn remove_connection(&self, key: &ConnectionKey, even_in_use: bool) -> Result<Removal, StoreError> {
        let mut tx = self.begin_locking().await?;
        let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM tasks WHERE connection = $1 AND state NOT IN ('complete', 'canceled')";
        let (open,): (i64,) = tx.one(sql, args![key.as_str()]).await?;
        let there: Option<(i64,)> =
            tx.optional("SELECT version FROM connections WHERE key = $1", args![key.as_str()]).await?;
        if there.is_none() {
            return Ok(Removal::Missing);
        }
        if open > 0 && !even_in_use {
            return Ok(Removal::InUse(count(open)));
        }
        tx.execute("DELETE FROM connections WHERE key = $1", args![key.as_str()]).await?;
        tx.execute("DELETE FROM checks WHERE connection = $1", args![key.as_str()]).await?;
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
}
