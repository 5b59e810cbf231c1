//! Opening the record database: migrations and keys.

use std::{path::Path, sync::Arc, time::Duration};

use segment_core::ports::{Random, StoreError};
use sqlx::{
    ConnectOptions, Connection, Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use thiserror::Error;
use tokio::time::Instant;

use super::errors;
use crate::crypto::{LookupKey, MasterKey};

/// How soon a lock is asked for again.
const AGAIN: Duration = Duration::from_millis(20);

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Requests, tasks, the ledger of regulations and their log, in SQLite.
#[derive(Debug, Clone)]
pub struct RecordStore {
    /// One connection: the writers of this process wait for their turn in order, and only other processes are met at the
    /// database's lock.
    pub(super) writer: SqlitePool,
    pub(super) reader: SqlitePool,
    pub(super) keys: Arc<Keys>,
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
        /// the file
        path: String,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process holds the lock for too long.
    #[error("the record database {path} is locked by another process")]
    Locked {
        /// the file
        path: String,
    },
    /// A newer version has migrated it.
    #[error("the record database {path} is from a newer version of segment-privacy; use that version")]
    Newer {
        /// the file
        path: String,
    },
    /// It was made under another key.
    #[error("the record database {path} was made with another encryption key (key id {expected}, given {given})")]
    WrongKey {
        /// the file
        path: String,
        /// the id of its key
        expected: String,
        /// the id of the key given
        given: String,
    },
    /// It is not a record database.
    #[error("{path} is not a record database")]
    NotARecordDatabase {
        /// the file
        path: String,
        /// why
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How the record database is opened.
#[derive(Debug, Clone)]
pub struct RecordOptions {
    busy_timeout: Duration,
}

impl Default for RecordOptions {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(10) }
    }
}

impl RecordOptions {
    /// How long to wait for a lock that another process holds; 10 seconds by default.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }
}

impl RecordStore {
    /// Opens the file, makes it (mode 0600) if it is missing, and brings it up to date.
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
        let name = path.display().to_string();
        create_private(path).map_err(|source| OpenError::Io { path: name.clone(), source: Box::new(source) })?;
        let sqlite = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .pragma("secure_delete", "on")
            .busy_timeout(options.busy_timeout)
            .disable_statement_logging();
        look(path, &name, &master).await?;
        let writer = connect(&sqlite, options.busy_timeout, &name).await?;
        let lookup = prepare(&writer, &name, &master, random.as_ref()).await?;
        let reader = pool(3).connect_lazy_with(sqlite.pragma("query_only", "on"));
        Ok(Self { writer, reader, keys: Arc::new(Keys { master, lookup, random }) })
    }

    /// Waits for what is under way and closes the file.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// A transaction that writes. It takes the lock at once: two of them never find out at their ends that they clash.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(errors::database)
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(30))
        // SQLite itself ends the transaction where the disk is full, which sqlx does not notice: such a connection could
        // never begin another one.
        .before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }))
}

/// The connection that writes. It makes a new file a WAL database, and there SQLite does not wait for the lock of others
/// who do the same: so that we do.
async fn connect(options: &SqliteConnectOptions, busy_timeout: Duration, path: &str) -> Result<SqlitePool, OpenError> {
    let begun = Instant::now();
    loop {
        match pool(1).connect_with(options.clone()).await.map_err(|error| refused(path, error)) {
            Err(OpenError::Locked { .. }) if begun.elapsed() < busy_timeout => tokio::time::sleep(AGAIN).await,
            answer => return answer,
        }
    }
}

/// Looks at a file before anything of it is touched: somebody else's database stays as it is, and so does one of another
/// key. What this look cannot tell, the opening does.
async fn look(path: &Path, name: &str, master: &MasterKey) -> Result<(), OpenError> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        return Ok(());
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let Ok(mut connection) = options.connect().await else { return Ok(()) };
    let tables: Result<(i64, i64), _> =
        sqlx::query_as("SELECT COUNT(*), COALESCE(SUM(name = 'key_ring'), 0) FROM sqlite_master WHERE type = 'table'")
            .fetch_one(&mut connection)
            .await;
    let row = match tables {
        Ok((0, _)) | Err(_) => None,
        Ok((_, 0)) => {
            let source = "it holds other tables".into();
            return Err(OpenError::NotARecordDatabase { path: name.to_owned(), source });
        }
        Ok(_) => sqlx::query_as("SELECT key_id, lookup_key FROM key_ring WHERE id = 1")
            .fetch_optional(&mut connection)
            .await
            .unwrap_or_default(),
    };
    // Nothing was written that closing could lose.
    let _ = connection.close().await;
    row.map_or(Ok(()), |row| unlock(name, master, row).map(drop))
}

/// The look-up key, if the master key is the database's.
fn unlock(path: &str, master: &MasterKey, (expected, wrapped): (String, Vec<u8>)) -> Result<LookupKey, OpenError> {
    let given = master.id();
    master.lookup_key(&wrapped).map_err(|_| OpenError::WrongKey { path: path.to_owned(), expected, given })
}

/// Migrates and reads, or makes, the look-up key, in one immediate transaction: start-up races are safe.
async fn prepare(
    pool: &SqlitePool,
    path: &str,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<LookupKey, OpenError> {
    let failed = |error| refused(path, error);
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // Not `run`, whose future cannot go to another thread: it is generic over its connection.
    MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(_) | MigrateError::VersionTooNew(..) => OpenError::Newer { path: path.to_owned() },
        MigrateError::Execute(error) => refused(path, error),
        other => OpenError::NotARecordDatabase { path: path.to_owned(), source: Box::new(other) },
    })?;
    let row: Option<(String, Vec<u8>)> = sqlx::query_as("SELECT key_id, lookup_key FROM key_ring WHERE id = 1")
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
    let lookup = if let Some(row) = row {
        unlock(path, master, row)?
    } else {
        let (lookup, wrapped) = master.new_lookup_key(random);
        sqlx::query("INSERT INTO key_ring (id, key_id, lookup_key) VALUES (1, $1, $2)")
            .bind(master.id())
            .bind(wrapped)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        lookup
    };
    tx.commit().await.map_err(failed)?;
    Ok(lookup)
}

fn refused(path: &str, error: sqlx::Error) -> OpenError {
    let path = path.to_owned();
    match errors::database(error) {
        StoreError::Unavailable(_) => OpenError::Locked { path },
        StoreError::NotWritable(source) => OpenError::Io { path, source },
        other => OpenError::NotARecordDatabase { path, source: Box::new(other) },
    }
}

/// SQLite would make the file with the process's umask; it holds the hashes of people.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
