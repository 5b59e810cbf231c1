//! The record database.
//!
//! One file per kind of step. Every writing step is one transaction; `port.rs` lists them all. `db.rs` is the one place that
//! knows both kinds of database.

mod accounts;
mod batch;
mod claim;
mod connections;
mod db;
mod decide;
mod errors;
mod hints;
mod holds;
mod intake;
mod journal;
mod ledger;
mod ledger_rows;
mod lists;
mod open;
mod outbox;
mod port;
mod postgres;
mod prepared;
mod read;
mod request_rows;
mod retention;
mod rotate;
mod save;
mod scope;
mod sealed;
mod sqlite;
mod status;
mod tally;
#[cfg(test)]
mod tests;
mod turns;

pub use connections::{Removal, StoredConnection, TestRecord};
pub use open::{OpenError, RecordOptions, RecordStore};
pub use turns::{Pace, SharedPacer, Turns};
