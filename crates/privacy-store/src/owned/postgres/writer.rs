//! Masking in one transaction.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tokio::sync::Mutex;

use super::{
    statement::{name, select, texts},
    uncastable,
};
use crate::owned::{
    database::{Column, Reader, Rows, Select, Update, Writer, quoted},
    error::DbError,
    server::Limits,
};

/// Repeatable reads: a row that somebody changed since the transaction began cannot be written, so nothing needs a lock before.
/// Dropped, the connection is closed, and the server rolls back.
#[derive(Debug)]
pub(super) struct PostgresWriter {
    connection: Mutex<PgConnection>,
    limits: Limits,
}

impl PostgresWriter {
    pub(super) async fn begin(mut connection: PgConnection, limits: Limits) -> Result<Self, DbError> {
        let lock = limits.lock().as_millis();
        let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE; SET LOCAL lock_timeout = {lock}");
        limits.keep_writer(connection.execute(AssertSqlSafe(begin))).await?;
        Ok(Self { connection: Mutex::new(connection), limits })
    }
}

#[async_trait]
impl Reader for PostgresWriter {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        let mut connection = self.connection.lock().await;
        // A key that does not fit must not be the end of the transaction.
        self.limits.keep_writer(connection.execute("SAVEPOINT look_up")).await?;
        let found = select(&mut *connection, query, self.limits, rows).await.map_err(DbError::of_a_writer);
        let after = if found.is_ok() { "RELEASE SAVEPOINT look_up" } else { "ROLLBACK TO SAVEPOINT look_up" };
        self.limits.keep_writer(connection.execute(after)).await?;
        let Err(DbError::Uncastable) = found else { return found };
        let why = uncastable(&mut *connection, query, self.limits).await;
        self.limits.keep_writer(connection.execute("ROLLBACK TO SAVEPOINT look_up")).await?;
        Err(why)
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    async fn update(&self, update: &Update<'_>) -> Result<u64, DbError> {
        let all: Vec<&Column> = update.key.iter().chain(update.columns).copied().collect();
        let keys = update.key.len();
        let set =
            update.columns.iter().enumerate().map(|(at, column)| {
                format!("{} = CAST(v.k{} AS {})", quoted(&column.name), keys + at, column.sql_type)
            });
        let same = update
            .key
            .iter()
            .enumerate()
            .map(|(at, column)| format!("t.{} = CAST(v.k{at} AS {})", quoted(&column.name), column.sql_type));
        let sql = format!(
            "UPDATE {} AS t SET {} FROM {} WHERE {}",
            name(update.table),
            set.collect::<Vec<_>>().join(", "),
            texts(&all, "v", 1),
            same.collect::<Vec<_>>().join(" AND ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for at in 0..keys {
            query = query.bind(update.rows.iter().map(|row| Some(row.key[at].as_str())).collect::<Vec<_>>());
        }
        for at in 0..update.columns.len() {
            query = query.bind(update.rows.iter().map(|row| row.values[at].as_deref()).collect::<Vec<_>>());
        }
        let mut connection = self.connection.lock().await;
        Ok(self.limits.keep_writer(query.execute(&mut *connection)).await?.rows_affected())
    }

    async fn commit(self: Box<Self>) -> Result<(), DbError> {
        let mut connection = self.connection.into_inner();
        self.limits.keep_writer(connection.execute("COMMIT")).await?;
        Ok(())
    }
}
