//! The record database.
//!
//! One file per kind of step. Every writing step is one immediate transaction; `port.rs` lists them all.

mod batch;
mod claim;
mod decide;
mod errors;
mod intake;
mod ledger;
mod ledger_rows;
mod open;
mod port;
mod read;
mod request_rows;
mod save;
mod scope;
mod sealed;
mod status;
#[cfg(test)]
mod tests;

pub use open::{OpenError, RecordOptions, RecordStore};
