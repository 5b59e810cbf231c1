//! SQLite files.
//!
//! A key is bound as text and, where it is an integer, as an integer too: the affinity of a column converts either, so
//! that an index is used, and a column without affinity finds what it holds in either form.

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Row as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow},
};

use super::{
    OwnedOptions,
    database::{Column, Columns, Comparison, Database, Row, Select, Table, quoted},
    error::DbError,
};

#[derive(Debug)]
pub(crate) struct Sqlite {
    pool: SqlitePool,
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
            .read_only(true)
            .create_if_missing(false)
            .pragma("query_only", "ON")
            .busy_timeout(options.connect_timeout)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.connect_timeout)
            .connect_lazy_with(connect);
        Ok(Self { pool, timeout: options.statement_timeout })
    }

    async fn rows(&self, sql: String, binds: Vec<Bind>) -> Result<Vec<SqliteRow>, DbError> {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for bind in binds {
            query = match bind {
                Bind::Text(text) => query.bind(text),
                Bind::Integer(integer) => query.bind(integer),
                Bind::Blob(bytes) => query.bind(bytes),
            };
        }
        match tokio::time::timeout(self.timeout, query.fetch_all(&self.pool)).await {
            Ok(rows) => Ok(rows?),
            Err(_) => Err(DbError::timed_out()),
        }
    }
}

enum Bind {
    Text(String),
    Integer(i64),
    Blob(Vec<u8>),
}

#[async_trait]
impl Database for Sqlite {
    async fn ping(&self) -> Result<(), DbError> {
        self.rows("SELECT count(*) FROM sqlite_schema".to_owned(), Vec::new()).await.map(drop)
    }

    async fn table_names(&self) -> Result<Vec<String>, DbError> {
        let sql =
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";
        let rows = self.rows(sql.to_owned(), Vec::new()).await?;
        Ok(rows.iter().filter_map(|row| text(row, 0)).collect())
    }

    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        let sql = "SELECT name, type FROM pragma_table_xinfo(?1)";
        let rows = self.rows(sql.to_owned(), vec![Bind::Text(table.name.clone())]).await?;
        let columns: Columns = rows
            .iter()
            .filter_map(|row| text(row, 0).map(|name| (name.clone(), column(name, text(row, 1).unwrap_or_default()))))
            .collect();
        Ok(if columns.is_empty() { None } else { Some(columns) })
    }

    async fn select(&self, query: &Select<'_>) -> Result<Vec<Row>, DbError> {
        let binds: Vec<_> = query.keys.iter().flat_map(|key| forms(query.key, key)).collect();
        let (table, key, take) = (quoted(&query.table.name), quoted(&query.key.name), quoted(&query.take.name));
        // The alias keeps SQLite from reading an unknown quoted name as a string.
        let sql = format!(
            "SELECT DISTINCT CAST(t.{key} AS TEXT) COLLATE BINARY, CAST(t.{take} AS TEXT) COLLATE BINARY \
             FROM {table} AS t WHERE t.{key} IN ({}) AND t.{take} IS NOT NULL LIMIT {}",
            vec!["?"; binds.len()].join(", "),
            query.limit
        );
        let rows = self.rows(sql, binds).await?;
        Ok(rows.iter().map(|row| Row { key: text(row, 0), taken: text(row, 1) }).collect())
    }

    async fn index_serves(&self, table: &Table, column: &Column) -> Result<bool, DbError> {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT 1 FROM {} AS t WHERE t.{} IN (?, ?)",
            quoted(&table.name),
            quoted(&column.name)
        );
        let rows = self.rows(sql, vec![Bind::Text(String::new()), Bind::Integer(0)]).await?;
        let details: Vec<_> = rows.iter().filter_map(|row| row.try_get::<String, _>("detail").ok()).collect();
        let search = |detail: &String| detail.starts_with("SEARCH") && !detail.contains("AUTOMATIC");
        Ok(details.iter().any(search) && !details.iter().any(|detail| detail.starts_with("SCAN")))
    }

    fn create_index(&self, table: &Table, column: &Column) -> String {
        let name = quoted(&format!("{}_{}", table.name, column.name));
        format!("CREATE INDEX {name} ON {} ({})", quoted(&table.name), quoted(&column.name))
    }
}

/// A text, or `None` where the bytes are none.
fn text(row: &SqliteRow, index: usize) -> Option<String> {
    row.try_get::<Option<String>, _>(index).ok().flatten()
}

fn column(name: String, declared: String) -> Column {
    let comparison = if is_text(&declared) { Comparison::Exact } else { Comparison::Number };
    Column { name, sql_type: declared, comparison, scalar: true }
}

/// Whether a column of that declared type has text affinity (<https://sqlite.org/datatype3.html>, section 3.1).
fn is_text(declared: &str) -> bool {
    let declared = declared.to_ascii_uppercase();
    !declared.contains("INT") && ["CHAR", "CLOB", "TEXT"].iter().any(|part| declared.contains(part))
}

/// Every form in which a column can hold the key.
fn forms(column: &Column, key: &str) -> Vec<Bind> {
    let mut forms = vec![Bind::Text(key.to_owned())];
    if is_text(&column.sql_type) {
        return forms;
    }
    // Only the canonical spelling: `042` is another key than 42.
    if let Ok(integer) = key.parse::<i64>()
        && integer.to_string() == key
    {
        forms.push(Bind::Integer(integer));
    }
    let declared = column.sql_type.to_ascii_uppercase();
    if declared.is_empty() || declared.contains("BLOB") || declared == "ANY" {
        forms.push(Bind::Blob(key.as_bytes().to_vec()));
    }
    forms
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
