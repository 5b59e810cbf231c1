//! Masking in one transaction.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Executor, SqliteConnection};
use tokio::sync::Mutex;

use super::{
    keep,
    statement::{bind, condition, select},
};
use crate::owned::{
    database::{Keys, Reader, Rows, Select, Update, Writer, quoted},
    error::DbError,
};

/// The only writer of the file while it lasts. Dropped, the connection is closed, and SQLite rolls back.
#[derive(Debug)]
pub(super) struct SqliteWriter {
    connection: Mutex<SqliteConnection>,
    timeout: Duration,
}

impl SqliteWriter {
    pub(super) async fn begin(mut connection: SqliteConnection, timeout: Duration) -> Result<Self, DbError> {
        keep(timeout, connection.execute("BEGIN IMMEDIATE")).await.map_err(DbError::of_a_writer)?;
        Ok(Self { connection: Mutex::new(connection), timeout })
    }

    async fn keep<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>> + Send) -> Result<T, DbError> {
        keep(self.timeout, work).await.map_err(DbError::of_a_writer)
    }
}

#[async_trait]
impl Reader for SqliteWriter {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        let mut connection = self.connection.lock().await;
        select(&mut *connection, query, self.timeout, rows).await.map_err(DbError::of_a_writer)
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn update(&self, update: &Update<'_>) -> Result<u64, DbError> {
        let set: Vec<_> = update.columns.iter().map(|column| format!("{} = ?", quoted(&column.name))).collect();
        let set = format!("UPDATE {} AS t SET {}", quoted(&update.table.name), set.join(", "));
        let mut connection = self.connection.lock().await;
        let mut changed = 0;
        for row in update.rows {
            let (same, key) = condition(&Keys::OfAll(update.key, std::slice::from_ref(&row.key)));
            let mut query = sqlx::query(AssertSqlSafe(format!("{set} WHERE {same}")));
            for value in &row.values {
                query = query.bind(value.as_deref());
            }
            for part in key {
                query = bind(query, part);
            }
            changed += self.keep(query.execute(&mut *connection)).await?.rows_affected();
        }
        Ok(changed)
    }

    async fn commit(self: Box<Self>) -> Result<(), DbError> {
        let mut connection = self.connection.into_inner();
        keep(self.timeout, connection.execute("COMMIT")).await.map_err(DbError::of_a_writer)?;
        Ok(())
    }
}
