//! One transaction on either kind of database. Statements are written once: what differs between the two is in
//! [`Dialect`], and nowhere else.

use segment_core::ports::StoreError;
use sqlx::{
    Arguments, AssertSqlSafe, Encode, FromRow, PgTransaction, SqliteTransaction, Type,
    postgres::{PgArguments, PgRow},
    sqlite::{SqliteArguments, SqliteRow},
};

use super::errors;

/// Which SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Milliseconds of the database's clock.
    pub(super) fn now(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)",
            Self::Postgres => "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)",
        }
    }

    /// Locks the selected rows of a table, passing over those that somebody else has. On SQLite the whole database is locked
    /// already.
    pub(super) fn take_free(self, table: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!("FOR UPDATE OF {table} SKIP LOCKED"),
        }
    }

    /// Locks the selected rows of a table, waiting for whoever has them.
    pub(super) fn take_all(self, table: &str) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => format!("FOR UPDATE OF {table}"),
        }
    }

    /// The members of a JSON list, each as `id`.
    pub(super) fn each(self, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("SELECT value AS id FROM json_each({parameter})"),
            Self::Postgres => format!("SELECT jsonb_array_elements_text(CAST({parameter} AS JSONB)) AS id"),
        }
    }

    /// The same for a column of bytes, and a list of hexadecimal digits.
    pub(super) fn listed_bytes(self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN (SELECT unhex(value) FROM json_each({parameter}))"),
            Self::Postgres => format!(
                "{column} = ANY(ARRAY(SELECT decode(e, 'hex') FROM jsonb_array_elements_text(CAST({parameter} AS JSONB)) AS e))"
            ),
        }
    }

    /// A table of the objects of a JSON list, each in the column `value`.
    pub(super) fn rows(self, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("json_each({parameter})"),
            Self::Postgres => format!("jsonb_array_elements(CAST({parameter} AS JSONB)) AS rows(value)"),
        }
    }

    /// The bytes that a member of such an object stands for, in hexadecimal digits.
    pub(super) fn bytes(self, name: &str) -> String {
        match self {
            Self::Sqlite => format!("unhex(value->>'{name}')"),
            Self::Postgres => format!("decode(value->>'{name}', 'hex')"),
        }
    }

    /// The type of bytes.
    pub(super) fn binary(self) -> &'static str {
        match self {
            Self::Sqlite => "BLOB",
            Self::Postgres => "BYTEA",
        }
    }

    /// A condition that an index serves: the JSON list holds the column.
    pub(super) fn listed(self, column: &str, parameter: &str) -> String {
        self.chosen(column, &self.each(parameter))
    }

    /// A condition: the statement, which is run once, answers with the column.
    pub(super) fn chosen(self, column: &str, select: &str) -> String {
        match self {
            Self::Sqlite => format!("{column} IN ({select})"),
            // Of a list that is a value the planner looks up each member, and reads nothing besides.
            Self::Postgres => format!("{column} = ANY(ARRAY({select}))"),
        }
    }

    /// A condition: the parameter is null, or a JSON list that holds the column.
    pub(super) fn within(self, column: &str, parameter: &str) -> String {
        format!("(CAST({parameter} AS TEXT) IS NULL OR {})", self.listed(column, parameter))
    }
}

/// A transaction. Dropping it without [`commit`](Self::commit) undoes it.
pub(super) enum Db {
    Sqlite(SqliteTransaction<'static>),
    Postgres(PgTransaction<'static>),
}

/// A bound parameter. Nothing of a value is ever in the text of a statement.
pub(super) enum Arg {
    Flag(bool),
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The parameters `$1`, `$2`, … of a statement.
macro_rules! args {
    ($($value:expr),* $(,)?) => { [$($crate::records::db::Arg::from($value)),*] };
}
pub(super) use args;

/// A row that reads the same on both.
pub(super) trait Row: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin> Row for T {}

impl Db {
    pub(super) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let done = match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        };
        done.map_err(errors::database)
    }

    /// Waits until nobody else is in a transaction with this lock.
    pub(super) async fn lock(&mut self, name: &str) -> Result<(), StoreError> {
        if let Self::Postgres(_) = self {
            self.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", args![name]).await?;
        }
        Ok(())
    }

    /// Runs a statement; how many rows it changed.
    pub(super) async fn execute<const N: usize>(&mut self, sql: &str, args: [Arg; N]) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(sql.to_owned());
        let done = match self {
            Self::Sqlite(tx) => sqlx::query_with(sql, bound::<SqliteArguments, N>(args)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Self::Postgres(tx) => sqlx::query_with(sql, bound::<PgArguments, N>(args)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        };
        done.map_err(errors::database)
    }

    /// Every row.
    pub(super) async fn all<T: Row, const N: usize>(
        &mut self,
        sql: &str,
        args: [Arg; N],
    ) -> Result<Vec<T>, StoreError> {
        let sql = AssertSqlSafe(sql.to_owned());
        let rows = match self {
            Self::Sqlite(tx) => sqlx::query_as_with(sql, bound::<SqliteArguments, N>(args)?).fetch_all(&mut **tx).await,
            Self::Postgres(tx) => sqlx::query_as_with(sql, bound::<PgArguments, N>(args)?).fetch_all(&mut **tx).await,
        };
        rows.map_err(errors::database)
    }

    /// The first row, if there is one.
    pub(super) async fn optional<T: Row, const N: usize>(
        &mut self,
        sql: &str,
        args: [Arg; N],
    ) -> Result<Option<T>, StoreError> {
        let sql = AssertSqlSafe(sql.to_owned());
        let row = match self {
            Self::Sqlite(tx) => {
                sqlx::query_as_with(sql, bound::<SqliteArguments, N>(args)?).fetch_optional(&mut **tx).await
            }
            Self::Postgres(tx) => {
                sqlx::query_as_with(sql, bound::<PgArguments, N>(args)?).fetch_optional(&mut **tx).await
            }
        };
        row.map_err(errors::database)
    }

    /// The row that there must be.
    pub(super) async fn one<T: Row, const N: usize>(&mut self, sql: &str, args: [Arg; N]) -> Result<T, StoreError> {
        self.optional(sql, args).await?.ok_or_else(|| errors::database(sqlx::Error::RowNotFound))
    }
}

fn bound<A: Arguments, const N: usize>(args: [Arg; N]) -> Result<A, StoreError>
where
    for<'t> bool: Encode<'t, A::Database> + Type<A::Database>,
    for<'t> Option<i64>: Encode<'t, A::Database> + Type<A::Database>,
    for<'t> Option<String>: Encode<'t, A::Database> + Type<A::Database>,
    for<'t> Option<Vec<u8>>: Encode<'t, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    for arg in args {
        let added = match arg {
            Arg::Flag(value) => arguments.add(value),
            Arg::Number(value) => arguments.add(value),
            Arg::Text(value) => arguments.add(value),
            Arg::Bytes(value) => arguments.add(value),
        };
        added.map_err(|error| errors::database(sqlx::Error::Encode(error)))?;
    }
    Ok(arguments)
}

/// What may be bound, with and without a value.
macro_rules! bindable {
    ($($variant:ident: $($kind:ty = $owned:expr),+;)+) => {
        $($(
            impl From<$kind> for Arg {
                fn from(value: $kind) -> Self {
                    Self::$variant(Some($owned(value)))
                }
            }

            impl From<Option<$kind>> for Arg {
                fn from(value: Option<$kind>) -> Self {
                    Self::$variant(value.map($owned))
                }
            }
        )+)+
    };
}

bindable! {
    Number: i64 = i64::from, u32 = i64::from;
    Text: &str = str::to_owned, String = String::from, &String = String::clone;
    Bytes: &[u8] = <[u8]>::to_vec, Vec<u8> = Vec::from;
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Flag(value)
    }
}
