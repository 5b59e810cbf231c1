//! What waits to be told to others.

use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::{Attempted, Delivery};

/// Keeps what receivers of webhooks are to be told. It is written with each change of a status, and each method is one
/// durable step. Times are the database's.
#[async_trait]
pub trait Outbox: Send + Sync + std::fmt::Debug {
    /// These receivers are told of every change from now on, and no others. What waits for others waits until it is dropped.
    async fn set_webhooks(&self, keys: &[String]) -> Result<(), StoreError>;

    /// Takes up to `limit` of what is due at one receiver, the oldest first. Whoever takes it has `lease` to say what became of it; then it is
    /// anybody's again.
    async fn claim_deliveries(&self, webhook: &str, lease: Duration, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// Says what became of an attempt, in a few words; nothing happens if somebody else has tried meanwhile.
    async fn save_delivery(&self, delivery: &Delivery, attempted: &Attempted, answer: &str) -> Result<(), StoreError>;

    /// The latest, newest first, of one receiver or of all.
    async fn deliveries(&self, webhook: Option<&str>, limit: u32) -> Result<Vec<Delivery>, StoreError>;

    /// Drops what is over since so long.
    async fn drop_deliveries(&self, over: Duration) -> Result<u64, StoreError>;
}
