//! Regulations and suppressions on the Public API (fact sheet 2): US and EU.

mod answers;
mod client;
pub mod requests;

pub use client::PublicApi;
