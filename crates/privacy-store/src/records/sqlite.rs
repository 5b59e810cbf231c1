//! The record database in a SQLite file.

use std::{path::Path, time::Duration};

use segment_core::ports::Random;
use sqlx::{
    ConnectOptions, Connection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::time::Instant;

use super::{
    OpenError, RecordOptions,
    db::Db,
    errors,
    open::{Pools, key_ring, not_migrated, not_opened, unlock},
};
use crate::crypto::{LookupKey, MasterKey};

/// How soon a lock is asked for again.
const AGAIN: Duration = Duration::from_millis(20);

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

pub(super) async fn open(
    path: &Path,
    master: &MasterKey,
    random: &dyn Random,
    options: &RecordOptions,
) -> Result<(Pools, LookupKey), OpenError> {
    let name = path.display().to_string();
    create_private(path).map_err(|source| OpenError::Io { path: name.clone(), source: Box::new(source) })?;
    let sqlite = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .pragma("secure_delete", "on")
        .pragma("cache_size", "-65536")
        .busy_timeout(options.busy_timeout)
        .disable_statement_logging();
    look(path, &name, master).await?;
    let writer = connect(&sqlite, options.busy_timeout, &name).await?;
    let lookup = prepare(&writer, &name, master, random).await?;
    let reader = pool(3).connect_lazy_with(sqlite.pragma("query_only", "on"));
    Ok((Pools::Sqlite { writer, reader }, lookup))
}

/// Opens a file that is there, to read.
pub(super) async fn open_to_read(path: &Path, name: &str) -> Result<Option<SqlitePool>, OpenError> {
    match std::fs::metadata(path) {
        Ok(file) if file.len() == 0 => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(_) => {}
        Err(source) => return Err(OpenError::Io { path: name.to_owned(), source: Box::new(source) }),
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true).disable_statement_logging();
    let opened = pool(1).connect_with(options).await;
    opened.map(Some).map_err(|error| not_opened(name, errors::database(error)))
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
        match pool(1).connect_with(options.clone()).await.map_err(|error| not_opened(path, errors::database(error))) {
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

/// Migrates and reads, or makes, the look-up key, in one immediate transaction: start-up races are safe.
async fn prepare(
    pool: &SqlitePool,
    path: &str,
    master: &MasterKey,
    random: &dyn Random,
) -> Result<LookupKey, OpenError> {
    let failed = |error| not_opened(path, errors::database(error));
    let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    // Not `run`, whose future cannot go to another thread: it is generic over its connection.
    MIGRATIONS.run_direct(None, &mut *tx, false).await.map_err(|error| not_migrated(path, error))?;
    let mut db = Db::Sqlite(tx);
    let lookup = key_ring(&mut db, path, master, random).await?;
    db.commit().await.map_err(|error| not_opened(path, error))?;
    Ok(lookup)
}

/// SQLite would make the file with the process's umask; it holds the hashes of people.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
