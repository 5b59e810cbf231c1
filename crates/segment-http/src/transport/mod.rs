//! One way to Segment. In this order, for every attempt: pace, log, authenticate, send once with a time limit, read a
//! bounded answer, classify it; and around the attempts: retry what is safe, bounded by count and time.

mod attempt;
mod classify;
mod counted;
mod hints;
mod request;
mod retry;
mod send;

pub use classify::{Problem, ReadProblem};
pub use request::{ApiRequest, ApiResponse, Verb};
pub use retry::Retries;
pub use send::{Credential, Environment, Sent, Transport};
