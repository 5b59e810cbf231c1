//! The engine on real parts: SQLite files, and HTTP over loopback to segment-mock. Days pass on the mock's clock.

mod access;
mod batches;
mod decisions;
mod lost_answers;
mod resolving;
mod rig;
mod tracking;
mod verifying;
