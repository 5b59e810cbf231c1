//! Who works on what: leases on requests and regulations, by the database's clock, with fencing tokens.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use segment_core::{
    ClaimScope, Claimed, Lease, LeaseSubject, Ledger, LedgerState, Request, RequestId, ports::StoreError,
};

use super::{
    RecordStore,
    db::{Db, Dialect, args},
    request_rows::{known, millis, time},
    scope, status,
};

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
fn due_requests(dialect: Dialect) -> String {
    let (now, in_scope, not_waiting) = (dialect.now(), dialect.within("r.id", "$2"), not_waiting());
    let free = dialect.take_free("r");
    format!(
        "SELECT id FROM requests r WHERE next_at <= $1 AND gate = 'open' AND (lease_until IS NULL OR lease_until <= {now}) \
         AND {in_scope} AND {not_waiting} ORDER BY due_at, id LIMIT $3 {free}"
    )
}

pub(super) fn lease_millis(lease: Duration) -> i64 {
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX / 2)
}

/// The database's time.
pub(super) async fn store_now(connection: &mut Db) -> Result<i64, StoreError> {
    let sql = format!("SELECT {}", connection.dialect().now());
    let row: (i64,) = connection.one(&sql, args![]).await?;
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
        let mut tx = self.begin_locking().await?;
        let ids: Vec<(String,)> =
            tx.all(&due_requests(tx.dialect()), args![millis(at), scope::parameter(scope), i64::from(limit)]).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.into_iter().map(|(id,)| id).collect();
        let list = scope::list(ids.iter().map(String::as_str));
        let sql = format!(
            "UPDATE requests SET lease_owner = $2, lease_until = {now} + $3, fence = fence + 1, tries = tries + 1, begun = TRUE \
             WHERE {within} RETURNING id, fence, tries",
            now = tx.dialect().now(),
            within = tx.dialect().listed("id", "$1"),
        );
        let taken: Vec<(String, i64, i64)> = tx.all(&sql, args![&list, owner, lease_millis(lease)]).await?;
        let taken: HashMap<_, _> = taken.into_iter().map(|(id, fence, tries)| (id, (fence, tries))).collect();
        status::refresh_all(&mut tx, &ids, at).await?;
        let mut items = self.load_all(&mut tx, &list).await?;
        let store_now = time(store_now(&mut tx).await?);
        tx.commit().await?;
        let claimed = ids.into_iter().filter_map(|id| {
            let ((fence, tries), item) = (taken.get(&id).copied()?, items.remove(&id)?);
            let lease = Lease { subject: LeaseSubject::Request(RequestId::new(id)), fence };
            Some(Claimed { lease, item, store_now, tries: u32::try_from(tries).unwrap_or(u32::MAX) })
        });
        Ok(claimed.collect())
    }

    pub(super) async fn do_claim_regulation(
        &self,
        scope: &ClaimScope,
        owner: &str,
        lease: Duration,
        at: Timestamp,
    ) -> Result<Option<Claimed<Ledger>>, StoreError> {
        let mut tx = self.begin_locking().await?;
        let (now, in_scope) = (tx.dialect().now(), scope::of_regulation(tx.dialect(), "$2"));
        let sql = format!(
            "SELECT intent, state FROM regulations g WHERE (lease_until IS NULL OR lease_until <= {now}) \
             AND (state = 'sending' OR (next_at <= $1 AND state IN ('unknown', 'tracking', 'looking'))) AND {in_scope} \
             ORDER BY COALESCE(next_at, 0) LIMIT 1 {free}",
            free = tx.dialect().take_free("g")
        );
        let due: Option<(String, String)> = tx.optional(&sql, args![millis(at), scope::parameter(scope)]).await?;
        let Some((intent, state)) = due else { return Ok(None) };
        let state = known(LedgerState::parse(&state), "regulations.state", &intent)?;
        if state.taken_over() != state {
            // Should this worker go too, the next one finds it due.
            tx.execute(
                "UPDATE regulations SET state = $3, next_at = $2 WHERE intent = $1",
                args![&intent, millis(at), state.taken_over().as_str()],
            )
            .await?;
        }
        let claimed = self.claimed_ledger(&mut tx, &intent, owner, lease).await?;
        tx.commit().await?;
        Ok(Some(claimed))
    }

    /// Takes the lease of a regulation and reads it whole.
    pub(super) async fn claimed_ledger(
        &self,
        connection: &mut Db,
        intent: &str,
        owner: &str,
        lease: Duration,
    ) -> Result<Claimed<Ledger>, StoreError> {
        let (fence, tries) = take(connection, "regulations", "intent", intent, owner, lease).await?;
        let item = self.load_ledger(connection, intent).await?;
        let store_now = time(store_now(connection).await?);
        let subject = LeaseSubject::Regulation(item.intent.clone());
        Ok(Claimed { lease: Lease { subject, fence }, item, store_now, tries })
    }

    pub(super) async fn do_extend(&self, lease: &Lease, by: Duration) -> Result<(), StoreError> {
        let (table, key, id) = subject(lease);
        let mut tx = self.begin().await?;
        let now = tx.dialect().now();
        let sql = format!(
            "UPDATE {table} SET lease_until = {now} + $3 WHERE {key} = $1 AND fence = $2 AND lease_until IS NOT NULL"
        );
        if tx.execute(&sql, args![id, lease.fence, lease_millis(by)]).await? != 1 {
            return Err(StoreError::StaleLease);
        }
        tx.commit().await
    }

    pub(super) async fn do_release(&self, lease: &Lease) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        give_back(&mut tx, lease).await?;
        tx.commit().await
    }
}

/// Takes a lease and answers with the new fencing token, and how often it was taken since a step of it was saved.
async fn take(
    connection: &mut Db,
    table: &'static str,
    key: &'static str,
    id: &str,
    owner: &str,
    lease: Duration,
) -> Result<(i64, u32), StoreError> {
    let now = connection.dialect().now();
    let sql = format!(
        "UPDATE {table} SET lease_owner = $2, lease_until = {now} + $3, fence = fence + 1, tries = tries + 1 \
         WHERE {key} = $1 RETURNING fence, tries"
    );
    let (fence, tries): (i64, i64) = connection.one(&sql, args![id, owner, lease_millis(lease)]).await?;
    Ok((fence, u32::try_from(tries).unwrap_or(u32::MAX)))
}

/// Checks the fence and gives the lease back, within the step that it guards. A lease is good for one step.
pub(super) async fn give_back(connection: &mut Db, lease: &Lease) -> Result<(), StoreError> {
    let (table, key, id) = subject(lease);
    let sql = format!(
        "UPDATE {table} SET lease_owner = NULL, lease_until = NULL, fence = fence + 1, tries = 0 \
         WHERE {key} = $1 AND fence = $2"
    );
    let done = connection.execute(&sql, args![id, lease.fence]).await?;
    if done == 1 { Ok(()) } else { Err(StoreError::StaleLease) }
}

/// Checks the fence and keeps the lease. The row is written, so that nobody takes the lease away before the step ends.
pub(super) async fn still_holds(connection: &mut Db, lease: &Lease) -> Result<(), StoreError> {
    let (table, key, id) = subject(lease);
    let sql = format!("UPDATE {table} SET fence = fence WHERE {key} = $1 AND fence = $2");
    let done = connection.execute(&sql, args![id, lease.fence]).await?;
    if done == 1 { Ok(()) } else { Err(StoreError::StaleLease) }
}
