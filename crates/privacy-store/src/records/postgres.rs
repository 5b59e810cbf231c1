//! The record database on a PostgreSQL server, in a schema of its own: the server may hold the user's tables too.

use std::{str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use segment_core::ports::Random;
use sqlx::{
    ConnectOptions, Connection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    OpenError, RecordOptions,
    db::{Db, args},
    errors,
    open::{key_ring, not_migrated, not_opened},
};
use crate::crypto::{LookupKey, MasterKey};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a connection to the server is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that was idle for as long is tried before it is used.
const IDLE: Duration = Duration::from_secs(1);

/// Held by whoever migrates, on whatever schema of the database.
const MIGRATION_LOCK: i64 = 0x7365_676d_656e_7470;

pub(super) async fn open(
    url: &SecretString,
    master: &MasterKey,
    random: &dyn Random,
    options: &RecordOptions,
) -> Result<(PgPool, LookupKey), OpenError> {
    let (pool, name) = connect(url, options).await?;
    let lookup = prepare(&pool, &name, master, random, &options.schema).await?;
    Ok((pool, lookup))
}

/// The same, where our schema is there already.
pub(super) async fn open_if_made(
    url: &SecretString,
    master: &MasterKey,
    random: &dyn Random,
    options: &RecordOptions,
) -> Result<Option<(PgPool, LookupKey)>, OpenError> {
    let (pool, name) = connect(url, options).await?;
    let begun = pool.begin().await.map_err(errors::database);
    let mut db = Db::Postgres(begun.map_err(|error| not_opened(&name, error))?);
    if !is_made(&mut db, &name, &options.schema).await? {
        return Ok(None);
    }
    drop(db);
    let lookup = prepare(&pool, &name, master, random, &options.schema).await?;
    Ok(Some((pool, lookup)))
}

/// Connects without making anything, to read.
pub(super) async fn connect_to_read(
    url: &SecretString,
    options: &RecordOptions,
) -> Result<(PgPool, String), OpenError> {
    connect(url, &options.clone().connections(1)).await
}

async fn is_made(db: &mut Db, path: &str, schema: &str) -> Result<bool, OpenError> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM pg_namespace WHERE nspname = $1";
    let (there,): (i64,) = db.one(sql, args![schema]).await.map_err(|error| not_opened(path, error))?;
    Ok(there > 0)
}

/// The pool, and how the server and its database are called.
async fn connect(url: &SecretString, options: &RecordOptions) -> Result<(PgPool, String), OpenError> {
    let malformed =
        |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Server { path: "of this URL".to_owned(), source };
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let plain = options.schema.bytes().all(|byte| letter(byte) || byte.is_ascii_digit());
    if !plain || !options.schema.bytes().next().is_some_and(letter) {
        return Err(malformed(
            "the name of the schema may hold a-z, 0-9 and _ only, and begins with a letter or _".into(),
        ));
    }
    // The error of the parser could show the password.
    let connect = PgConnectOptions::from_str(url.expose_secret())
        .map_err(|_| malformed("it is not a postgres:// URL".into()))?
        .application_name("segment-privacy")
        .options([("search_path", options.schema.as_str())])
        .disable_statement_logging();
    let name = format!("{}/{}", connect.get_host(), connect.get_database().unwrap_or_default());
    let server = |source| OpenError::Server { path: name.clone(), source };
    let unreachable = |error: sqlx::Error| server(Box::new(error));
    // The pool would try for all of its time what one connection says at once.
    let once = tokio::time::timeout(PATIENCE, connect.connect()).await;
    let once = once.map_err(|_| server("there is no answer".into()))?.map_err(unreachable)?;
    once.close().await.map_err(unreachable)?;
    let pool = PgPoolOptions::new()
        .max_connections(options.connections)
        .acquire_timeout(PATIENCE)
        // A connection that was just used is there, or fails as one does that breaks in the middle of a step.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for >= IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_with(connect)
        .await
        .map_err(unreachable)?;
    Ok((pool, name))
}

/// Migrates and reads, or makes, the look-up key, in one transaction under one lock: start-up races are safe.
async fn prepare(
    pool: &PgPool,
    path: &str,
    master: &MasterKey,
    random: &dyn Random,
    schema: &str,
) -> Result<LookupKey, OpenError> {
    let failed = |error| not_opened(path, error);
    let mut db = Db::Postgres(pool.begin().await.map_err(|error| failed(errors::database(error)))?);
    db.execute("SELECT pg_advisory_xact_lock($1)", args![MIGRATION_LOCK]).await.map_err(failed)?;
    if !is_made(&mut db, path, schema).await? {
        // The name was checked: it needs no quotes. The role may lack the right to make schemas.
        let made = db.execute(&format!("CREATE SCHEMA {schema}"), args![]).await;
        made.map_err(|error| OpenError::Server { path: path.to_owned(), source: Box::new(error) })?;
    }
    if let Db::Postgres(tx) = &mut db {
        MIGRATIONS.run_direct(None, &mut **tx, false).await.map_err(|error| not_migrated(path, error))?;
    }
    let lookup = key_ring(&mut db, path, master, random).await?;
    db.commit().await.map_err(failed)?;
    Ok(lookup)
}
