//! MySQL and MariaDB.
//!
//! A string that is compared with a number is cut at its first letter here, and may keep the index from being used. So a key
//! of a number is bound as a number, and one that is none is not asked for.

use std::{str::FromStr, time::Duration};

use async_trait::async_trait;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, MySqlConnection, MySqlPool, Row as _,
    mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlPoolOptions, MySqlRow},
};

use super::{
    OwnedOptions,
    database::{Column, Columns, Comparison, Database, Row, Select, Table},
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

/// Texts are cast: MySQL 8 has columns of its catalogue as bytes.
const COLUMNS: &str = "
SELECT CAST(column_name AS CHAR), CAST(data_type AS CHAR)
FROM information_schema.columns
WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?
AND (@@lower_case_table_names > 0 OR CAST(table_name AS BINARY) = CAST(? AS BINARY))";

const TABLE_NAMES: &str =
    "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()";

/// What a decimal can hold, and after the point.
const DIGITS: usize = 65;
const SCALE: usize = 30;

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
            .after_connect(move |connection, _| Box::pin(prepare(connection, limits.statement)))
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

    /// Whether it really was a key that did not fit. A view can fail alike for reasons of its own, and then silence would say
    /// that a person is not known.
    async fn uncastable(&self, query: &Select<'_>) -> DbError {
        let (key, take) = (bytes(query.key), bytes(query.take));
        let sql = format!("SELECT {key}, {take} FROM {} AS t LIMIT 0", name(query.table));
        match self.limits.keep(sqlx::query(AssertSqlSafe(sql)).execute(&self.pool)).await {
            Ok(_) => DbError::Uncastable,
            Err(DbError::Uncastable) => DbError::broken_row(),
            Err(error) => error,
        }
    }

    /// A key that does not fit the type that the column had may fit the one that it has now.
    async fn still_is(&self, table: &Table, column: &Column) -> Result<(), DbError> {
        let now = self.columns(table).await?.and_then(|mut columns| columns.remove(&column.name));
        if now.as_ref() == Some(column) { Ok(()) } else { Err(DbError::changed()) }
    }
}

/// Makes a session one that only reads, and none that reads for ever.
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
    connection.execute("SET SESSION TRANSACTION READ ONLY").await?;
    Ok(())
}

#[async_trait]
impl Database for MySql {
    async fn ping(&self) -> Result<(), DbError> {
        // Not through the pool, which waits instead of saying what is wrong.
        let connected = tokio::time::timeout(self.limits.connect, self.connect.connect()).await;
        let mut connection = connected.map_err(|_| sqlx::Error::PoolTimedOut)??;
        let looked = async {
            prepare(&mut connection, self.limits.statement).await?;
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
        self.limits.keep(sqlx::query_scalar(TABLE_NAMES).fetch_all(&self.pool)).await
    }

    async fn columns(&self, table: &Table) -> Result<Option<Columns>, DbError> {
        let (schema, name) = parts(table);
        let rows =
            self.limits.keep(sqlx::query(COLUMNS).bind(schema).bind(name).bind(name).fetch_all(&self.pool)).await?;
        let columns = rows.iter().map(column).collect::<Result<Vec<_>, _>>()?;
        let columns: Columns = columns.into_iter().map(|column| (column.name.clone(), column)).collect();
        if columns.is_empty() { self.why_not(table).await } else { Ok(Some(columns)) }
    }

    async fn select(&self, query: &Select<'_>) -> Result<Vec<Row>, DbError> {
        let keys: Vec<_> = query.keys.iter().filter_map(|key| bind(query.key, key)).collect();
        if keys.len() < query.keys.len() {
            self.still_is(query.table, query.key).await?;
        }
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let Some(mark) = mark(&keys) else { return Err(DbError::Uncastable) };
        // Bytes keep DISTINCT from merging what only some collation equates.
        let sql = format!(
            "SELECT DISTINCT {}, {} FROM {} AS t WHERE t.{} IN ({}) AND t.{} IS NOT NULL LIMIT {}",
            bytes(query.key),
            bytes(query.take),
            name(query.table),
            quoted(&query.key.name),
            vec![mark.as_str(); keys.len()].join(", "),
            quoted(&query.take.name),
            query.limit
        );
        let mut select = sqlx::query(AssertSqlSafe(sql));
        for key in keys {
            select = match key {
                Bind::Signed(number) => select.bind(number),
                Bind::Unsigned(number) => select.bind(number),
                Bind::Decimal(text) | Bind::Text(text) => select.bind(text.to_owned()),
            };
        }
        let rows = match self.limits.keep(select.fetch_all(&self.pool)).await {
            Err(DbError::Uncastable) => return Err(self.uncastable(query).await),
            rows => rows?,
        };
        Ok(rows.iter().map(|row| Row { key: unicode(row, 0), taken: unicode(row, 1) }).collect())
    }

    async fn index_serves(&self, table: &Table, column: &Column) -> Result<bool, DbError> {
        let value = if column.comparison == Comparison::Number { "0" } else { "''" };
        let sql = format!(
            "EXPLAIN FORMAT=TRADITIONAL SELECT 1 FROM {} AS t WHERE t.{} = {value}",
            name(table),
            quoted(&column.name)
        );
        let rows = self.limits.keep(sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool)).await?;
        let says = |row: &MySqlRow, column: &str| row.try_get::<Option<String>, _>(column).ok().flatten();
        // A small table is read as a whole even where there is an index. "const table" is what a unique index makes of a value
        // that nobody has.
        Ok(rows.iter().any(|row| {
            says(row, "possible_keys").is_some()
                || says(row, "Extra").is_some_and(|extra| extra.contains("const table"))
        }))
    }

    fn create_index(&self, table: &Table, column: &Column) -> String {
        let whole = format!("{}_{}", table.name.replace('.', "_"), column.name);
        let index: String = whole.chars().take(MAX_NAME).collect();
        let prefix = if is_long(&column.sql_type) { format!("({PREFIX})") } else { String::new() };
        format!("CREATE INDEX {} ON {} ({}{prefix})", quoted(&index), name(table), quoted(&column.name))
    }
}

/// A key as the column's type compares it.
#[derive(Debug, PartialEq)]
enum Bind<'a> {
    Signed(i64),
    Unsigned(u64),
    Decimal(&'a str),
    Text(&'a str),
}

/// How the keys are written. A list that mixes numbers and decimals is not served by an index, so one decimal makes all of them
/// decimals. `None` if no decimal type holds all: halved, they are asked for apart.
fn mark(keys: &[Bind<'_>]) -> Option<String> {
    let decimals =
        || keys.iter().filter_map(|key| if let Bind::Decimal(text) = key { Some(digits(text)) } else { None });
    let Some(scale) = decimals().map(|(_, fraction)| fraction).max() else { return Some("?".to_owned()) };
    let fits = decimals().all(|(whole, _)| whole + scale <= DIGITS);
    fits.then(|| format!("CAST(? AS DECIMAL({DIGITS}, {scale}))"))
}

/// How many digits are before and after the point.
fn digits(decimal: &str) -> (usize, usize) {
    let decimal = decimal.strip_prefix('-').unwrap_or(decimal);
    decimal.split_once('.').map_or((decimal.len(), 0), |(whole, fraction)| (whole.len(), fraction.len()))
}

/// `None` for what no row of the column can have.
fn bind<'a>(column: &Column, key: &'a str) -> Option<Bind<'a>> {
    if column.comparison != Comparison::Number {
        return Some(Bind::Text(key));
    }
    let key = key.trim();
    let whole = key.parse().map(Bind::Signed).or_else(|_| key.parse().map(Bind::Unsigned));
    let is_decimal = || {
        let all = key.strip_prefix('-').unwrap_or(key).bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let (whole, fraction) = digits(key);
        all && key.matches('.').count() <= 1 && whole > 0 && fraction <= SCALE && whole + fraction <= DIGITS
    };
    whole.ok().or_else(|| is_decimal().then_some(Bind::Decimal(key)))
}

/// The bytes of a value's text.
fn bytes(column: &Column) -> String {
    let name = quoted(&column.name);
    // Converting bytes that are no text makes question marks of them.
    let is_bytes = column.sql_type.ends_with("binary") || column.sql_type.ends_with("blob");
    if is_bytes {
        return format!("t.{name}");
    }
    // Without the zeros that `zerofill` puts before a number.
    let plain = if column.comparison == Comparison::Number { " + 0" } else { "" };
    format!("CAST(CONVERT(t.{name}{plain} USING utf8mb4) AS BINARY)")
}

/// A text, or `None` where the bytes are none.
fn unicode(row: &MySqlRow, index: usize) -> Option<String> {
    let bytes = row.try_get::<Option<Vec<u8>>, _>(index).ok().flatten()?;
    String::from_utf8(bytes).ok()
}

fn column(row: &MySqlRow) -> Result<Column, sqlx::Error> {
    let (name, sql_type): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let sql_type = sql_type.to_ascii_lowercase();
    let comparison = match sql_type.as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" => Comparison::Number,
        "uuid" => Comparison::Uuid,
        _ => Comparison::Exact,
    };
    // The text of a float is not its value, and bytes of a fixed length are filled up or are a number's: both would miss people.
    let scalar = !matches!(
        sql_type.as_str(),
        "float"
            | "double"
            | "binary"
            | "json"
            | "bit"
            | "set"
            | "vector"
            | "geometry"
            | "geomcollection"
            | "geometrycollection"
            | "point"
            | "multipoint"
            | "linestring"
            | "multilinestring"
            | "polygon"
            | "multipolygon"
    );
    Ok(Column { name, sql_type, comparison, scalar })
}

/// Whether an index needs to be told how much of it to read.
fn is_long(sql_type: &str) -> bool {
    sql_type.ends_with("text") || sql_type.ends_with("blob")
}

/// A database is what others call a schema. A dot in a name without one parts the two.
fn parts(table: &Table) -> (Option<&str>, &str) {
    match &table.schema {
        Some(schema) => (Some(schema.as_str()), table.name.as_str()),
        None => table.name.split_once('.').map_or((None, table.name.as_str()), |(schema, name)| (Some(schema), name)),
    }
}

fn name(table: &Table) -> String {
    match parts(table) {
        (Some(schema), name) => format!("{}.{}", quoted(schema), quoted(name)),
        (None, name) => quoted(name),
    }
}

/// A name as MySQL writes it, whatever is in it.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(sql_type: &str, comparison: Comparison) -> Column {
        Column { name: "email".to_owned(), sql_type: sql_type.to_owned(), comparison, scalar: true }
    }

    #[test]
    fn keys_are_bound_as_the_column_compares() {
        let number = column("bigint", Comparison::Number);
        for (key, expected) in [
            ("42", Some(Bind::Signed(42))),
            ("-7", Some(Bind::Signed(-7))),
            ("18446744073709551615", Some(Bind::Unsigned(u64::MAX))),
            ("99999999999999999999", Some(Bind::Decimal("99999999999999999999"))),
            ("1.50", Some(Bind::Decimal("1.50"))),
            (
                "1234567890123456789012345678901234567890",
                Some(Bind::Decimal("1234567890123456789012345678901234567890")),
            ),
            ("1.2.3", None),
            ("12abc", None),
            ("1e0", None),
            ("", None),
            (".", None),
            ("NULL", None),
        ] {
            assert_eq!(bind(&number, key), expected, "{key}");
        }
        assert_eq!(bind(&column("varchar", Comparison::Exact), "12abc"), Some(Bind::Text("12abc")));
    }

    #[test]
    fn one_decimal_makes_all_decimals() {
        let (long, fine) = ("9".repeat(40), format!("0.{}", "1".repeat(30)));
        assert_eq!(mark(&[Bind::Signed(1), Bind::Unsigned(u64::MAX)]).unwrap(), "?");
        assert_eq!(mark(&[Bind::Signed(1), Bind::Decimal("1.50")]).unwrap(), "CAST(? AS DECIMAL(65, 2))");
        assert_eq!(mark(&[Bind::Decimal(&long)]).unwrap(), "CAST(? AS DECIMAL(65, 0))");
        assert_eq!(mark(&[Bind::Decimal(&long), Bind::Decimal(&fine)]), None);
    }

    #[test]
    fn names_cannot_leave_their_quotes() {
        let table = |schema: Option<&str>, name: &str| Table { schema: schema.map(Into::into), name: name.to_owned() };
        assert_eq!(name(&table(None, "a` OR 1=1 --")), "`a`` OR 1=1 --`");
        assert_eq!(name(&table(None, "sales.customer")), "`sales`.`customer`");
        assert_eq!(name(&table(Some("sales"), "a.b")), "`sales`.`a.b`");
    }
}
