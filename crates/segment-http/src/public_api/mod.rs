//! Regulations and suppressions on the Public API (fact sheet 2): US and EU.

mod answers;
mod client;
pub mod requests;

#[cfg(fuzzing)]
pub(crate) use answers::read_all;
pub use client::PublicApi;
