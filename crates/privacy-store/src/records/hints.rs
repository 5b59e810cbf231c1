//! A hint that there is new work, from one process to the others. It is no more than that: who misses it looks by itself
//! soon.

use std::{convert::Infallible, future::pending, time::Duration};

use segment_core::ports::StoreError;
use sqlx::{PgPool, postgres::PgListener};
use tokio::sync::Notify;

use super::{
    RecordStore,
    db::{Db, args},
    open::Pools,
};

const CHANNEL: &str = "segment_privacy_work";
/// After the connection broke.
const AGAIN: Duration = Duration::from_secs(5);

impl RecordStore {
    /// Wakes whoever waits for `hint` when any process records work, for as long as it is polled. On SQLite nobody tells.
    pub async fn pass_hints_on(&self, hint: &Notify) -> Infallible {
        let Pools::Postgres(pool) = &self.pools else { return pending().await };
        loop {
            let Err(error) = listen(pool, hint).await;
            tracing::debug!("no hints of new work for now: {error}");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn listen(pool: &PgPool, hint: &Notify) -> Result<Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        listener.recv().await?;
        hint.notify_one();
    }
}

impl Db {
    /// Tells the other processes, once the transaction is committed.
    pub(super) async fn hint(&mut self) -> Result<(), StoreError> {
        if let Self::Postgres(_) = self {
            self.execute("SELECT pg_notify($1, '')", args![CHANNEL]).await?;
        }
        Ok(())
    }
}
