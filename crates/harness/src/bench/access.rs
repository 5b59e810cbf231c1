//! `bench access`: how far an access is from its critical path.
//!
//! The path is four answers long: who is it (metadata and external ids side by side), then three pages of events, while
//! everything else is read beside them. Its floor is a bare HTTP client that makes just these four calls, one after the
//! other, on a warm connection, and throws the answers away.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use segment_mock::{Event, MockSegment, Profile};

use super::{
    median, millis,
    prepared::{Options, Prepared},
};
use crate::{context::Context, report, rig::Rig, setup::Setup};

const LATENCIES: [Duration; 2] = [Duration::ZERO, Duration::from_millis(50)];
const CALLS: usize = 4;
/// What the figure is meant to stay within.
const BOUND: f64 = 1.10;
pub(super) const EVENTS: u64 = 250;

/// Runs the figure and prints its table.
///
/// # Errors
///
/// An access that does not come out whole: a figure of something else is worth nothing.
pub fn bench_access(runs: usize) -> Result<()> {
    ensure!(runs > 0, "at least one run is needed");
    let rows = LATENCIES.iter().map(|latency| at(*latency, runs)).collect::<Result<Vec<_>>>()?;
    report::figures(
        "access",
        &["access, 250 events", "an answer takes", "median", "floor (4 bare calls)", "ratio", "bound"],
        &rows.concat(),
    );
    Ok(())
}

fn at(latency: Duration, runs: usize) -> Result<Vec<Vec<String>>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let rig = Rig::new(&Context::from_environment()?, &Setup::unify().mock(move |config| config.latency(latency)))?;
    let (mut floor, mut engine, mut command) = (Vec::new(), Vec::new(), Vec::new());
    let folder = tempfile::tempdir()?;
    let prepared = runtime.block_on(Prepared::new(folder.path(), Options::new(latency)))?;
    // In turn, so that a machine that slows down slows all of them; the first round warms up.
    for round in 0..=runs {
        prepared.mock.add_profile(person(round));
        let times = (
            runtime.block_on(bare(rig.mock()))?,
            runtime.block_on(prepared.access(&[email(round)], EVENTS))?,
            whole(&rig, round)?,
        );
        if round > 0 {
            floor.push(times.0);
            engine.push(times.1);
            command.push(times.2);
        }
    }
    let floor = median(floor);
    let row = |name: &str, time: Duration, bound: Option<f64>| {
        let ratio = time.as_secs_f64() / floor.as_secs_f64();
        let verdict = |bound| format!("{} {bound}", if ratio <= bound { "within" } else { "above" });
        let bound = bound.filter(|_| !latency.is_zero()).map(verdict).unwrap_or_default();
        vec![name.to_owned(), millis(latency), millis(time), millis(floor), format!("{ratio:.3}"), bound]
    };
    Ok(vec![
        row("engine: recorded to packaged", median(engine), Some(BOUND)),
        row("whole command, process start included", median(command), None),
    ])
}

pub(super) fn email(round: usize) -> String {
    format!("bench-{round}@example.test")
}

/// The person of the issue: 20 traits, 5 external ids, 250 events.
pub(super) fn person(round: usize) -> Profile {
    let mut profile = Profile::new(format!("use_bench{round}"))
        .external_id("email", email(round))
        .external_id("user_id", format!("u-bench-{round}"));
    for at in 0..3 {
        profile = profile.external_id("anonymous_id", format!("a-bench-{round}-{at}"));
    }
    for at in 0..20 {
        profile = profile.trait_(format!("trait_{at}"), at);
    }
    for at in 0..EVENTS {
        profile = profile.event(Event::track("Clicked").ago(Duration::from_secs(at + 1)));
    }
    profile
}

/// Four calls, one after the other, on one connection.
async fn bare(mock: &MockSegment) -> Result<Duration> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url =
        format!("{}/v1/spaces/{}/collections/users/profiles/user_id:nobody/metadata", mock.url(), mock.space_id());
    let call = || async { client.get(&url).basic_auth(mock.profile_token(), Some("")).send().await?.bytes().await };
    call().await?;
    let start = Instant::now();
    for _ in 0..CALLS {
        call().await?;
    }
    Ok(start.elapsed())
}

/// The same by the real command.
fn whole(rig: &Rig, round: usize) -> Result<Duration> {
    rig.mock().add_profile(person(round));
    let start = Instant::now();
    let run = rig.quiet_call(&["access", "--email", &email(round)]).run()?;
    let time = start.elapsed();
    let events = &run.json()?["tasks"][0]["collections"]["events"];
    ensure!(*events == EVENTS, "the access is not whole: {events}");
    Ok(time)
}
