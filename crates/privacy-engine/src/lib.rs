#![doc = include_str!("../README.md")]

mod access;
mod check;
mod connection;
mod engine;
mod holds;
mod intake;
mod lease;
mod mask;
mod owned;
mod plan;
mod policy;
mod process;
mod progress;
mod purge;
mod reconcile;
mod refusals;
mod resolve;
mod rests;
mod run;
mod submit;
mod track;
mod verify;
mod wording;

pub use check::{Check, CheckStatus, check};
pub use connection::{Connection, ConnectionKind, Sources};
pub use engine::{Engine, EngineError, Parts};
pub use holds::known_of;
pub use intake::Asked;
pub use owned::{Owned, OwnedSources};
pub use plan::{MaskPlan, Plan, Planner};
pub use policy::{Policy, Tracking};
pub use progress::{Progress, ProgressSink};
pub use purge::Purged;
pub use resolve::{Found, Puzzle, ResolveError, resolve};
pub use run::{Stop, Until};
