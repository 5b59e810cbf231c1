//! Who works on what: leases on requests and regulations, by the database's clock, with fencing tokens.

use std::time::Duration;

use jiff::Timestamp;
use segment_core::{
    ClaimScope, Claimed, Lease, LeaseSubject, Ledger, LedgerState, Request, RequestId, ports::StoreError,
};
use sqlx::SqliteConnection;

use super::{
    RecordStore, errors,
    request_rows::{millis, time},
    scope, status,
};

/// Milliseconds of the database's clock.
pub(super) const NOW: &str = "CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)";

/// The open accesses `a` that the erasure `r` waits for: those of the same person that were not received later, since what
/// is to be sent to the person must not be deleted before.
pub(super) const EARLIER_ACCESS: &str = "request_identities mine \
    JOIN request_identities theirs ON theirs.hash = mine.hash JOIN requests a ON a.id = theirs.request_id \
    WHERE mine.request_id = r.id AND r.action = 'erasure' AND a.action = 'access' \
    AND a.received_at <= r.received_at \
    AND a.status NOT IN ('complete', 'denied', 'canceled', 'error')";

/// Whether the request `r` need not wait.
pub(super) fn not_waiting() -> String {
    format!("NOT EXISTS (SELECT 1 FROM {EARLIER_ACCESS})")
}

/// A request may be taken up when it is open and due, nobody holds it, and it need not wait.
fn due_requests() -> String {
    let not_waiting = not_waiting();
    format!(
        "SELECT id FROM requests r WHERE next_at <= $1 AND gate = 'open' \
         AND (lease_until IS NULL OR lease_until <= {NOW}) \
         AND ($2 IS NULL OR id IN (SELECT value FROM json_each($2))) AND {not_waiting} ORDER BY due_at, id LIMIT $3"
    )
}

pub(super) fn lease_millis(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2)
}

/// The database's time.
pub(super) async fn store_now(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let sql = format!("SELECT {NOW}");
    let row: (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_one(connection).await.map_err(errors::database)?;
    Ok(row.0)
}

/// The table of a lease's subject, the name of its key, and the key.
fn subject(lease: &Lease) -> (&'static str, &'static str, &str) {
    match &lease.subject {
        LeaseSubject::Request(id) => ("requests", "id", id.as_str()),
        LeaseSubject::Regulation(intent) => ("regulations", "intent", intent.as_str()),
        _ => ("requests", "id", ""),
    }
}

impl RecordStore {
    pub(super) async fn do_claim_requests(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        limit: u32,
        at: Timestamp,
    ) -> Result<Vec<Claimed<Request>>, StoreError> {
        let mut tx = self.begin().await?;
        let ids: Vec<(String,)> = sqlx::query_as(sqlx::AssertSqlSafe(due_requests()))
            .bind(millis(at))
            .bind(scope::parameter(scope))
            .bind(i64::from(limit))
            .fetch_all(&mut *tx)
            .await
            .map_err(errors::database)?;
        let mut claimed = Vec::with_capacity(ids.len());
        for (id,) in ids {
            take(&mut tx, "requests", "id", &id, owner, lease).await?;
            sqlx::query("UPDATE requests SET begun = 1 WHERE id = $1")
                .bind(&id)
                .execute(&mut *tx)
                .await
                .map_err(errors::database)?;
            status::refresh(&mut tx, &id, at).await?;
            let store_now = time(store_now(&mut tx).await?);
            let id = RequestId::new(id);
            if let Some((item, fence)) = self.load(&mut tx, &id).await? {
                claimed.push(Claimed { lease: Lease { subject: LeaseSubject::Request(id), fence }, item, store_now });
            }
        }
        tx.commit().await.map_err(errors::database)?;
        Ok(claimed)
    }

    pub(super) async fn do_claim_regulation(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError> {
        let mut tx = self.begin().await?;
        let sql = format!(
            "SELECT intent, state FROM regulations g WHERE (lease_until IS NULL OR lease_until <= {NOW}) \
             AND (state = 'sending' OR (next_at <= $1 AND state IN ('unknown', 'tracking', 'looking'))) \
             AND ($2 IS NULL OR EXISTS (SELECT 1 FROM regulation_members m WHERE m.intent = g.intent \
                 AND m.request_id IN (SELECT value FROM json_each($2)))) \
             ORDER BY next_at LIMIT 1"
        );
        let due: Option<(String, String)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(millis(at))
            .bind(scope::parameter(scope))
            .fetch_optional(&mut *tx)
            .await
            .map_err(errors::database)?;
        let Some((intent, state)) = due else { return Ok(None) };
        if state == LedgerState::Sending.as_str() {
            // Its sender is gone: whether it was sent is not known. Should this worker go too, the next one finds it due.
            sqlx::query("UPDATE regulations SET state = 'unknown', next_at = $2 WHERE intent = $1")
                .bind(&intent)
                .bind(millis(at))
                .execute(&mut *tx)
                .await
                .map_err(errors::database)?;
        }
        let claimed = self.claimed_ledger(&mut tx, &intent, owner, lease).await?;
        tx.commit().await.map_err(errors::database)?;
        Ok(Some(claimed))
    }

    /// Takes the lease of a regulation and reads it whole.
    pub(super) async fn claimed_ledger(
        &self,
        connection: &mut SqliteConnection,
        intent: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Claimed<Ledger>, StoreError> {
        let fence = take(connection, "regulations", "intent", intent, owner, lease).await?;
        let item = self.load_ledger(connection, intent).await?;
        let store_now = time(store_now(connection).await?);
        let subject = LeaseSubject::Regulation(item.intent.clone());
        Ok(Claimed { lease: Lease { subject, fence }, item, store_now })
    }

    pub(super) async fn do_extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError> {
        let (table, key, id) = subject(lease);
        let sql = format!(
            "UPDATE {table} SET lease_until = {NOW} + $3 WHERE {key} = $1 AND fence = $2 AND lease_until IS NOT NULL"
        );
        let done = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .bind(lease.fence)
            .bind(lease_millis(by))
            .execute(&self.writer)
            .await
            .map_err(errors::database)?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::StaleLease) }
    }

    pub(super) async fn do_release(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        give_back(&mut tx, lease).await?;
        tx.commit().await.map_err(errors::database)
    }
}

/// Takes a lease and answers with the new fencing token.
async fn take(
    connection: &mut SqliteConnection,
    table: &'static str,
    key: &'static str,
    id: &str,
    owner: &str,
    lease: Duration,
) -> Result<i64, StoreError> {
    let sql = format!(
        "UPDATE {table} SET lease_owner = $2, lease_until = {NOW} + $3, fence = fence + 1 WHERE {key} = $1 RETURNING fence"
    );
    let row: (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .bind(owner)
        .bind(lease_millis(lease))
        .fetch_one(connection)
        .await
        .map_err(errors::database)?;
    Ok(row.0)
}

/// Checks the fence and gives the lease back, within the step that it guards. A lease is good for one step.
pub(super) async fn give_back(connection: &mut SqliteConnection, lease: &Lease) -> Result<(), StoreError> {
    let (table, key, id) = subject(lease);
    let sql = format!(
        "UPDATE {table} SET lease_owner = NULL, lease_until = NULL, fence = fence + 1 WHERE {key} = $1 AND fence = $2"
    );
    let done = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .bind(lease.fence)
        .execute(connection)
        .await
        .map_err(errors::database)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::StaleLease) }
}
