//! An in-memory [`RequestStore`](crate::ports::RequestStore). It passes the suite of
//! [`conformance::store`](super::conformance::store), as the real ones do.
//!
//! One file per kind of step. A step works on a copy of the state, which takes its place only if the step succeeds.

mod batch;
mod claim;
mod decide;
mod intake;
mod ledger;
mod port;
mod read;
mod retention;
mod save;
mod state;

pub use port::MemoryStore;
