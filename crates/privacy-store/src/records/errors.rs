//! What SQLite says, in the port's words.

use segment_core::ports::StoreError;
use sqlx::error::DatabaseError;

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
    let code = error.as_database_error().and_then(primary_code);
    let source = Box::new(error);
    match (source.as_ref(), code) {
        (_, Some(BUSY | LOCKED)) | (sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed, _) => {
            StoreError::Unavailable(source)
        }
        (_, Some(READONLY | IOERR | FULL | CANTOPEN)) | (sqlx::Error::Io(_), _) => StoreError::NotWritable(source),
        _ => StoreError::Database(source),
    }
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
