//! What others are told when a request changes its status.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Action, RequestId, RequestStatus};

/// Something that one receiver is told. Nothing in it names a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, the same in every attempt: a receiver knows by it what it has seen.
    pub id: String,
    /// The receiver, by the key of the configuration.
    pub webhook: String,
    /// The request.
    pub request: RequestId,
    /// What was asked.
    pub action: Action,
    /// What its status became.
    pub status: RequestStatus,
    /// When.
    pub at: Timestamp,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it is tried again; `None` when it is over.
    pub next_at: Option<Timestamp>,
    /// What became of the last attempt.
    pub answer: Option<String>,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempted {
    /// The receiver has it.
    Delivered,
    /// It is tried again after this time.
    Again(Duration),
    /// It is not tried again.
    GivenUp,
}
