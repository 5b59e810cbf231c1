//! Who works on what: leases on requests and regulations, by the database's clock, with fencing tokens.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use segment_core::{
    ClaimScope, Claimed, Lease, LeaseSubject, Ledger, LedgerState, Request, RequestId, ports::StoreError,
};

use sqlx::FromRow;

use super::{
    RecordStore,
    db::{Db, Dialect, args},
    request_rows::{REQUEST_COLUMNS, RequestRow, known, millis, tasks_of, time},
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
    // Not "NOT EXISTS": PostgreSQL would look at everybody before it takes the first.
    format!("(SELECT 1 FROM {EARLIER_ACCESS} LIMIT 1) IS NULL")
}

/// A request may be taken up when it is open and due, nobody holds it, and it need not wait. Answers with the ids of the
/// first ones by deadline; `$1` is the moment, `$4` the scope.
fn due_requests(dialect: Dialect, scope: &ClaimScope, limit: u32) -> String {
    let (now, not_waiting, free) = (dialect.now(), not_waiting(), dialect.take_free("r"));
    let in_scope = match scope {
        ClaimScope::All => "TRUE".to_owned(),
        _ => dialect.within("r.id", "$4"),
    };
    // A CASE, so that PostgreSQL reads the index in its order until it has enough, and does not sort everybody who waits: it
    // would take the conditions for rarer than they are. The limit and the scope stand in the text, so that one plan serves
    // every call.
    format!(
        "SELECT id FROM requests r WHERE next_at IS NOT NULL AND CASE WHEN next_at <= $1 AND gate = 'open' \
         AND (lease_until IS NULL OR lease_until <= {now}) AND {in_scope} AND {not_waiting} THEN TRUE ELSE FALSE END \
         ORDER BY due_at, id LIMIT {limit} {free}"
    )
}

#[derive(FromRow)]
struct ClaimedRow {
    #[sqlx(flatten)]
    request: RequestRow,
    tries: i64,
    store_now: i64,
}

impl ClaimedRow {
    /// The order in which they are taken.
    fn due(&self) -> (i64, &str) {
        (self.request.due_at, &self.request.id)
    }
}

/// What an UPDATE sets that gives a lease back.
pub(super) const GIVEN_BACK: &str = "lease_owner = NULL, lease_until = NULL, fence = fence + 1, tries = 0";

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
        let dialect = tx.dialect();
        let sql = format!(
            "UPDATE requests SET lease_owner = $2, lease_until = {now} + $3, fence = fence + 1, tries = tries + 1, begun = TRUE \
             WHERE {chosen} RETURNING {REQUEST_COLUMNS}, tries, {now} AS store_now",
            now = dialect.now(),
            chosen = dialect.chosen("id", &due_requests(dialect, scope, limit)),
        );
        let args = args![millis(at), owner, lease_millis(lease), scope::parameter(scope)];
        let mut taken: Vec<ClaimedRow> = tx.all(&sql, args).await?;
        if taken.is_empty() {
            return Ok(Vec::new());
        }
        taken.sort_by(|one, other| one.due().cmp(&other.due()));
        let ids: Vec<_> = taken.iter().map(|row| row.request.id.as_str()).collect();
        let mut tasks = tasks_of(&mut tx, &ids).await?;
        let standing: Vec<_> = taken.iter().map(|row| row.request.standing()).collect();
        let statuses = status::settle_all(&mut tx, &standing, &tasks, at).await?;
        tx.commit().await?;
        let claimed = taken.into_iter().zip(statuses).map(|(row, status)| {
            let (id, fence) = (RequestId::new(row.request.id.as_str()), row.request.fence);
            let tasks = tasks.remove(id.as_str()).unwrap_or_default();
            let item = Request { status, ..row.request.read(&self.keys, tasks)? };
            let (store_now, tries) = (time(row.store_now), u32::try_from(row.tries).unwrap_or(u32::MAX));
            Ok(Claimed { lease: Lease { subject: LeaseSubject::Request(id), fence }, item, store_now, tries })
        });
        match scope {
            // What does not open stays taken until its lease is over, and keeps nobody from the others.
            ClaimScope::All => Ok(claimed.filter_map(|one| one.inspect_err(passed_over).ok()).collect()),
            _ => claimed.collect(),
        }
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
        let claimed = match self.claimed_ledger(&mut tx, &intent, owner, lease).await {
            // The same as with a request: it stays taken, and keeps no other from being claimed next.
            Err(error @ StoreError::Corrupt { .. }) if *scope == ClaimScope::All => {
                passed_over(&error);
                None
            }
            claimed => Some(claimed?),
        };
        tx.commit().await?;
        Ok(claimed)
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

/// Once an hour each: it is found again at every look, which may be several a second.
pub(super) fn passed_over(error: &StoreError) {
    static TOLD: Mutex<BTreeMap<String, Instant>> = Mutex::new(BTreeMap::new());
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    told.retain(|_, at| at.elapsed() < Duration::from_hours(1));
    let error = error.to_string();
    if told.contains_key(&error) {
        return;
    }
    tracing::error!("work is passed over, which the record database holds and this worker cannot read: {error}");
    told.insert(error, Instant::now());
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
    let sql = format!("UPDATE {table} SET {GIVEN_BACK} WHERE {key} = $1 AND fence = $2");
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
