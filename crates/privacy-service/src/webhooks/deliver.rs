//! The loop: take what is due, tell it, say what became of it.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use segment_core::{
    Attempted, Delivery,
    ports::{Clock, Outbox, StoreError},
};

use super::Webhook;

/// How often it is looked for what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Longer than a receiver may take.
const LEASE: Duration = Duration::from_mins(1);
/// Told at once.
const AT_ONCE: usize = 8;
/// How long the log of what is over is kept.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// How often it is tidied up.
const TIDY: Duration = Duration::from_hours(1);

/// Tells receivers what waits for them. Several may run on one record database.
#[derive(Debug)]
pub struct Deliverer {
    outbox: Arc<dyn Outbox>,
    receivers: BTreeMap<String, Webhook>,
    clock: Arc<dyn Clock>,
}

impl Deliverer {
    /// For these receivers.
    #[must_use]
    pub fn new(outbox: Arc<dyn Outbox>, receivers: Vec<Webhook>, clock: Arc<dyn Clock>) -> Self {
        let receivers = receivers.into_iter().map(|one| (one.key().to_owned(), one)).collect();
        Self { outbox, receivers, clock }
    }

    /// From now on every change of a status is written down for these receivers, and for no others.
    ///
    /// # Errors
    ///
    /// What the record database refuses.
    pub async fn announce(&self) -> Result<(), StoreError> {
        let keys: Vec<_> = self.receivers.keys().cloned().collect();
        self.outbox.set_webhooks(&keys).await
    }

    /// Tells, as long as it is polled. What it was at when it is dropped is told again later, under the same id.
    pub async fn run(&self) -> Infallible {
        let mut tidied = None;
        loop {
            let now = self.clock.monotonic();
            if tidied.is_none_or(|tidied| now > tidied + TIDY) {
                tidied = Some(now);
                if let Err(error) = self.outbox.drop_deliveries(KEPT).await {
                    tell(&error);
                }
            }
            // Nobody is waited for while there is more.
            match self.round().await {
                Ok(told) if told > 0 => {}
                Ok(_) => tokio::time::sleep(LOOK).await,
                Err(error) => {
                    tell(&error);
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    /// Tells what is due now; how much that was.
    async fn round(&self) -> Result<usize, StoreError> {
        if self.receivers.is_empty() {
            return Ok(0);
        }
        let due = self.outbox.claim_deliveries(LEASE, 64).await?;
        let told = due.len();
        let mut saved = stream::iter(due).map(|one| self.deliver(one)).buffer_unordered(AT_ONCE);
        while let Some(saved) = saved.next().await {
            saved?;
        }
        Ok(told)
    }

    async fn deliver(&self, delivery: Delivery) -> Result<(), StoreError> {
        // One that another configuration has: whoever has it, tells it.
        let Some(receiver) = self.receivers.get(&delivery.webhook) else { return Ok(()) };
        let (attempted, answer) = receiver.tell(&delivery, self.clock.now()).await;
        let result = match attempted {
            Attempted::Delivered => "delivered",
            Attempted::Again(_) => "again",
            _ => "given_up",
        };
        metrics::counter!("segment_privacy_webhook_attempts_total", "webhook" => delivery.webhook.clone(), "result" => result)
            .increment(1);
        if attempted == Attempted::GivenUp {
            tracing::warn!(webhook = delivery.webhook, id = delivery.id, answer, "a change is not told any more");
        }
        self.outbox.save_delivery(&delivery, &attempted, &answer).await
    }
}

fn tell(error: &StoreError) {
    tracing::warn!("webhooks wait for the record database: {error}");
}
