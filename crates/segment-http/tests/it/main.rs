//! The Public API client over real HTTP: against segment-mock, against the official OpenAPI document, and against servers
//! that do what no Segment should.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod config_api;
mod conformance;
mod contract;
mod endpoint;
mod faults;
mod logs;
mod pacing;
mod raw;
mod rig;
mod submission;
mod wire;
