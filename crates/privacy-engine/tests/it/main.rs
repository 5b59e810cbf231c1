//! The engine on real parts: SQLite files, and HTTP over loopback to segment-mock. Days pass on the mock's clock.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod access;
mod batches;
mod decisions;
mod holds;
mod lost_answers;
mod masking;
mod owned;
mod resolving;
mod rig;
mod rows_alone;
mod several;
mod sources;
mod tracking;
mod verifying;
