//! Masking in one transaction.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, Executor, MySqlConnection};
use tokio::sync::Mutex;

use super::{
    keys::bind,
    prepare,
    statement::{bound, name, quoted, select},
    uncastable,
};
use crate::owned::{
    database::{Reader, Rows, Select, Update, Writer},
    error::DbError,
    server::Limits,
};

/// Rows are locked as they are read, and read as they are now. Dropped, the connection is closed, and the server rolls back.
#[derive(Debug)]
pub(super) struct MySqlWriter {
    connection: Mutex<MySqlConnection>,
    limits: Limits,
}

impl MySqlWriter {
    pub(super) async fn begin(mut connection: MySqlConnection, limits: Limits) -> Result<Self, DbError> {
        let begun = async {
            prepare(&mut connection, limits.statement).await?;
            // What does not fit is refused, not cut.
            connection.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES'").await?;
            connection.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").await?;
            let lock = limits.lock().as_secs().max(1);
            connection.execute(AssertSqlSafe(format!("SET SESSION innodb_lock_wait_timeout = {lock}"))).await?;
            connection.execute("START TRANSACTION").await
        };
        limits.keep_writer(begun).await?;
        Ok(Self { connection: Mutex::new(connection), limits })
    }
}

#[async_trait]
impl Reader for MySqlWriter {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        let mut connection = self.connection.lock().await;
        let lock = if query.lock { " FOR UPDATE" } else { "" };
        match select(&mut *connection, query, lock, self.limits, rows).await.map_err(DbError::of_a_writer) {
            Ok(true) => Ok(()),
            Ok(false) => Err(DbError::Uncastable),
            Err(DbError::Uncastable) => Err(uncastable(&mut *connection, query, self.limits).await),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Writer for MySqlWriter {
    async fn update(&self, update: &Update<'_>) -> Result<u64, DbError> {
        let set: Vec<_> = update.columns.iter().map(|column| format!("t.{} = ?", quoted(&column.name))).collect();
        let same: Vec<_> = update.key.iter().map(|column| format!("t.{} = ?", quoted(&column.name))).collect();
        let sql = format!("UPDATE {} AS t SET {} WHERE {}", name(update.table), set.join(", "), same.join(" AND "));
        let mut connection = self.connection.lock().await;
        let mut changed = 0;
        for row in update.rows {
            let mut query = sqlx::query(AssertSqlSafe(sql.clone()));
            for value in &row.values {
                query = query.bind(value.as_deref());
            }
            for (column, value) in update.key.iter().zip(&row.key) {
                let Some(key) = bind(column, value) else { return Ok(changed) };
                query = bound(query, &key);
            }
            changed += self.limits.keep_writer(query.execute(&mut *connection)).await?.rows_affected();
        }
        Ok(changed)
    }

    async fn commit(self: Box<Self>) -> Result<(), DbError> {
        let mut connection = self.connection.into_inner();
        self.limits.keep_writer(connection.execute("COMMIT")).await?;
        Ok(())
    }
}
