//! PostgreSQL.

use std::str::FromStr;

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool, Row as _,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};

use super::{
    OwnedOptions,
    database::{Column, Columns, Comparison, Database, Row, Select, Table, quoted},
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

/// The columns of a relation with the type below any domain. `-1` leaves the length out of the type, so that a cast
/// never cuts a value.
const COLUMNS: &str = "
WITH RECURSIVE base AS (
    SELECT a.attname, t.oid, t.typtype, t.typbasetype
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = pg_catalog.to_regclass($1)::oid AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
    SELECT b.attname, t.oid, t.typtype, t.typbasetype
    FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'
)
SELECT b.attname::text, pg_catalog.format_type(b.oid, -1), t.typname::text, t.typcategory::text
FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid WHERE b.typtype <> 'd'";

const TABLE_NAMES: &str = "
SELECT relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_catalog.pg_table_is_visible(c.oid)
AND n.nspname NOT IN ('pg_catalog', 'information_schema')";

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
            // After those of the URL, so that these hold.
            .options([
                ("default_transaction_read_only", "on"),
                ("statement_timeout", &options.statement_timeout.as_millis().to_string()),
                ("client_min_messages", "error"),
            ])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.connect_timeout)
            .connect_lazy_with(connect.clone());
        Ok(Self { pool, connect, limits: Limits::of(options) })
    }

    /// Whether it really was a key that did not fit. A view can fail alike for reasons of its own, and then silence
    /// would say that a person is not known.
    async fn uncastable(&self, query: &Select<'_>) -> DbError {
        let sql = format!("SELECT CAST($1 AS {}[]) IS NULL", query.key.sql_type);
        match self.limits.keep(sqlx::query(AssertSqlSafe(sql)).bind(query.keys).fetch_one(&self.pool)).await {
            Ok(_) => DbError::broken_row(),
            Err(error) => error,
        }
    }
}

#[async_trait]
impl Database for Postgres {
    async fn ping(&self) -> Result<(), DbError> {
        // Not through the pool, which waits instead of saying what is wrong.
        let connected = tokio::time::timeout(self.limits.connect, self.connect.connect()).await;
        let mut connection = connected.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let read_only = sqlx::query_scalar::<_, String>("SELECT current_setting('default_transaction_read_only')")
            .fetch_one(&mut connection)
            .await;
        let _ = connection.close().await;
        if read_only? == "on" { Ok(()) } else { Err(DbError::not_read_only()) }
    }

    async fn table_names(&self) -> Result<Vec<String>, DbError> {
        self.limits.keep(sqlx::query_scalar(TABLE_NAMES).fetch_all(&self.pool)).await
    }

    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        let rows = self.limits.keep(sqlx::query(COLUMNS).bind(name(table)).fetch_all(&self.pool)).await?;
        let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let columns: Columns = columns.into_iter().map(|column| (column.name.clone(), column)).collect();
        Ok(if columns.is_empty() { None } else { Some(columns) })
    }

    async fn select(&self, query: &Select<'_>) -> Result<Vec<Row>, DbError> {
        let (table, key, take) = (name(query.table), quoted(&query.key.name), quoted(&query.take.name));
        // The collation keeps DISTINCT from merging what only some collation equates.
        let sql = format!(
            "SELECT DISTINCT CAST(t.{key} AS text) COLLATE \"C\", CAST(t.{take} AS text) COLLATE \"C\" \
             FROM {table} AS t WHERE t.{key} = ANY (CAST($1 AS {}[])) AND t.{take} IS NOT NULL LIMIT {}",
            query.key.sql_type, query.limit
        );
        let rows = match self.limits.keep(sqlx::query(AssertSqlSafe(sql)).bind(query.keys).fetch_all(&self.pool)).await
        {
            Err(DbError::Uncastable) => return Err(self.uncastable(query).await),
            rows => rows?,
        };
        Ok(rows.iter().map(|row| Row { key: row.try_get(0).ok(), taken: row.try_get(1).ok() }).collect())
    }

    async fn index_serves(&self, table: &Table, column: &Column) -> Result<bool, DbError> {
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
        // Of a foreign table we cannot know.
        Ok(lines.iter().any(|line| line.contains("Index Cond") || line.contains("Foreign Scan")))
    }

    fn create_index(&self, table: &Table, column: &Column) -> String {
        format!("CREATE INDEX CONCURRENTLY ON {} ({})", name(table), quoted(&column.name))
    }
}

/// `"schema"."table"` or `"table"`. A dot in a name without a schema parts the two.
fn name(table: &Table) -> String {
    let split = match &table.schema {
        Some(schema) => Some((schema.as_str(), table.name.as_str())),
        None => table.name.split_once('.'),
    };
    split.map_or_else(|| quoted(&table.name), |(schema, table)| format!("{}.{}", quoted(schema), quoted(table)))
}

fn column(row: &PgRow) -> Result<Column, sqlx::Error> {
    let (type_name, category): (String, String) = (row.try_get(2)?, row.try_get(3)?);
    let comparison = match type_name.as_str() {
        "bpchar" => Comparison::Padded,
        "uuid" => Comparison::Uuid,
        _ if category == "N" => Comparison::Number,
        _ => Comparison::Exact,
    };
    let scalar = !matches!(category.as_str(), "A" | "C") && !matches!(type_name.as_str(), "json" | "xml");
    Ok(Column { name: row.try_get(0)?, sql_type: row.try_get(1)?, comparison, scalar })
}
