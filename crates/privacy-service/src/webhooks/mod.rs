//! Webhooks: whoever is configured is told of every change of a status, signed, until they have it.

mod deliver;
mod receiver;
mod resolve;
mod sign;

pub use deliver::Deliverer;
pub use receiver::{Webhook, WebhookError};
