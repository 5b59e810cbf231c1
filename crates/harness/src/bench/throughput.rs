//! `bench throughput`: accesses one at a time and many at once, beside a loop of bare calls: the same calls, of the same people,
//! each after what it depends on, whose answers are thrown away.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use futures_util::future::{join, join_all, try_join_all};
use segment_mock::{Endpoint, MockSegment};

use super::{
    access::{EVENTS, email, person},
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
    let time = prepared.access(&emails, EVENTS).await?;
    let floor = calls.make(&prepared.mock, people, at_once).await?;
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let people = people as f64;
    Ok((people / time.as_secs_f64(), people / floor.as_secs_f64()))
}

/// The calls of one access, with `{}` for the person's number.
struct Calls {
    /// Who is it.
    first: Vec<String>,
    /// Page after page.
    events: Vec<String>,
    others: Vec<String>,
}

impl Calls {
    fn of(mock: &MockSegment, warm: usize) -> Self {
        let mut calls = Self { first: Vec::new(), events: Vec::new(), others: Vec::new() };
        for call in mock.requests() {
            let path = call.path_and_query.replace(&format!("use_bench{warm}"), "use_bench{}");
            let path = path.replace(&format!("bench-{warm}"), "bench-{}");
            let list = match call.endpoint {
                Endpoint::ProfileEvents => &mut calls.events,
                _ if path.contains("email:") => &mut calls.first,
                _ => &mut calls.others,
            };
            list.push(path);
        }
        calls
    }

    async fn make(&self, mock: &MockSegment, people: usize, at_once: usize) -> Result<Duration> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        let (base, token) = (mock.url(), mock.profile_token().to_owned());
        let call = async |path: &String, person: usize| -> reqwest::Result<()> {
            let url = format!("{base}{}", path.replace("{}", &person.to_string()));
            client.get(url).basic_auth(&token, Some("")).send().await?.bytes().await.map(drop)
        };
        let next = AtomicUsize::new(0);
        let start = Instant::now();
        let loops = (0..at_once).map(|_| async {
            loop {
                let person = next.fetch_add(1, Ordering::Relaxed);
                if person >= people {
                    return anyhow::Ok(());
                }
                try_join_all(self.first.iter().map(|path| call(path, person))).await?;
                let events = async {
                    for path in &self.events {
                        call(path, person).await?;
                    }
                    reqwest::Result::Ok(())
                };
                let (events, others) = join(events, join_all(self.others.iter().map(|path| call(path, person)))).await;
                events?;
                others.into_iter().collect::<reqwest::Result<()>>()?;
            }
        });
        try_join_all(loops).await?;
        Ok(start.elapsed())
    }
}
