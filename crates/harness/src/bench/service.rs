//! `bench service`: how many requests a second are taken and shown over HTTP on loopback, with the records in SQLite, and how long
//! a page of the list takes among many in PostgreSQL.
//!
//! The floor is a call that looks nothing up: `/health`. Whoever calls runs on the same machine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde_json::json;

use super::millis;
use crate::{
    context::{Api, Column, Context, Records},
    report,
    rig::Rig,
    service::{SCOPES, Served, token},
    setup::Setup,
};

const CREATES: f64 = 2_000.0;
const READS: f64 = 5_000.0;
const SLOWEST: Duration = Duration::from_millis(50);
/// Connections that call at once: what arrives together is recorded together.
const CALLERS: usize = 64;
const REQUESTS: &str = "/api/v1/privacy-request";

/// What many calls took.
struct Load {
    rate: f64,
    median: Duration,
    /// 99 of 100 took no longer.
    slow: Duration,
}

/// Runs the figures and prints their table.
///
/// # Errors
///
/// There is no PostgreSQL, or a call fails.
pub fn bench_service(calls: u32, many: u32) -> Result<()> {
    let context = Context::from_environment()?;
    context.postgres().context("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set")?;
    let mut table = Vec::new();
    let sqlite = context.on(Column { api: Api::Public, records: Records::Sqlite });
    let rig = Rig::new(&sqlite, &Setup::unify().replace("require_approval = false", "require_approval = true"))?;
    let served = start(&rig)?;
    let creates = load(&served, calls, |number| (REQUESTS.to_owned(), Some(person(number))))?;
    let id = served.call(
        "POST",
        REQUESTS,
        Some(&json!([{"identity": {"user_id": "u-0"}, "policy_key": "default_erasure_policy"}])),
    )?;
    let id = id.text_at("/succeeded/0/id")?;
    let reads = load(&served, calls * 3, |_| (format!("{REQUESTS}/{id}"), None))?;
    let floor = load(&served, calls * 3, |_| ("/health".to_owned(), None))?;
    for (what, load, bound) in
        [("taken in", creates, Some(CREATES)), ("shown", reads, Some(READS)), ("floor: /health", floor, None)]
    {
        let reached = |bound| if load.rate >= bound && load.slow <= SLOWEST { "reached" } else { "missed" };
        table.push(vec![
            what.to_owned(),
            format!("{:.0}/s", load.rate),
            millis(load.median),
            millis(load.slow),
            bound.map(|bound| format!("{}: {bound:.0}/s, p99 {}", reached(bound), millis(SLOWEST))).unwrap_or_default(),
        ]);
    }
    served.stop()?;
    report::figures("service", &["SQLite, one request a call", "rate", "median", "p99", "bound"], &table);
    lists(&context, many)
}

fn start(rig: &Rig) -> Result<Served> {
    let everything = token(rig, "everything", &SCOPES)?;
    Served::start_quietly(rig, everything)
}

fn person(number: u32) -> String {
    json!([{"identity": {"email": format!("p{number}@bench.example")}, "policy_key": "default_erasure_policy"}])
        .to_string()
}

/// Makes so many calls, as fast as they are answered.
fn load(served: &Served, calls: u32, call: impl Fn(u32) -> (String, Option<String>) + Sync) -> Result<Load> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (next, began) = (Arc::new(AtomicU32::new(1)), Instant::now());
    let mut times = runtime
        .block_on(async {
            let callers = (0..CALLERS).map(|_| async {
                let client = Client::builder().no_proxy().build()?;
                let mut times = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number > calls {
                        return anyhow::Ok(times);
                    }
                    let (path, body) = call(number);
                    let url = format!("{}{path}", served.url());
                    let request = match body {
                        Some(body) => client.post(url).header("content-type", "application/json").body(body),
                        None => client.get(url),
                    };
                    let began = Instant::now();
                    let answer = request.bearer_auth(served.token()).send().await?;
                    ensure!(answer.status().is_success(), "it answered {}", answer.status());
                    answer.bytes().await?;
                    times.push(began.elapsed());
                }
            });
            futures_util::future::try_join_all(callers).await
        })?
        .concat();
    let took = began.elapsed().as_secs_f64();
    times.sort_unstable();
    ensure!(times.len() >= 100, "{} calls say nothing", times.len());
    Ok(Load { rate: f64::from(calls) / took, median: times[times.len() / 2], slow: times[times.len() * 99 / 100] })
}

/// Pages of a list among many requests.
fn lists(context: &Context, many: u32) -> Result<()> {
    let postgres = context.on(Column { api: Api::Public, records: Records::Postgres });
    let rig = Rig::new(&postgres, &Setup::unify().replace("require_approval = false", "require_approval = true"))?;
    let served = start(&rig)?;
    served.call("POST", REQUESTS, Some(&serde_json::from_str(&person(0))?))?.is(200)?;
    rig.change_records(&fill(many))?;
    // The first count of all takes as long as it takes.
    served.call("GET", REQUESTS, None)?.is(200)?;
    let mut table = Vec::new();
    for (what, path) in [
        ("first page of all", REQUESTS.to_owned()),
        ("first page of the complete", format!("{REQUESTS}?status=complete")),
        ("first page of the few that are pending", format!("{REQUESTS}?status=pending")),
        ("overdue", format!("{REQUESTS}?is_overdue=true")),
        ("by reference", format!("{REQUESTS}?external_id=none")),
        ("one of the last month", format!("{REQUESTS}?created_gt=2026-06-01T00:00:00Z&action_type=erasure")),
    ] {
        let mut times = Vec::new();
        for _ in 0..50 {
            let began = Instant::now();
            served.call("GET", &path, None)?.is(200)?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let (median, slowest) = (times[25], times[49]);
        let verdict = if slowest <= SLOWEST { "reached" } else { "missed" };
        table.push(vec![what.to_owned(), millis(median), millis(slowest), format!("{verdict}: {}", millis(SLOWEST))]);
    }
    served.stop()?;
    report::figures("service", &[&format!("PostgreSQL, {many} requests"), "median", "slowest of 50", "bound"], &table);
    Ok(())
}

/// Requests like the one that is there, nearly all of them complete, a minute apart.
fn fill(many: u32) -> String {
    format!(
        "INSERT INTO {{schema}}requests (id, external_id_hash, identities_hash, action, regime, gate, begun, status, received_at, due_at, \
            completed_at, ended_at, data_key, sealed, log_count, log_hash) \
         SELECT 'pri_bench' || n, sha256(('x' || n)::bytea), sha256(n::text::bytea), action, regime, 'open', TRUE, \
            CASE WHEN n % 20000 = 0 THEN 'error' ELSE 'complete' END, received_at - n * 60000::bigint, due_at - n * 60000::bigint, \
            received_at, received_at, data_key, sealed, log_count, log_hash FROM {{schema}}requests, generate_series(1, {many}) AS n; \
         INSERT INTO {{schema}}tasks (request_id, connection, holder, state, outcome) \
         SELECT 'pri_bench' || n, 'unify', 'connection', 'complete', 'no_data' FROM generate_series(1, {many}) AS n; \
         ANALYZE"
    )
}
