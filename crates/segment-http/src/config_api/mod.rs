//! Regulations and suppressed users on the legacy Config API (docs/segment-api.md, 1): US only, and no new tokens since 2024-02.

mod answers;
mod client;
pub mod requests;
mod spelling;

#[cfg(fuzzing)]
pub(crate) use answers::read_all;
pub use client::ConfigApi;
pub use spelling::supports;
