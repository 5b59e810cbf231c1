//! SQLite files.
//!
//! A key is bound as text and, where it is an integer, as an integer too: the affinity of a column converts either, so
//! that an index is used, and a column without affinity finds what it holds in either form.

mod catalogue;
mod statement;
mod writer;

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use self::{statement::select, writer::SqliteWriter};
use super::{
    OwnedOptions,
    database::{Column, Columns, Constraints, Cost, Database, Reader, Rows, Select, Table, Writer, quoted},
    error::DbError,
};

#[derive(Debug)]
pub(crate) struct Sqlite {
    pool: SqlitePool,
    connect: SqliteConnectOptions,
    timeout: Duration,
}

impl Sqlite {
    pub(crate) fn open(url: &str, options: &OwnedOptions) -> Result<Self, &'static str> {
        let path = url.trim_start_matches("sqlite:").trim_start_matches("//");
        if path.is_empty() || path.contains(":memory:") || path.contains("mode=memory") {
            return Err("it must name a file: sqlite://path/to/file.db");
        }
        let connect = SqliteConnectOptions::from_str(url)
            .map_err(|_| "it must be sqlite://path/to/file.db, with % and ? in the path written %25 and %3F")?
            .create_if_missing(false)
            .busy_timeout(options.connect_timeout)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.connect_timeout)
            .connect_lazy_with(connect.clone().read_only(true).pragma("query_only", "ON"));
        Ok(Self { pool, connect, timeout: options.statement_timeout })
    }

    async fn keep<T>(&self, work: impl Future<Output = Result<T, sqlx::Error>> + Send) -> Result<T, DbError> {
        keep(self.timeout, work).await
    }
}

/// Waits so long and no longer.
async fn keep<T>(timeout: Duration, work: impl Future<Output = Result<T, sqlx::Error>> + Send) -> Result<T, DbError> {
    match tokio::time::timeout(timeout, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(DbError::TimedOut),
    }
}

#[async_trait]
impl Reader for Sqlite {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        select(&self.pool, query, self.timeout, rows).await
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn ping(&self) -> Result<(), DbError> {
        self.keep(sqlx::query("SELECT count(*) FROM sqlite_schema").execute(&self.pool)).await.map(drop)
    }

    async fn table_names(&self) -> Result<Vec<String>, DbError> {
        self.keep(sqlx::query_scalar(catalogue::TABLE_NAMES).fetch_all(&self.pool)).await
    }

    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        self.keep(catalogue::columns(&self.pool, &table.name)).await
    }

    async fn constraints(&self, table: &Table) -> Result<Constraints, DbError> {
        self.keep(catalogue::constraints(&self.pool, &table.name)).await
    }

    async fn explain(&self, table: &Table, column: &Column) -> Result<Cost, DbError> {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT 1 FROM {} AS t WHERE t.{} IN (?, ?)",
            quoted(&table.name),
            quoted(&column.name)
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind("").bind(0).fetch_all(&self.pool);
        let rows = self.keep(rows).await?;
        let details: Vec<_> = rows.iter().filter_map(|row| row.try_get::<String, _>("detail").ok()).collect();
        let search = |detail: &String| detail.starts_with("SEARCH") && !detail.contains("AUTOMATIC");
        let index = details.iter().any(search) && !details.iter().any(|detail| detail.starts_with("SCAN"));
        let rows = self.keep(catalogue::expected_rows(&self.pool, &table.name, &column.name)).await?;
        Ok(Cost { index, rows })
    }

    fn create_index(&self, table: &Table, column: &Column) -> String {
        let name = quoted(&format!("{}_{}", table.name, column.name));
        format!("CREATE INDEX {name} ON {} ({})", quoted(&table.name), quoted(&column.name))
    }

    async fn begin(&self) -> Result<Box<dyn Writer>, DbError> {
        let connection = self.keep(self.connect.connect()).await?;
        Ok(Box::new(SqliteWriter::begin(connection, self.timeout).await?))
    }
}

/// Whether a column of that declared type has text affinity (<https://sqlite.org/datatype3.html>, section 3.1).
fn is_text(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    !declared.contains("INT") && ["CHAR", "CLOB", "TEXT"].iter().any(|part| declared.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_write_through_the_pool_fails() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let writer = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let writer = SqlitePool::connect_with(writer).await.unwrap();
        sqlx::query("CREATE TABLE customer (id INTEGER)").execute(&writer).await.unwrap();

        let url = format!("sqlite://{}", path.display());
        let sqlite = Sqlite::open(&url, &OwnedOptions::default()).unwrap();
        for sql in ["INSERT INTO customer VALUES (1)", "CREATE TABLE other (id)", "DROP TABLE customer"] {
            let error = sqlx::query(sql).execute(&sqlite.pool).await.unwrap_err();
            assert!(error.to_string().contains("readonly database"), "{error}");
        }
        assert_eq!(sqlite.table_names().await.unwrap(), ["customer"]);
    }

    #[test]
    fn affinity_of_declared_types() {
        for (declared, expected) in [
            ("TEXT", true),
            ("varchar(20)", true),
            ("CLOB", true),
            ("INTEGER", false),
            ("CHARINT", false),
            ("", false),
            ("BLOB", false),
            ("REAL", false),
            ("DECIMAL(10,2)", false),
        ] {
            assert_eq!(is_text(declared), expected, "{declared}");
        }
    }
}
