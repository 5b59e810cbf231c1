//! MySQL and MariaDB.
//!
//! A string that is compared with a number is cut at its first letter here, and may keep the index from being used. So a key
//! of a number is bound as a number, and one that is none is not asked for.

mod catalogue;
mod keys;
mod statement;
mod writer;

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlConnection, MySqlExecutor, MySqlPool, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions, MySqlRow},
};

use self::{
    statement::{bytes, name, quoted, select, unicode},
    writer::MySqlWriter,
};
use super::{
    OwnedOptions,
    database::{Column, Columns, Comparison, Constraints, Cost, Database, Keys, Reader, Rows, Select, Table, Writer},
    error::DbError,
    server::{Limits, check_parameters},
};

/// What may stand in the URL.
const PARAMETERS: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslca",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "socket",
];

/// The longest name of an index.
const MAX_NAME: usize = 64;

/// How much of a text an index reads; 768 bytes fit into every row format.
const PREFIX: usize = 191;

pub(crate) struct MySql {
    pool: MySqlPool,
    connect: MySqlConnectOptions,
    limits: Limits,
}

/// Without the options, which hold the password.
impl std::fmt::Debug for MySql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MySql").finish_non_exhaustive()
    }
}

impl MySql {
    pub(crate) fn open(url: &str, options: &OwnedOptions) -> Result<Self, &'static str> {
        check_parameters(url, |key| PARAMETERS.contains(&key))?;
        let connect = MySqlConnectOptions::from_str(url)
            .map_err(|_| "it must be mysql://user:password@host:port/database, with special characters in % notation")?
            .disable_statement_logging();
        if connect.get_database().is_none_or(str::is_empty) {
            return Err("it names no database: mysql://user:password@host:port/database");
        }
        let limits = Limits::of(options);
        let pool = MySqlPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(limits.connect)
            .after_connect(move |connection, _| Box::pin(prepare_to_read(connection, limits.statement)))
            .connect_lazy_with(connect.clone());
        Ok(Self { pool, connect, limits })
    }

    /// The catalogue leaves out what one may not read and what cannot be opened, as if it were not there.
    async fn why_not(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        const NO_SUCH_TABLE: u16 = 1146;
        let sql = format!("SELECT 1 FROM {} LIMIT 0", name(table));
        let gone = |error: &sqlx::Error| {
            let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
            error.is_some_and(|error| error.number() == NO_SUCH_TABLE)
        };
        let opened = async {
            match sqlx::query(AssertSqlSafe(sql)).execute(&self.pool).await {
                Err(error) if !gone(&error) => Err(error),
                _ => Ok(None),
            }
        };
        self.limits.keep(opened).await
    }

    async fn open_connection(&self) -> Result<MySqlConnection, DbError> {
        // Not through the pool, which waits instead of saying what is wrong.
        let connected = tokio::time::timeout(self.limits.connect, self.connect.connect()).await;
        Ok(connected.map_err(|_| sqlx::Error::PoolTimedOut)??)
    }

    /// A key that does not fit the type that the column had may fit the one that it has now.
    async fn still_is(&self, table: &Table, column: &Column) -> Result<(), DbError> {
        let now = self.columns(table).await?.and_then(|mut columns| columns.remove(&column.name));
        if now.as_ref() == Some(column) { Ok(()) } else { Err(DbError::changed()) }
    }
}

/// Whether it really was a key that did not fit. A view can fail alike for reasons of its own, and then silence would say that a
/// person is not known.
async fn uncastable(executor: impl MySqlExecutor<'_>, query: &Select<'_>, limits: Limits) -> DbError {
    let columns = query.keys.columns().into_iter().chain(query.take.iter().map(|output| output.column));
    let columns: Vec<_> = columns.map(bytes).collect();
    let sql = format!("SELECT {} FROM {} AS t LIMIT 0", columns.join(", "), name(query.table));
    match limits.keep(sqlx::query(AssertSqlSafe(sql)).execute(executor)).await {
        Ok(_) => DbError::Uncastable,
        Err(DbError::Uncastable) => DbError::broken_row(),
        Err(error) => error,
    }
}

/// Makes a session one that does not work for ever.
async fn prepare(connection: &mut MySqlConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    let limit = if version.contains("MariaDB") {
        format!("SET SESSION max_statement_time = {}", timeout.as_secs_f64())
    } else {
        format!("SET SESSION max_execution_time = {}", timeout.as_millis().max(1))
    };
    // What the server may have as its default: a snapshot that never ends, and `char` with its padding.
    connection.execute("SET SESSION autocommit = 1, sql_mode = ''").await?;
    connection.execute(AssertSqlSafe(limit)).await?;
    Ok(())
}

/// The same, of a session that only reads.
async fn prepare_to_read(connection: &mut MySqlConnection, timeout: Duration) -> Result<(), sqlx::Error> {
    prepare(connection, timeout).await?;
    connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
    Ok(())
}

#[async_trait]
impl Reader for MySql {
    async fn select(&self, query: &Select<'_>, rows: Rows) -> Result<(), DbError> {
        if let Keys::Of(column, keys) = query.keys {
            let fitting = keys.iter().filter(|key| keys::bind(column, key).is_some()).count();
            if fitting < keys.len() {
                self.still_is(query.table, column).await?;
            }
        }
        match select(&self.pool, query, "", self.limits, rows).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(DbError::Uncastable),
            Err(DbError::Uncastable) => Err(uncastable(&self.pool, query, self.limits).await),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Database for MySql {
    async fn ping(&self) -> Result<(), DbError> {
        let mut connection = self.open_connection().await?;
        let looked = async {
            prepare_to_read(&mut connection, self.limits.statement).await?;
            // MariaDB calls it `tx_read_only`, MySQL 8 `transaction_read_only`.
            let sql = "SHOW SESSION VARIABLES WHERE variable_name IN ('tx_read_only', 'transaction_read_only')";
            sqlx::query(sql).fetch_all(&mut connection).await
        };
        let looked = self.limits.keep(looked).await;
        let _ = connection.close().await;
        let is_on = |row: &MySqlRow| unicode(row, 1).is_some_and(|value| value.eq_ignore_ascii_case("on"));
        if looked?.iter().any(is_on) { Ok(()) } else { Err(DbError::not_read_only()) }
    }

    async fn table_names(&self) -> Result<Vec<String>, DbError> {
        self.limits.keep(sqlx::query_scalar(catalogue::TABLE_NAMES).fetch_all(&self.pool)).await
    }

    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        let columns = self.limits.keep(catalogue::columns(&self.pool, table)).await?;
        if columns.is_empty() { self.why_not(table).await } else { Ok(Some(columns)) }
    }

    async fn constraints(&self, table: &Table) -> Result<Constraints, DbError> {
        self.limits.keep(catalogue::constraints(&self.pool, table)).await
    }

    async fn explain(&self, table: &Table, column: &Column) -> Result<Cost, DbError> {
        let value = if column.comparison == Comparison::Number { "0" } else { "''" };
        let sql = format!(
            "EXPLAIN FORMAT=TRADITIONAL SELECT 1 FROM {} AS t WHERE t.{} = {value}",
            name(table),
            quoted(&column.name)
        );
        let lines = self.limits.keep(sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool)).await?;
        let says = |row: &MySqlRow, column: &str| row.try_get::<Option<String>, _>(column).ok().flatten();
        // A small table is read as a whole even where there is an index. "const table" is what a unique index makes of a value
        // that nobody has.
        let index = lines.iter().any(|row| {
            says(row, "possible_keys").is_some()
                || says(row, "Extra").is_some_and(|extra| extra.contains("const table"))
        });
        Ok(Cost { index, rows: self.limits.keep(catalogue::expected_rows(&self.pool, table, &column.name)).await? })
    }

    fn create_index(&self, table: &Table, column: &Column) -> String {
        let whole = format!("{}_{}", table.name.replace('.', "_"), column.name);
        let index: String = whole.chars().take(MAX_NAME).collect();
        let prefix = if is_long(&column.sql_type) { format!("({PREFIX})") } else { String::new() };
        format!("CREATE INDEX {} ON {} ({}{prefix})", quoted(&index), name(table), quoted(&column.name))
    }

    async fn begin(&self) -> Result<Box<dyn Writer>, DbError> {
        let connection = self.open_connection().await?;
        Ok(Box::new(MySqlWriter::begin(connection, self.limits).await?))
    }
}

/// Whether an index needs to be told how much of it to read.
fn is_long(sql_type: &str) -> bool {
    sql_type.ends_with("text") || sql_type.ends_with("blob")
}
