//! The Profile API client over real HTTP, against segment-mock.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod accounts;
mod conformance;
mod faults;
mod lists;
mod logs;
mod profiles;
mod rig;
