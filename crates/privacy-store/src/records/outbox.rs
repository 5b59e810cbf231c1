//! What receivers of webhooks are to be told. The database itself writes it, with each change of a status.

use std::time::Duration;

use async_trait::async_trait;
use segment_core::{
    Action, Attempted, Delivery, RequestId, RequestStatus,
    ports::{Outbox, StoreError},
};
use sqlx::FromRow;
use tracing::instrument;

use super::{
    RecordStore,
    db::args,
    request_rows::{known, time},
    scope,
};

const COLUMNS: &str = "id, webhook, request_id, action, status, at, next_at, attempts, delivered_at, answer";

#[derive(FromRow)]
struct DeliveryRow {
    id: String,
    webhook: String,
    request_id: String,
    action: String,
    status: String,
    at: i64,
    next_at: Option<i64>,
    attempts: i64,
    delivered_at: Option<i64>,
    answer: Option<String>,
}

impl DeliveryRow {
    fn read(self) -> Result<Delivery, StoreError> {
        Ok(Delivery {
            action: known(Action::parse(&self.action), "webhook_deliveries.action", &self.id)?,
            status: known(RequestStatus::parse(&self.status), "webhook_deliveries.status", &self.id)?,
            attempts: known(u32::try_from(self.attempts).ok(), "webhook_deliveries.attempts", &self.id)?,
            webhook: self.webhook,
            request: RequestId::new(self.request_id),
            at: time(self.at),
            next_at: self.next_at.map(time),
            delivered_at: self.delivered_at.map(time),
            answer: self.answer,
            id: self.id,
        })
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2)
}

#[async_trait]
impl Outbox for RecordStore {
    #[instrument(name = "db.set_webhooks", skip_all, err(level = "debug"))]
    async fn set_webhooks(&self, keys: &[String]) -> Result<(), StoreError> {
        let list = scope::list(keys.iter().map(String::as_str));
        let mut tx = self.begin_locking().await?;
        tx.lock("webhooks").await?;
        let (listed, each) = (tx.dialect().listed("key", "$1"), tx.dialect().each("$1"));
        tx.execute(&format!("DELETE FROM webhooks WHERE NOT ({listed})"), args![&list]).await?;
        // Of SQLite's grammar: a SELECT before ON CONFLICT needs a WHERE.
        let sql = format!(
            "INSERT INTO webhooks (key) SELECT id FROM ({each}) AS given WHERE TRUE ON CONFLICT (key) DO NOTHING"
        );
        tx.execute(&sql, args![&list]).await?;
        tx.commit().await
    }

    #[instrument(name = "db.claim_deliveries", skip_all, err(level = "debug"))]
    async fn claim_deliveries(&self, webhook: &str, lease: Duration, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let mut tx = self.begin_locking().await?;
        let (now, free) = (tx.dialect().now(), tx.dialect().take_free("webhook_deliveries"));
        let chosen = tx.dialect().chosen(
            "id",
            &format!("SELECT id FROM webhook_deliveries WHERE webhook = $3 AND next_at IS NOT NULL AND next_at <= {now} ORDER BY next_at, id LIMIT $1 {free}"),
        );
        let sql = format!(
            "UPDATE webhook_deliveries SET next_at = {now} + $2, attempts = attempts + 1 WHERE {chosen} RETURNING {COLUMNS}"
        );
        let rows: Vec<DeliveryRow> = tx.all(&sql, args![limit, millis(lease), webhook]).await?;
        tx.commit().await?;
        rows.into_iter().map(DeliveryRow::read).collect()
    }

    #[instrument(name = "db.save_delivery", skip_all, fields(id = delivery.id), err(level = "debug"))]
    async fn save_delivery(&self, delivery: &Delivery, attempted: &Attempted, answer: &str) -> Result<(), StoreError> {
        let mut tx = self.begin_locking().await?;
        let now = tx.dialect().now();
        let (next, delivered) = match attempted {
            Attempted::Delivered => (None, true),
            Attempted::Again(pause) => (Some(millis(*pause)), false),
            _ => (None, false),
        };
        let sql = format!(
            "UPDATE webhook_deliveries SET next_at = {now} + CAST($3 AS BIGINT), answer = $4, \
             delivered_at = CASE WHEN $5 THEN {now} END WHERE id = $1 AND attempts = $2 AND next_at IS NOT NULL"
        );
        tx.execute(&sql, args![&delivery.id, delivery.attempts, next, answer, delivered]).await?;
        tx.commit().await
    }

    #[instrument(name = "db.deliveries", skip_all, err(level = "debug"))]
    async fn deliveries(&self, webhook: Option<&str>, limit: u32) -> Result<Vec<Delivery>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM webhook_deliveries WHERE (CAST($1 AS TEXT) IS NULL OR webhook = $1) ORDER BY at DESC, id LIMIT $2"
        );
        let rows: Vec<DeliveryRow> = self.read().await?.all(&sql, args![webhook, limit]).await?;
        rows.into_iter().map(DeliveryRow::read).collect()
    }

    #[instrument(name = "db.drop_deliveries", skip_all, err(level = "debug"))]
    async fn drop_deliveries(&self, over: Duration) -> Result<u64, StoreError> {
        let mut tx = self.begin_locking().await?;
        let now = tx.dialect().now();
        let sql = format!("DELETE FROM webhook_deliveries WHERE at < {now} - $1");
        let dropped = tx.execute(&sql, args![millis(over)]).await?;
        tx.commit().await?;
        Ok(dropped)
    }
}
