#![doc = include_str!("../README.md")]

pub mod config_api;
mod encode;
mod endpoint;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod order;
mod pacing;
pub mod public_api;
mod regulation_parts;
mod system;
mod time;
mod transport;

pub use config_api::ConfigApi;
pub use encode::{Query, path_segment};
pub use endpoint::{Endpoint, EndpointError};
pub use pacing::{Limits, SoloPacer};
pub use public_api::PublicApi;
pub use system::{OsRandom, SystemClock};
pub use time::parse_timestamp;
pub use transport::{
    ApiRequest, ApiResponse, Credential, Environment, Problem, ReadProblem, Retries, Sent, Transport, Verb,
};
