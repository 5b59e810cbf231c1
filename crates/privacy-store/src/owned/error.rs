//! What can go wrong, without values of people and without the URL: database messages repeat values
//! (`invalid input syntax for type integer: "…"`), so only their codes pass.

use std::fmt;

use segment_core::ports::DirectoryError;
use sqlx::mysql::MySqlDatabaseError;
use thiserror::Error;

/// Why an owned database cannot be opened. The URL is never repeated, since it can hold a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OwnedError {
    /// Another database than we can read.
    #[error("the database of the dataset {dataset} is none of sqlite://, postgres:// and mysql://")]
    UnsupportedScheme {
        /// The dataset's key in the configuration.
        dataset: String,
    },
    /// The URL cannot be read.
    #[error("the database URL of the dataset {dataset} cannot be read: {problem}")]
    Url {
        /// The dataset's key in the configuration.
        dataset: String,
        /// What is wrong with it, without its content.
        problem: &'static str,
    },
}

/// What happened at the database, in words that hold no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// Why a query gave no rows.
#[derive(Debug)]
pub(crate) enum DbError {
    /// Not reachable or busy.
    Unavailable(Fault),
    /// A value cannot be cast to a type. If it is a key, no row can have it.
    Uncastable,
    /// It took longer than it may.
    TimedOut,
    /// Tables or columns are not as they were.
    Schema(Fault),
    /// All else.
    Query(Fault),
}

impl DbError {
    /// What a transaction that writes meets: others may hold the rows, and nothing is done until it is whole.
    pub(crate) fn of_a_writer(self) -> Self {
        match self {
            Self::TimedOut => Self::Unavailable(Fault(self.fault())),
            other => other,
        }
    }

    pub(crate) fn changed() -> Self {
        Self::Schema(Fault("a column is not as it was".to_owned()))
    }

    pub(crate) fn too_many_rows(most: u64) -> Self {
        Self::Query(Fault(format!(
            "there are more than {most} rows of one person: is a reference missing its `direction`?"
        )))
    }

    pub(crate) fn does_not_fit() -> Self {
        Self::Query(Fault("a masked value does not fit its column; nothing was written".to_owned()))
    }

    pub(crate) fn inexact_json() -> Self {
        let message =
            "a JSON document has numbers of more digits than could be written back: mask its column as a whole";
        Self::Query(Fault(message.to_owned()))
    }

    pub(crate) fn unreadable_json() -> Self {
        Self::Query(Fault(
            "a JSON document is too deep, or has what cannot be read back: mask its column as a whole".to_owned(),
        ))
    }

    /// Rows are not what they were: again later.
    pub(crate) fn not_as_found() -> Self {
        Self::Unavailable(Fault(
            "other rows were there to write than were found: somebody else changes them, or a trigger or a row policy keeps them; \
             nothing was written"
                .to_owned(),
        ))
    }

    /// Somebody else changes the same rows: again later.
    pub(crate) fn clashed() -> Self {
        Self::Unavailable(Fault("rows were changed by somebody else meanwhile; nothing was written".to_owned()))
    }

    pub(crate) fn broken_row() -> Self {
        Self::Query(Fault(
            "computing a row's values failed; the table may be a view whose expressions do not fit its data".to_owned(),
        ))
    }

    pub(crate) fn not_read_only() -> Self {
        Self::Unavailable(Fault(
            "the session is not read-only: a connection pooler seems to drop the setting that makes it so".to_owned(),
        ))
    }

    pub(crate) fn fault(&self) -> String {
        match self {
            Self::Unavailable(fault) | Self::Schema(fault) | Self::Query(fault) => fault.to_string(),
            Self::Uncastable => "a value does not fit the column's type".to_owned(),
            Self::TimedOut => "the query took too long; an index may be missing, see `check`".to_owned(),
        }
    }

    /// The port's error; `collection` is where it happened.
    pub(crate) fn at(self, collection: &str) -> DirectoryError {
        match self {
            Self::Unavailable(fault) => DirectoryError::Unavailable(Box::new(fault)),
            Self::Schema(fault) => DirectoryError::Schema(format!("collection {collection}: {fault}")),
            Self::Query(fault) => DirectoryError::Query { collection: collection.to_owned(), source: Box::new(fault) },
            Self::Uncastable | Self::TimedOut => {
                DirectoryError::Query { collection: collection.to_owned(), source: Box::new(Fault(self.fault())) }
            }
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            // The operating system's words.
            sqlx::Error::Io(error) => Self::Unavailable(Fault(error.to_string())),
            sqlx::Error::Tls(error) => Self::Unavailable(Fault(format!("TLS: {error}"))),
            sqlx::Error::PoolTimedOut => Self::Unavailable(Fault("no connection could be opened in time".to_owned())),
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                Self::Unavailable(Fault("the connection was closed".to_owned()))
            }
            sqlx::Error::Configuration(_) => Self::Unavailable(Fault(
                "the connection's configuration was refused (certificate or key file?)".to_owned(),
            )),
            sqlx::Error::Protocol(_) => Self::Unavailable(Fault("the server answered out of protocol".to_owned())),
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default().into_owned();
                if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
                    sqlite(&code)
                } else if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                    mysql(error.number())
                } else {
                    // Names of the schema, not values.
                    postgres(&code, error.constraint())
                }
            }
            _ => Self::Query(Fault("the answer could not be read".to_owned())),
        }
    }
}

/// By the primary part of an extended result code (<https://sqlite.org/rescode.html>).
fn sqlite(code: &str) -> DbError {
    let primary = code.parse::<i32>().unwrap_or_default() & 0xff;
    let says = |text: &str| Fault(format!("{text} (SQLite code {code})"));
    match primary {
        1 => DbError::Schema(says("the query does not fit the tables")),
        5 | 6 => DbError::Unavailable(says("the database is locked")),
        8 => DbError::Query(says("the database is read-only")),
        10 => DbError::Unavailable(says("reading the file failed")),
        13 => DbError::Unavailable(says("the disk is full")),
        19 => DbError::Query(says(match code {
            "2067" | "1555" => "a unique index would be violated; nothing was written",
            "1299" => "a column does not allow null; nothing was written",
            "787" => "a foreign key would be violated; nothing was written",
            _ => "a constraint or a trigger refused it; nothing was written",
        })),
        11 => DbError::Unavailable(says("the database file is damaged")),
        14 => DbError::Unavailable(says("the database file cannot be opened: does it exist, and may we read it?")),
        26 => DbError::Unavailable(says("the file is not a database")),
        _ => DbError::Query(says("the query failed")),
    }
}

/// By number (<https://mariadb.com/kb/en/mariadb-error-code-reference/>), in which MySQL and MariaDB agree up to 1900.
fn mysql(number: u16) -> DbError {
    let says = |text: &str| Fault(format!("{text} (error {number})"));
    match number {
        // The server's limit of MariaDB, of MySQL, and a statement that was broken off by hand.
        1969 | 3024 | 1317 => DbError::TimedOut,
        // The last four: it holds what the column's character set lacks.
        1292 | 1366 | 1411 | 1525 | 1267 | 1270 | 1271 | 3988 => DbError::Uncastable,
        1146 => DbError::Schema(says("the table is gone")),
        1054 => DbError::Schema(says("a column is gone")),
        1356 => DbError::Schema(says("the view refers to what is gone, or what we may not read")),
        1345 => DbError::Schema(says("EXPLAIN of a view needs SHOW VIEW on it and SELECT on the tables behind it")),
        1142 | 1143 | 1370 => {
            DbError::Schema(says("the database user lacks a right: GRANT SELECT, for masking UPDATE too"))
        }
        1044 | 1045 | 1251 | 1698 => DbError::Unavailable(says("the user or the password was refused")),
        1129 | 1130 => DbError::Unavailable(says("the server lets nobody in from this host")),
        1820 | 1862 | 3118 | 4151 => DbError::Unavailable(says("the account is locked, or its password has expired")),
        3159 => DbError::Unavailable(says("the server demands TLS: ssl-mode=REQUIRED in the URL")),
        1049 => DbError::Unavailable(says("the database does not exist")),
        1792 => DbError::Query(says("the session is read-only")),
        1290 | 1836 => DbError::Unavailable(says("the server is read-only")),
        1062 | 1586 => DbError::Query(says("a unique index would be violated; nothing was written")),
        1048 => DbError::Query(says("a column does not allow null; nothing was written")),
        1406 => DbError::does_not_fit(),
        1451 | 1452 | 4025 | 3819 => DbError::Query(says("a constraint refused it; nothing was written")),
        1040 | 1041 | 1203 | 1226 => DbError::Unavailable(says("the server lacks resources")),
        1053 | 1077 | 1205 | 1213 | 1927 => DbError::Unavailable(says("the server is not available")),
        _ => DbError::Query(says("the query failed")),
    }
}

/// By SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn postgres(code: &str, constraint: Option<&str>) -> DbError {
    let constraint = constraint.map(|name| format!(", {name}")).unwrap_or_default();
    let says = |text: &str| Fault(format!("{text} (SQLSTATE {code}{constraint})"));
    match code {
        "57014" => DbError::TimedOut,
        "42P01" => DbError::Schema(says("the table is gone")),
        "42703" => DbError::Schema(says("a column is gone")),
        "42883" | "42804" | "42846" => DbError::Schema(says("a column's type cannot be compared")),
        "42501" => DbError::Schema(says(
            "the database user lacks a right: GRANT SELECT, for masking UPDATE too (and USAGE on the schema)",
        )),
        "23505" => DbError::Query(says("a unique index would be violated; nothing was written")),
        "23502" => DbError::Query(says("a column does not allow null; nothing was written")),
        "40001" | "40P01" => DbError::clashed(),
        "55P03" => DbError::Unavailable(says("another session holds the rows")),
        "3D000" => DbError::Unavailable(says("the database does not exist")),
        "25006" => DbError::Query(says("the session is read-only")),
        _ => match code.get(..2) {
            Some("22") => DbError::Uncastable,
            Some("23") => DbError::Query(says("a constraint or a trigger refused it; nothing was written")),
            Some("28") => DbError::Unavailable(says("the user or the password was refused")),
            Some("53") => DbError::Unavailable(says("the server lacks resources")),
            Some("08" | "57" | "58") => DbError::Unavailable(says("the server is not available")),
            _ => DbError::Query(says("the query failed")),
        },
    }
}
