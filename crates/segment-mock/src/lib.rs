#![doc = include_str!("../README.md")]

mod answer;
mod basic_auth;
mod call;
mod clock;
mod config;
mod config_api;
mod control;
mod endpoint;
mod faults;
mod mock;
mod profile_api;
mod public_api;
mod server;
mod shared;
mod state;
mod sync;
mod timestamps;
mod tracking;

pub use clock::VirtualClock;
pub use config::{ConfigShape, CursorUrl, EntryIds, ListOrder, MockConfig, PageDefaults, Permission};
pub use endpoint::Endpoint;
pub use faults::{Fault, FaultRule};
pub use mock::MockSegment;
pub use state::{DestinationStatus, Event, Link, Outcome, Person, Profile, RecordedRequest, RegulationView, Which};
