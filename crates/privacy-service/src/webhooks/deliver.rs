//! The loop: take what is due, tell it, say what became of it.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use segment_core::{
    Attempted, Delivery,
    ports::{Clock, Outbox, StoreError},
};

use super::Webhook;

/// How often it is looked for what is due.
const LOOK: Duration = Duration::from_secs(1);
/// Longer than a receiver may take.
const LEASE: Duration = Duration::from_mins(1);
/// Told at once to one receiver.
const AT_ONCE: u32 = 8;
/// How long the log is kept, and how long something waits for a receiver that nobody has any more.
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
        // Each by itself: one that does not answer keeps nobody else waiting.
        let all = self.receivers.values().map(|receiver| self.serve(receiver));
        tokio::join!(futures_util::future::join_all(all), self.tidy());
        std::future::pending().await
    }

    async fn serve(&self, receiver: &Webhook) {
        loop {
            match self.outbox.claim_deliveries(receiver.key(), LEASE, AT_ONCE).await {
                Ok(due) if !due.is_empty() => {
                    let told = due.iter().map(|one| self.deliver(receiver, one));
                    futures_util::future::join_all(told).await;
                }
                Ok(_) => tokio::time::sleep(LOOK).await,
                Err(error) => {
                    tell(&error);
                    tokio::time::sleep(LOOK).await;
                }
            }
        }
    }

    async fn tidy(&self) {
        loop {
            if let Err(error) = self.outbox.drop_deliveries(KEPT).await {
                tell(&error);
            }
            tokio::time::sleep(TIDY).await;
        }
    }

    async fn deliver(&self, receiver: &Webhook, delivery: &Delivery) {
        let (attempted, answer) = receiver.tell(delivery, self.clock.now()).await;
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
        if let Err(error) = self.outbox.save_delivery(delivery, &attempted, &answer).await {
            tell(&error);
        }
    }
}

fn tell(error: &StoreError) {
    tracing::warn!("webhooks wait for the record database: {error}");
}
