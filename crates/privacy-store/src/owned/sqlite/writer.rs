//! Masking in one transaction.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Executor, SqliteConnection};
use tokio::sync::Mutex;

use super::{keep, statement::select};
use crate::owned::{
    database::{Reader, Rows, Select, Update, Writer, quoted},
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
        keep(timeout, connection.execute("BEGIN IMMEDIATE")).await?;
        Ok(Self { connection: Mutex::new(connection), timeout })
    }
}

#[async_trait]
impl Reader for SqliteWriter {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        let mut connection = self.connection.lock().await;
        keep(self.timeout, select(&mut *connection, query, rows)).await
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn update(&self, update: &Update<'_>) -> Result<u64, DbError> {
        let set: Vec<_> = update.columns.iter().map(|column| format!("{} = ?", quoted(&column.name))).collect();
        let same: Vec<_> = update.key.iter().map(|column| format!("{} = ?", quoted(&column.name))).collect();
        let sql = format!("UPDATE {} SET {} WHERE {}", quoted(&update.table.name), set.join(", "), same.join(" AND "));
        let mut connection = self.connection.lock().await;
        let work = async {
            let mut changed = 0;
            for row in update.rows {
                let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
                for value in &row.values {
                    query = query.bind(value.as_deref());
                }
                for key in &row.key {
                    query = query.bind(key.as_str());
                }
                changed += query.execute(&mut *connection).await?.rows_affected();
            }
            Ok(changed)
        };
        keep(self.timeout, work).await
    }

    async fn commit(self: Box<Self>) -> Result<(), DbError> {
        let mut connection = self.connection.into_inner();
        keep(self.timeout, connection.execute("COMMIT")).await?;
        Ok(())
    }
}
