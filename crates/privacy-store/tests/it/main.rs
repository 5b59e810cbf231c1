//! One integration binary that mirrors `src/`.
#![expect(clippy::unwrap_used, reason = "a helper of a test panics as a test does")]

mod mysql;
mod owned;
mod postgres;
mod records;
