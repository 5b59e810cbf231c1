//! Opening the record database: the key, and what both kinds have in common.

use std::{path::Path, sync::Arc, time::Duration};

use secrecy::SecretString;
use segment_core::ports::{Random, StoreError};
use sqlx::{PgPool, SqlitePool, migrate::MigrateError};
use thiserror::Error;

use super::{
    db::{Db, args},
    errors, postgres, sqlite,
};
use crate::crypto::{LookupKey, MasterKey};

/// Requests, tasks, the ledger of regulations and their log, in SQLite or PostgreSQL.
#[derive(Debug, Clone)]
pub struct RecordStore {
    pub(super) pools: Pools,
    pub(super) keys: Arc<Keys>,
}

/// Where transactions begin.
#[derive(Debug, Clone)]
pub(super) enum Pools {
    /// One connection writes: the writers of this process wait for their turn in order, and only other processes are met at
    /// the database's lock.
    Sqlite {
        writer: SqlitePool,
        reader: SqlitePool,
    },
    Postgres(PgPool),
}

/// What encrypts and hashes.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) master: MasterKey,
    pub(super) lookup: LookupKey,
    pub(super) random: Arc<dyn Random>,
}

/// Why the record database was not opened. Nothing was changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be made, opened or written.
    #[error("the record database {path} cannot be opened for writing")]
    Io {
        /// the file, or the server and its database
        path: String,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its disk is full or fails, or the server takes no changes: that may pass.
    #[error("the record database {path} cannot be written now")]
    NotNow {
        /// the file, or the server and its database
        path: String,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server cannot be reached, or refuses the role.
    #[error("the record database {path} cannot be reached")]
    Server {
        /// the server and its database
        path: String,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process holds the lock for too long.
    #[error("the record database {path} is locked by another process")]
    Locked {
        /// the file, or the server and its database
        path: String,
    },
    /// A newer version has migrated it.
    #[error("the record database {path} is from a newer version of segment-privacy; use that version")]
    Newer {
        /// the file, or the server and its database
        path: String,
    },
    /// It was made under another key.
    #[error("the record database {path} was made with another encryption key (key id {expected}, given {given})")]
    WrongKey {
        /// the file, or the server and its database
        path: String,
        /// the id of its key
        expected: String,
        /// the id of the key given
        given: String,
    },
    /// The key cannot be had.
    #[error("the encryption key cannot be read")]
    Key {
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is not a record database.
    #[error("{path} is not a record database")]
    NotARecordDatabase {
        /// the file, or the server and its database
        path: String,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How the record database is opened.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    pub(super) busy_timeout: Duration,
    pub(super) connections: u32,
    pub(super) schema: String,
}

impl Default for RecordOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10), connections: 8, schema: "segment_privacy".to_owned() }
    }
}

impl RecordOptions {
    /// How long to wait for a lock that another process holds; 10 seconds by default.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Connections to PostgreSQL, at most; 8 by default.
    #[must_use]
    pub fn connections(mut self, connections: u32) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// The schema of our tables on PostgreSQL, `segment_privacy` by default: the server may be the one of your own tables.
    #[must_use]
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }
}

impl RecordStore {
    /// Opens the SQLite file, makes it (mode 0600) if it is missing, and brings it up to date.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: above all a key that is not the database's, and a database of a newer version.
    pub async fn open(path: &Path, master: MasterKey, random: Arc<dyn Random>) -> Result<Self, OpenError> {
        Self::open_with(path, master, random, &RecordOptions::default()).await
    }

    /// [`open`](Self::open), with other options.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_with(
        path: &Path,
        master: MasterKey,
        random: Arc<dyn Random>,
        options: &RecordOptions,
    ) -> Result<Self, OpenError> {
        let (pools, lookup) = sqlite::open(path, &master, random.as_ref(), options).await?;
        Ok(Self { pools, keys: Arc::new(Keys { master, lookup, random }) })
    }

    /// Opens the PostgreSQL database of a `postgres://` URL, makes our schema in it if that is missing, and brings it up to
    /// date.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn connect(
        url: &SecretString,
        master: MasterKey,
        random: Arc<dyn Random>,
        options: &RecordOptions,
    ) -> Result<Self, OpenError> {
        let (pool, lookup) = postgres::open(url, &master, random.as_ref(), options).await?;
        Ok(Self { pools: Pools::Postgres(pool), keys: Arc::new(Keys { master, lookup, random }) })
    }

    /// [`open`](Self::open), if the file is there.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_if_made(
        path: &Path,
        master: MasterKey,
        random: Arc<dyn Random>,
    ) -> Result<Option<Self>, OpenError> {
        if path.exists() { Self::open(path, master, random).await.map(Some) } else { Ok(None) }
    }

    /// [`connect`](Self::connect), if our schema is there.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn connect_if_made(
        url: &SecretString,
        master: MasterKey,
        random: Arc<dyn Random>,
        options: &RecordOptions,
    ) -> Result<Option<Self>, OpenError> {
        let opened = postgres::open_if_made(url, &master, random.as_ref(), options).await?;
        let store =
            |(pool, lookup)| Self { pools: Pools::Postgres(pool), keys: Arc::new(Keys { master, lookup, random }) };
        Ok(opened.map(store))
    }

    /// Opens a SQLite file to read what operators keep in it, connections and legal holds: nothing is made, migrated or
    /// written. `None` where there is nothing of that; then the key is not looked at either.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub async fn open_to_read(
        path: &Path,
        master: impl FnOnce() -> Result<MasterKey, Box<dyn std::error::Error + Send + Sync>>,
        random: Arc<dyn Random>,
    ) -> Result<Option<Self>, OpenError> {
        let name = path.display().to_string();
        let Some(pool) = sqlite::open_to_read(path, &name).await? else { return Ok(None) };
        let pools = Pools::Sqlite { writer: pool.clone(), reader: pool };
        Self::to_read(pools, name, master, random).await
    }

    /// The same of a PostgreSQL database.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    pub async fn connect_to_read(
        url: &SecretString,
        master: impl FnOnce() -> Result<MasterKey, Box<dyn std::error::Error + Send + Sync>>,
        random: Arc<dyn Random>,
        options: &RecordOptions,
    ) -> Result<Option<Self>, OpenError> {
        let (pool, name) = postgres::connect_to_read(url, options).await?;
        Self::to_read(Pools::Postgres(pool), name, master, random).await
    }

    async fn to_read(
        pools: Pools,
        path: String,
        master: impl FnOnce() -> Result<MasterKey, Box<dyn std::error::Error + Send + Sync>>,
        random: Arc<dyn Random>,
    ) -> Result<Option<Self>, OpenError> {
        let mut db = begin_to_read(&pools).await.map_err(|error| not_opened(&path, error))?;
        // An older version has no such tables.
        let sql = "SELECT (SELECT COUNT(*) FROM connections) + (SELECT COUNT(*) FROM holds WHERE lifted_at IS NULL)";
        let counted: Result<(i64,), _> = db.one(sql, args![]).await;
        drop(db);
        let rows = match counted {
            Ok((rows,)) => rows,
            Err(error) if errors::is_missing_table(&error) => 0,
            Err(error) => return Err(not_opened(&path, error)),
        };
        if rows > 0 {
            let mut db = begin_to_read(&pools).await.map_err(|error| not_opened(&path, error))?;
            let sql = "SELECT key_id, lookup_key FROM key_ring WHERE id = 1";
            let row: (String, Vec<u8>) = db.one(sql, args![]).await.map_err(|error| not_opened(&path, error))?;
            let master = master().map_err(|source| OpenError::Key { source })?;
            let lookup = unlock(&path, &master, row)?;
            return Ok(Some(Self { pools, keys: Arc::new(Keys { master, lookup, random }) }));
        }
        Ok(None)
    }

    /// Waits for what is under way and closes the database.
    pub async fn close(&self) {
        match &self.pools {
            Pools::Sqlite { writer, reader } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }

    /// Writes what SQLite keeps in its log into the file, and empties the log: what was deleted stays in it otherwise.
    pub(super) async fn empty_the_log(&self) -> Result<(), StoreError> {
        if let Pools::Sqlite { writer, .. } = &self.pools {
            let (busy, _, _): (i64, i64, i64) =
                sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(writer).await.map_err(errors::database)?;
            if busy != 0 {
                return Err(StoreError::Unavailable("somebody reads it: its log could not be emptied".into()));
            }
        }
        Ok(())
    }

    /// A transaction that writes, and is alone with what it reads. On SQLite it takes the lock at once: two of them never
    /// find out at their ends that they clash. On PostgreSQL they may, and the step is made again.
    pub(super) async fn begin(&self) -> Result<Db, StoreError> {
        let begun = match &self.pools {
            Pools::Sqlite { writer, .. } => writer.begin_with("BEGIN IMMEDIATE").await.map(Db::Sqlite),
            Pools::Postgres(pool) => pool.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await.map(Db::Postgres),
        };
        begun.map_err(errors::database)
    }

    /// A transaction that writes what it has locked first: each of its statements sees what others have committed by then, so
    /// that many workers that want the same thing do not clash.
    pub(super) async fn begin_locking(&self) -> Result<Db, StoreError> {
        match &self.pools {
            Pools::Sqlite { .. } => self.begin().await,
            Pools::Postgres(pool) => {
                let begun = pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await;
                begun.map(Db::Postgres).map_err(errors::database)
            }
        }
    }

    /// A transaction that reads: everything in it is of the same moment.
    pub(super) async fn read(&self) -> Result<Db, StoreError> {
        begin_to_read(&self.pools).await
    }
}

async fn begin_to_read(pools: &Pools) -> Result<Db, StoreError> {
    let begun = match pools {
        Pools::Sqlite { reader, .. } => reader.begin().await.map(Db::Sqlite),
        Pools::Postgres(pool) => {
            pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map(Db::Postgres)
        }
    };
    begun.map_err(errors::database)
}

/// Reads, or makes, the look-up key, in the transaction that migrates.
pub(super) async fn key_ring(
    db: &mut Db,
    path: &str,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<LookupKey, OpenError> {
    let failed = |error| not_opened(path, error);
    let row: Option<(String, Vec<u8>)> =
        db.optional("SELECT key_id, lookup_key FROM key_ring WHERE id = 1", args![]).await.map_err(failed)?;
    if let Some(row) = row {
        return unlock(path, master, row);
    }
    let (lookup, wrapped) = master.new_lookup_key(random);
    let sql = "INSERT INTO key_ring (id, key_id, lookup_key) VALUES (1, $1, $2)";
    db.execute(sql, args![master.id(), wrapped]).await.map_err(failed)?;
    Ok(lookup)
}

/// The look-up key, if the master key is the database's.
pub(super) fn unlock(
    path: &str,
    master: &MasterKey,
    (expected, wrapped): (String, Vec<u8>),
) -> Result<LookupKey, OpenError> {
    let given = master.id();
    master.lookup_key(&wrapped).map_err(|_| OpenError::WrongKey { path: path.to_owned(), expected, given })
}

/// Why the migrations did not run.
pub(super) fn not_migrated(path: &str, error: MigrateError) -> OpenError {
    let path = path.to_owned();
    match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => OpenError::Newer { path },
        MigrateError::Execute(error) => not_opened(&path, errors::database(error)),
        other => OpenError::NotARecordDatabase { path, source: Box::new(other) },
    }
}

pub(super) fn not_opened(path: &str, error: StoreError) -> OpenError {
    let path = path.to_owned();
    match error {
        StoreError::Unavailable(_) => OpenError::Locked { path },
        StoreError::NotWritable(source) if errors::may_pass(source.as_ref()) => OpenError::NotNow { path, source },
        StoreError::NotWritable(source) => OpenError::Io { path, source },
        other => OpenError::NotARecordDatabase { path, source: Box::new(other) },
    }
}
