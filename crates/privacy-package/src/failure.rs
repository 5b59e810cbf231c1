//! How failures become the port's error. None of them holds a value of a person: I/O errors carry a kind and a path of
//! ours, parse errors a position.

use std::error::Error;
use std::io;

use segment_core::ports::PackageError;
use tokio::task::{JoinError, spawn_blocking};

pub(crate) const STAGING: &str = "the staging file";
pub(crate) const PACKAGE: &str = "the package";
pub(crate) const BUCKET: &str = "the bucket for packages";
pub(crate) const FOLDER: &str = "the folder for packages";

/// `what` could not be written because of `source`.
pub(crate) fn write_error(what: &'static str, source: impl Error + Send + Sync + 'static) -> PackageError {
    PackageError::Write { what, source: Box::new(source) }
}

/// Does blocking work beside the runtime.
pub(crate) async fn blocking<T, F>(what: &'static str, work: F) -> Result<T, PackageError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, PackageError> + Send + 'static,
{
    joined(what, spawn_blocking(work).await)
}

/// The outcome of a thread. A panic's message stays out of the error, since it may hold anything.
pub(crate) fn joined<T>(
    what: &'static str,
    outcome: Result<Result<T, PackageError>, JoinError>,
) -> Result<T, PackageError> {
    outcome.unwrap_or_else(|_| Err(write_error(what, io::Error::other("its thread stopped"))))
}
