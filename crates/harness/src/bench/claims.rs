//! `bench claims`: claiming work and recording what became of it, on PostgreSQL, also among millions of requests that are
//! over. One by one: a request is claimed, and its step saved. In batches: people are taken into an intent, and Segment's
//! acceptance of it is recorded.
//!
//! The floor is what the database itself needs for one: an UPDATE that takes a row, and one that gives it back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use privacy_store::{MasterKey, RecordOptions, RecordStore};
use segment_core::{
    Action, AuditEntry, ClaimScope, Claimed, ConnectionKey, Identity, IdentityKind, IdentitySet, Intended, IntentId,
    IntentPlan, Ledger, LedgerState, LedgerUpdate, MemberChange, MonthlyQuota, NewRequest, Outcome, Regime,
    RegulationId, RegulationType, Request, RequestId, RequestUpdate, Resolution, Task, TaskEvent, TaskState,
    ports::{Clock, Random, RequestStore},
};
use segment_http::{OsRandom, SystemClock};
use sqlx::{Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::{context::Context, database::PostgresDatabase, report, setup::key};

const LEASE: Duration = Duration::from_secs(30);
/// People in a regulation.
const BATCH: u32 = 5_000;
const BATCHES: u32 = 4;
/// Workers at once.
const WORKERS: u32 = 8;
const ONE_BY_ONE: f64 = 1_500.0;
const IN_BATCHES: f64 = 15_000.0;
const SLOWER: f64 = 1.2;

/// Runs the figures and prints their table.
///
/// # Errors
///
/// There is no PostgreSQL.
pub fn bench_claims(closed: u64, runs: u32) -> Result<()> {
    let context = Context::from_environment()?;
    let server = context.postgres().context("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set")?;
    let database = PostgresDatabase::create(server, "SELECT 1")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (before, after) = runtime.block_on(measure(&database, closed, runs))?;
    let row = |what: &str, rate: fn(&Rates) -> f64, bound: Option<f64>| {
        let (before, after) = (rate(&before), rate(&after));
        let verdict = bound.map(|bound| format!("{} {bound:.0}/s", if before >= bound { "reached" } else { "missed" }));
        let slower = before / after;
        let flat = if slower <= SLOWER { "within" } else { "above" };
        vec![
            what.to_owned(),
            format!("{before:.0}/s"),
            verdict.unwrap_or_default(),
            format!("{after:.0}/s"),
            format!("{slower:.2}, {flat} {SLOWER}"),
        ]
    };
    let title = "claimed and recorded, PostgreSQL";
    let among = format!("among {closed} closed");
    report::figures(
        "claims",
        &[title, "requests", "bound", &among, "slower by"],
        &[
            row("one by one, a single worker", |rates| rates.alone, Some(ONE_BY_ONE)),
            row(&format!("one by one, {WORKERS} workers"), |rates| rates.together, Some(ONE_BY_ONE)),
            row("5,000 a regulation", |rates| rates.in_batches, Some(IN_BATCHES)),
            row("floor: two UPDATEs of one row, a single connection", |rates| rates.floor, None),
            row("floor: the rows of a regulation in plain SQL", |rates| rates.floor_in_batches, None),
        ],
    );
    Ok(())
}

/// Per second.
struct Rates {
    alone: f64,
    together: f64,
    in_batches: f64,
    floor: f64,
    floor_in_batches: f64,
}

async fn rates(store: &RecordStore, url: &str, runs: u32) -> Result<Rates> {
    Ok(Rates {
        alone: one_by_one(store, runs, 1).await?,
        together: one_by_one(store, runs, WORKERS).await?,
        in_batches: in_batches(store).await?,
        floor: floor(store, url, runs).await?,
        floor_in_batches: floor_in_batches(url).await?,
    })
}

async fn measure(database: &PostgresDatabase, closed: u64, runs: u32) -> Result<(Rates, Rates)> {
    let master = MasterKey::from_base64(&key("bench"))?;
    let options = RecordOptions::default();
    let store = RecordStore::connect(&database.url().into(), master, Arc::new(OsRandom), &options).await?;
    let before = rates(&store, &database.url(), runs).await?;
    fill(&database.url(), closed).await?;
    let after = rates(&store, &database.url(), runs).await?;
    Ok((before, after))
}

/// Of somebody who has not asked yet.
fn request() -> Result<NewRequest> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let number = ASKED.fetch_add(1, Ordering::Relaxed);
    let mut random = [0; 10];
    OsRandom.fill(&mut random);
    let now = SystemClock::new().now();
    Ok(NewRequest {
        id: RequestId::generate(now, random),
        external_id: None,
        action: Action::Erasure,
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, &format!("customer-{number}"))?])?,
        regime: Regime::Gdpr,
        received_at: now,
        needs_approval: false,
        by: None,
        all_or_none: false,
        recipient: None,
        left_out: Vec::new(),
        connections: vec![ConnectionKey::new("main")],
        datasets: Vec::new(),
    })
}

async fn claim(store: &RecordStore) -> Result<Vec<Claimed<Request>>> {
    let at = SystemClock::new().now();
    Ok(store.claim_requests(&ClaimScope::All, "bench", LEASE, 1, at).await?)
}

async fn one_by_one(store: &RecordStore, runs: u32, workers: u32) -> Result<f64> {
    store.intake(&(0..runs).map(|_| request()).collect::<Result<Vec<_>>>()?).await?;
    let begun = Instant::now();
    let done = work(store, workers, over).await?;
    Ok(f64::from(done) / begun.elapsed().as_secs_f64())
}

/// So many workers, each of which claims one after the other and records its step, until nothing is left.
async fn work(store: &RecordStore, workers: u32, step: fn(&Claimed<Request>) -> RequestUpdate) -> Result<u32> {
    let mut working = JoinSet::new();
    for _ in 0..workers {
        let store = store.clone();
        working.spawn(async move {
            let mut done = 0;
            while let [claimed] = claim(&store).await?.as_slice() {
                store.save_request(&claimed.lease, &step(claimed)).await?;
                done += 1;
            }
            anyhow::Ok(done)
        });
    }
    let done: Vec<u32> = working.join_all().await.into_iter().collect::<Result<_>>()?;
    Ok(done.into_iter().sum())
}

/// A step after which nothing is left to do.
fn over(claimed: &Claimed<Request>) -> RequestUpdate {
    let done = |task: &Task| Task { state: TaskState::Complete(Outcome::NoData), ..task.clone() };
    let at = SystemClock::new().now();
    RequestUpdate {
        tasks: claimed.item.tasks.iter().map(done).collect(),
        package: None,
        next_at: None,
        audit: Vec::new(),
        at,
    }
}

/// Regulations as large as can be: their people are taken into an intent, and Segment's acceptance is recorded.
async fn in_batches(store: &RecordStore) -> Result<f64> {
    store.intake(&(0..BATCHES * BATCH).map(|_| request()).collect::<Result<Vec<_>>>()?).await?;
    work(store, WORKERS, resolved).await?;
    let begun = Instant::now();
    for _ in 0..BATCHES {
        let Intended::Recorded(claimed) = store.intend(&plan()).await? else { bail!("nobody waits") };
        ensure!(claimed.item.members.len() == BATCH as usize, "{} are in it", claimed.item.members.len());
        let at = SystemClock::new().now();
        let id = RegulationId::new(format!("reg-{}", claimed.item.intent));
        let ledger =
            Ledger { state: LedgerState::Tracking, regulation: Some(id), accepted_at: Some(at), ..claimed.item };
        let audit = vec![AuditEntry::new(at, "accepted", serde_json::json!({}))];
        let members = MemberChange::All(TaskEvent::Accept);
        let update = LedgerUpdate { ledger, absent: false, members, notes: Vec::new(), audit, at };
        store.save_regulation(&claimed.lease, &update).await?;
    }
    Ok(f64::from(BATCHES * BATCH) / begun.elapsed().as_secs_f64())
}

fn resolved(claimed: &Claimed<Request>) -> RequestUpdate {
    let ids = claimed.item.identities.iter().flatten().map(|identity| identity.value().clone()).collect();
    let resolution = Resolution { user_ids: ids, ..Resolution::default() };
    let resolve = |task: &Task| Task {
        state: TaskState::Resolved,
        kind: Some(RegulationType::SuppressOnly),
        user_ids: 1,
        resolution: Some(resolution.clone()),
        ..task.clone()
    };
    RequestUpdate { tasks: claimed.item.tasks.iter().map(resolve).collect(), ..over(claimed) }
}

fn plan() -> IntentPlan {
    let mut random = [0; 10];
    OsRandom.fill(&mut random);
    let at = SystemClock::new().now();
    IntentPlan {
        intent: IntentId::generate(at, random),
        connection: ConnectionKey::new("main"),
        kind: RegulationType::SuppressOnly,
        source: None,
        scope: ClaimScope::All,
        max_subjects: u64::from(BATCH),
        max_bytes: 4_000_000,
        quota: MonthlyQuota { users: u64::MAX, since: at, reserve: 0, urgent_before: at },
        lease: LEASE,
        send_within: LEASE / 2,
        owner: "bench".to_owned(),
        at,
    }
}

async fn floor(store: &RecordStore, url: &str, runs: u32) -> Result<f64> {
    // Somebody has to wait.
    store.intake(&[request()?]).await?;
    let mut connection = PgConnection::connect(url).await?;
    let schema = "SET search_path TO segment_privacy, public";
    sqlx::query(schema).execute(&mut connection).await?;
    let take = "UPDATE requests SET lease_owner = 'floor', fence = fence + 1 WHERE id = (SELECT id FROM requests \
        WHERE next_at IS NOT NULL ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id";
    let give = "UPDATE requests SET lease_owner = NULL, fence = fence + 1 WHERE id = $1";
    let begun = Instant::now();
    for _ in 0..runs {
        let (id,): (String,) = sqlx::query_as(take).fetch_one(&mut connection).await?;
        sqlx::query(give).bind(id).execute(&mut connection).await?;
    }
    Ok(f64::from(runs) / begun.elapsed().as_secs_f64())
}

/// The rows that a regulation writes of its people, by statements that hold nothing but them: their tasks twice, membership,
/// three entries of the log, their statuses.
async fn floor_in_batches(url: &str) -> Result<f64> {
    let mut connection = PgConnection::connect(url).await?;
    let mut tx = connection.begin().await?;
    let people = format!("SELECT id FROM requests ORDER BY id DESC LIMIT {BATCH}");
    let entry = format!(
        "INSERT INTO log (request_id, at, step, facts) SELECT id, 1, 'floor', '{{}}' FROM ({people}) AS people"
    );
    let tasks = format!("UPDATE tasks SET attempts = attempts + 1 WHERE request_id IN ({people})");
    let statements = [
        "SET LOCAL search_path TO segment_privacy, public".to_owned(),
        "INSERT INTO regulations (intent, connection, kind, state, subject_count, created_at, send_by) \
         VALUES ('floor', 'main', 'SUPPRESS_ONLY', 'closed', 1, 1, 1)"
            .to_owned(),
        tasks.clone(),
        format!(
            "INSERT INTO regulation_members (intent, request_id, connection) SELECT 'floor', id, 'main' FROM ({people}) AS people"
        ),
        entry.clone(),
        tasks,
        entry.clone(),
        format!("UPDATE requests SET denied_reason = 'floor' WHERE id IN ({people})"),
        entry,
    ];
    let begun = Instant::now();
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut *tx).await?;
    }
    let took = begun.elapsed();
    tx.rollback().await?;
    Ok(f64::from(BATCH) / took.as_secs_f64())
}

/// Requests that are over, with a task each.
async fn fill(url: &str, closed: u64) -> Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    let statements = [
        "SET search_path TO segment_privacy, public".to_owned(),
        format!(
            "INSERT INTO requests (id, identities_hash, action, regime, gate, begun, status, received_at, due_at, completed_at, ended_at) \
             SELECT 'pri_' || n, decode(md5(n::text), 'hex'), 'erasure', 'gdpr', 'open', TRUE, 'complete', n, n, n, n \
             FROM generate_series(1, {closed}) n"
        ),
        format!(
            "INSERT INTO tasks (request_id, connection, state, outcome, kind, user_ids, intent) \
             SELECT 'pri_' || n, 'main', 'complete', 'deleted', 'SUPPRESS_ONLY', 1, 'rin_' || n / 5000 FROM generate_series(1, {closed}) n"
        ),
        "ANALYZE".to_owned(),
    ];
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await?;
    }
    Ok(())
}
