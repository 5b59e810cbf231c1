//! `bench events`: a long history read in windows of time, beside the same history page by page.

use std::{num::NonZeroUsize, time::Duration};

use anyhow::{Result, ensure};
use segment_mock::{Endpoint, Event, Profile};

use super::{
    median, millis,
    prepared::{Options, Prepared},
};
use crate::report;

const LATENCY: Duration = Duration::from_millis(50);
/// How many times as fast.
const BOUND: f64 = 5.0;
const FORTNIGHT: u64 = 13 * 86_400;

/// How the events of a person lie in time.
#[derive(Debug, Clone, Copy)]
enum History {
    Even,
    /// Nine of ten on one day.
    OneDay,
}

/// Runs the figure and prints its table.
///
/// # Errors
///
/// An access that does not come out whole.
pub fn bench_events(events: u64, runs: usize) -> Result<()> {
    ensure!(runs > 0 && events > 0, "at least one run and one event are needed");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut rows = Vec::new();
    for history in [History::Even, History::OneDay] {
        let (mut plain, mut plain_calls) = (Duration::ZERO, 0);
        let windows = Options::new(LATENCY);
        let page_by_page = Options { event_windows: NonZeroUsize::MIN, ..windows.unpaced() };
        for (name, options) in
            [("page by page", page_by_page), ("windows", windows.unpaced()), ("windows, at 90 calls a second", windows)]
        {
            let (time, calls) = runtime.block_on(read(options, history, events, runs))?;
            if plain.is_zero() {
                (plain, plain_calls) = (time, calls);
            }
            let times = plain.as_secs_f64() / time.as_secs_f64();
            let verdict = if times >= BOUND { "reached" } else { "missed" };
            let bound = if name == "page by page" { String::new() } else { format!("{verdict}: {BOUND} times") };
            rows.push(vec![
                format!("{history:?}"),
                name.to_owned(),
                millis(time),
                format!("{calls} ({plain_calls})"),
                format!("{times:.2}"),
                bound,
            ]);
        }
    }
    let title = format!("{events} events, 50 ms an answer");
    report::figures(
        "events",
        &[&title, "read", "whole access", "calls (page by page)", "times as fast", "bound"],
        &rows,
    );
    Ok(())
}

async fn read(options: Options, history: History, events: u64, runs: usize) -> Result<(Duration, usize)> {
    let folder = tempfile::tempdir()?;
    let prepared = Prepared::new(folder.path(), options).await?;
    let (mut times, mut calls) = (Vec::new(), 0);
    for round in 0..runs {
        let email = format!("many-{round}@example.test");
        let mut person = Profile::new(format!("use_many{round}"))
            .external_id("email", &email)
            .external_id("user_id", format!("u-many-{round}"));
        for at in 0..events {
            let ago = match history {
                History::OneDay if at % 10 > 0 => 3 * 86_400 + at * 86_400 / events,
                _ => 1 + at * FORTNIGHT / events,
            };
            person = person.event(Event::track("Clicked").ago(Duration::from_secs(ago)));
        }
        prepared.mock.add_profile(person);
        let before = prepared.mock.requests_to(Endpoint::ProfileEvents).len();
        times.push(prepared.access(&[email], events).await?);
        calls = prepared.mock.requests_to(Endpoint::ProfileEvents).len() - before;
    }
    Ok((median(times), calls))
}
