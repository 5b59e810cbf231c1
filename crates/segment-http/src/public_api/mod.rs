//! Regulations and suppressions on the Public API (docs/segment-api.md, 2): US and EU.

mod answers;
mod client;
pub mod requests;

#[cfg(fuzzing)]
pub(crate) use answers::read_all;
pub use client::PublicApi;
