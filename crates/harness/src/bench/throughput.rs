//! `bench throughput`: accesses one at a time and many at once, beside a loop of bare calls: the same calls, of the same people,
//! each after what it depends on, whose answers are thrown away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use bytes::Bytes;
use futures_util::future::{try_join, try_join_all};
use segment_mock::{Endpoint, MockSegment};

use super::{
    access::{EVENTS, email, person},
    median,
    prepared::{Options, Prepared},
};
use crate::report;

/// What is to be left of the bare loop's rate.
const BOUND: f64 = 0.7;
const AT_ONCE: [usize; 3] = [1, 8, 64];

/// Runs the figure and prints its table.
///
/// # Errors
///
/// An access that does not come out whole.
pub fn bench_throughput(people: usize) -> Result<()> {
    ensure!(people >= 64, "64 people at least: so many are asked for at once");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    for latency in [Duration::ZERO, Duration::from_millis(50)] {
        for at_once in AT_ONCE {
            // One at a time, with answers that take long, says the same of fewer.
            let people = if latency.is_zero() { people } else { people.min(at_once * 16) };
            let (rate, floor) = runtime.block_on(measure(latency, people, at_once))?;
            let ratio = rate / floor;
            let verdict = if ratio >= BOUND { "reached" } else { "missed" };
            rows.push(vec![
                format!("{} ms", latency.as_millis()),
                at_once.to_string(),
                format!("{rate:.1}/s"),
                format!("{floor:.1}/s"),
                format!("{:.0} %", ratio * 100.0),
                format!("{verdict}: {:.0} %", BOUND * 100.0),
            ]);
        }
    }
    report::figures("throughput", &["an answer takes", "at once", "accesses", "bare calls", "ratio", "bound"], &rows);
    Ok(())
}

async fn measure(latency: Duration, people: usize, at_once: usize) -> Result<(f64, f64)> {
    let folder = tempfile::tempdir()?;
    let options = Options { concurrency: at_once, ..Options::new(latency).unpaced() };
    let prepared = Prepared::new(folder.path(), options).await?;
    let mut emails: Vec<_> = (0..=people).map(email).collect();
    for round in 0..=people {
        prepared.mock.add_profile(person(round));
    }
    // The last one warms up, and shows which calls there are.
    let warm = emails.split_off(people);
    prepared.access(&warm, EVENTS).await?;
    let calls = Calls::of(&prepared.mock, people);
    // In turn, so that a machine that slows down slows both; the first of each warms up.
    let mut floors = Vec::new();
    let mut time = Duration::ZERO;
    for round in 0..3 {
        floors.push(calls.make(&prepared.mock, people, at_once).await?);
        if round == 1 {
            time = prepared.access(&emails, EVENTS).await?;
        }
    }
    let floor = median(floors);
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let people = people as f64;
    Ok((people / time.as_secs_f64(), people / floor.as_secs_f64()))
}

/// The calls of one access, with `{}` for the person's number.
#[derive(Clone)]
struct Calls {
    /// Who is it.
    first: Vec<String>,
    /// The first page of events: those after it are asked for by its cursor.
    events: String,
    others: Vec<String>,
}

impl Calls {
    fn of(mock: &MockSegment, warm: usize) -> Self {
        let mut calls = Self { first: Vec::new(), events: String::new(), others: Vec::new() };
        for call in mock.requests() {
            let path = call.path_and_query.replace(&format!("use_bench{warm}"), "use_bench{}");
            let path = path.replace(&format!("bench-{warm}"), "bench-{}");
            match call.endpoint {
                // Windows of time are the engine's own business: a bare loop follows cursors.
                Endpoint::ProfileEvents if calls.events.is_empty() => calls.events = path,
                Endpoint::ProfileEvents => {}
                _ if path.contains("email:") => calls.first.push(path),
                _ => calls.others.push(path),
            }
        }
        calls
    }

    async fn make(&self, mock: &MockSegment, people: usize, at_once: usize) -> Result<Duration> {
        let bare = Bare {
            calls: self.clone(),
            client: reqwest::Client::builder().no_proxy().build()?,
            base: mock.url(),
            token: mock.profile_token().to_owned(),
        };
        let (bare, next) = (Arc::new(bare), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let mut loops = tokio::task::JoinSet::new();
        for _ in 0..at_once {
            let (bare, next) = (bare.clone(), next.clone());
            loops.spawn(async move {
                loop {
                    let person = next.fetch_add(1, Ordering::Relaxed);
                    if person >= people {
                        return Ok(());
                    }
                    bare.person(person).await?;
                }
            });
        }
        loops.join_all().await.into_iter().collect::<Result<()>>()?;
        Ok(start.elapsed())
    }
}

struct Bare {
    calls: Calls,
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Bare {
    async fn person(&self, person: usize) -> Result<()> {
        try_join_all(self.calls.first.iter().map(|path| self.call(path, person))).await?;
        let others = try_join_all(self.calls.others.iter().map(|path| self.call(path, person)));
        let events = async {
            let mut path = self.calls.events.clone();
            loop {
                let page = self.call(&path, person).await?;
                match next(&page) {
                    Some(next) => path = format!("{}&next={next}", self.calls.events),
                    None => return anyhow::Ok(()),
                }
            }
        };
        try_join(events, others).await.map(drop)
    }

    async fn call(&self, path: &str, person: usize) -> Result<Bytes> {
        let url = format!("{}{}", self.base, path.replace("{}", &person.to_string()));
        let answer = self.client.get(url).basic_auth(&self.token, Some("")).send().await?;
        Ok(answer.error_for_status()?.bytes().await?)
    }
}

/// Where the next page begins, percent-encoded, without a look at the rest.
fn next(page: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(page).ok()?;
    let next = text.rsplit("\"next\":\"").next()?.split('"').next()?;
    let is_one = !next.is_empty() && next.len() < 200;
    is_one.then(|| percent_encoding::utf8_percent_encode(next, percent_encoding::NON_ALPHANUMERIC).to_string())
}
