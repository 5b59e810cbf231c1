//! What the databases say, in the port's words.

use segment_core::ports::StoreError;
use sqlx::{error::DatabaseError, postgres::PgDatabaseError};

use crate::crypto::{CannotOpen, Place};

/// SQLite's primary result codes (sqlite.org/rescode.html).
const BUSY: i64 = 5;
const LOCKED: i64 = 6;
const READONLY: i64 = 8;
const IOERR: i64 = 10;
const FULL: i64 = 13;
const CANTOPEN: i64 = 14;

/// The primary result code of a database error.
pub(super) fn primary_code(error: &dyn DatabaseError) -> Option<i64> {
    error.code().and_then(|code| code.parse::<i64>().ok()).map(|code| code & 0xff)
}

pub(super) fn database(error: sqlx::Error) -> StoreError {
    let kind = kind(&error);
    let source = Box::new(error);
    match kind {
        Kind::Unavailable => StoreError::Unavailable(source),
        Kind::NotWritable => StoreError::NotWritable(source),
        Kind::Other => StoreError::Database(source),
    }
}

enum Kind {
    Unavailable,
    NotWritable,
    Other,
}

fn kind(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(error) if is_postgres(error.as_ref()) => of_postgres(&error.code().unwrap_or_default()),
        sqlx::Error::Database(error) => match primary_code(error.as_ref()) {
            Some(BUSY | LOCKED) => Kind::Unavailable,
            Some(READONLY | IOERR | FULL | CANTOPEN) => Kind::NotWritable,
            _ => Kind::Other,
        },
        // A server that is gone comes back; a file that cannot be read does not by itself.
        sqlx::Error::Io(error) if is_of_a_file(error.kind()) => Kind::NotWritable,
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// Whether it may pass: a disk that is full or fails, a server that takes no changes now. A permission does not.
pub(super) fn may_pass(error: &(dyn std::error::Error + 'static)) -> bool {
    let error = error.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| is_postgres(error) || matches!(primary_code(error), Some(IOERR | FULL)))
}

fn is_postgres(error: &dyn DatabaseError) -> bool {
    error.try_downcast_ref::<PgDatabaseError>().is_some()
}

/// By the class of the SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html).
fn of_postgres(code: &str) -> Kind {
    match (code, code.get(..2).unwrap_or_default()) {
        // Other clients hold the connections.
        ("53300", _) => Kind::Unavailable,
        // Read-only, no space, no memory, a limit.
        ("25006", _) | (_, "53") => Kind::NotWritable,
        // A clash of transactions, a lost connection, an operator's intervention, a lock that is not to be had.
        (_, "40" | "08" | "57") | ("55P03", _) => Kind::Unavailable,
        _ => Kind::Other,
    }
}

/// Everything else is the network's, whose errors have many kinds: a name that is not resolved has none of its own.
fn is_of_a_file(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind as K;
    matches!(kind, K::PermissionDenied | K::ReadOnlyFilesystem | K::StorageFull | K::QuotaExceeded)
}

/// Whether two transactions clashed: the step was not made, and is made again.
pub(super) fn is_clash(error: &StoreError) -> bool {
    let StoreError::Unavailable(source) = error else { return false };
    let error = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| is_postgres(error) && matches!(error.code().as_deref(), Some("40001" | "40P01")))
}

/// Whether a statement is about a table that is not there.
pub(super) fn is_missing_table(error: &StoreError) -> bool {
    let StoreError::Database(source) = error else { return false };
    let error = source.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
    error.is_some_and(|error| match error.code().as_deref() {
        Some("42P01") => is_postgres(error),
        // SQLite has no code of its own for it.
        Some("1") => error.message().starts_with("no such table"),
        _ => false,
    })
}

/// A sealed value that its key does not open.
pub(super) fn sealed(place: Place<'_>) -> impl FnOnce(CannotOpen) -> StoreError + '_ {
    move |CannotOpen| corrupt(place)
}

pub(super) fn corrupt(place: Place<'_>) -> StoreError {
    StoreError::Corrupt { place: format!("{} of {}", place.0, place.1) }
}

/// Something that cannot happen in the state that the record is in.
pub(super) fn misuse(error: impl std::fmt::Display) -> StoreError {
    StoreError::Misuse(error.to_string())
}
