//! PostgreSQL.

mod catalogue;
mod statement;
mod writer;

use std::str::FromStr;

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, PgExecutor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use self::{
    statement::{name, select},
    writer::PostgresWriter,
};
use super::{
    OwnedOptions,
    database::{Column, Columns, Constraints, Cost, Database, Keys, Reader, Rows, Select, Table, Writer, quoted},
    error::DbError,
    server::{Limits, check_parameters},
};

/// What may stand in the URL.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

pub(crate) struct Postgres {
    pool: PgPool,
    connect: PgConnectOptions,
    limits: Limits,
}

/// Without the options, which hold the password.
impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    pub(crate) fn open(url: &str, options: &OwnedOptions) -> Result<Self, &'static str> {
        check_parameters(url, |key| PARAMETERS.contains(&key) || key.starts_with("options["))?;
        let connect = PgConnectOptions::from_str(url)
            .map_err(
                |_| "it must be postgres://user:password@host:port/database, with special characters in % notation",
            )?
            .application_name("segment-privacy")
            // After those of the URL, so that these hold. Times read alike whatever the server's own setting.
            .options([
                ("statement_timeout", options.statement_timeout.as_millis().to_string().as_str()),
                ("client_min_messages", "error"),
                ("timezone", "UTC"),
                ("datestyle", "ISO"),
            ])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.connect_timeout)
            .connect_lazy_with(read_only(&connect));
        Ok(Self { pool, connect, limits: Limits::of(options) })
    }

    async fn open_connection(&self, options: &PgConnectOptions) -> Result<PgConnection, DbError> {
        // Not through the pool, which waits instead of saying what is wrong.
        let connected = tokio::time::timeout(self.limits.connect, options.connect()).await;
        Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }
}

/// Whether it really was a key that did not fit. A view can fail alike for reasons of its own, and then silence
/// would say that a person is not known.
async fn uncastable(executor: impl PgExecutor<'_>, query: &Select<'_>, limits: Limits) -> DbError {
    let Keys::Of(key, keys) = query.keys else { return DbError::broken_row() };
    let sql = format!("SELECT CAST($1 AS {}[]) IS NULL", key.sql_type);
    match limits.keep(sqlx::query(AssertSqlSafe(sql)).bind(keys).fetch_one(executor)).await {
        Ok(_) => DbError::broken_row(),
        Err(error) => error,
    }
}

fn read_only(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([("default_transaction_read_only", "on")])
}

#[async_trait]
impl Reader for Postgres {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        match select(&self.pool, query, self.limits, rows).await {
            Err(DbError::Uncastable) => Err(uncastable(&self.pool, query, self.limits).await),
            done => done,
        }
    }
}

#[async_trait]
impl Database for Postgres {
    async fn ping(&self) -> Result<(), DbError> {
        let mut connection = self.open_connection(&read_only(&self.connect)).await?;
        let read_only = sqlx::query_scalar::<_, String>("SELECT current_setting('default_transaction_read_only')")
            .fetch_one(&mut connection)
            .await;
        let _ = connection.close().await;
        if read_only? == "on" { Ok(()) } else { Err(DbError::not_read_only()) }
    }

    async fn table_names(&self) -> Result<Vec<String>, DbError> {
        self.limits.keep(sqlx::query_scalar(catalogue::TABLE_NAMES).fetch_all(&self.pool)).await
    }

    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        self.limits.keep(catalogue::columns(&self.pool, &name(table))).await
    }

    async fn constraints(&self, table: &Table) -> Result<Constraints, DbError> {
        self.limits.keep(catalogue::constraints(&self.pool, &name(table))).await
    }

    async fn explain(&self, table: &Table, column: &Column) -> Result<Cost, DbError> {
        let sql = format!(
            "EXPLAIN SELECT 1 FROM {} AS t WHERE t.{} = (SELECT CAST(NULL::text AS {}))",
            name(table),
            quoted(&column.name),
            column.sql_type
        );
        let explain = async {
            let mut transaction = self.pool.begin().await?;
            // A small table is read as a whole even where there is an index.
            sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut *transaction).await?;
            let lines = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch_all(&mut *transaction).await?;
            transaction.rollback().await?;
            Ok(lines)
        };
        let lines = self.limits.keep(explain).await?;
        let rows = lines
            .first()
            .and_then(|line| line.split_once("rows=")?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
        // Of a foreign table we cannot know.
        let index = lines.iter().any(|line| line.contains("Index Cond") || line.contains("Foreign Scan"));
        Ok(Cost { index, rows })
    }

    fn create_index(&self, table: &Table, column: &Column) -> String {
        format!("CREATE INDEX CONCURRENTLY ON {} ({})", name(table), quoted(&column.name))
    }

    async fn begin(&self) -> Result<Box<dyn Writer>, DbError> {
        let connection = self.open_connection(&self.connect).await?;
        Ok(Box::new(PostgresWriter::begin(connection, self.limits).await?))
    }
}
