//! `bench pacing`: how fast profiles are read where Segment takes 100 calls a second, by one worker and by four that share the
//! limit through PostgreSQL.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use segment_mock::{Endpoint, Profile};

use crate::{
    assert::until_within,
    context::{Api, Column, Context, Records},
    report,
    rig::Rig,
    setup::Setup,
};

/// Calls that Segment takes within any second (documented).
const LIMIT: u32 = 100;
const BOUND: f64 = 85.0;
const PATIENCE: Duration = Duration::from_mins(5);

/// Runs the figures and prints their table.
///
/// # Errors
///
/// There is no PostgreSQL, or not everybody is read.
pub fn bench_pacing(people: usize) -> Result<()> {
    let context = Context::from_environment()?;
    context.postgres().context("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set")?;
    let context = context.on(Column { api: Api::Public, records: Records::Postgres });
    let mut table = Vec::new();
    for workers in [1, 4] {
        let (rate, turned_away) = measure(&context, people, workers)?;
        let verdict = if rate >= BOUND && turned_away == 0 { "reached" } else { "missed" };
        table.push(vec![
            workers.to_string(),
            format!("{rate:.1}/s"),
            turned_away.to_string(),
            format!("{verdict}: {BOUND:.0}/s and no 429"),
        ]);
    }
    report::figures("pacing", &["workers", "calls of the Profile API", "429", "bound"], &table);
    Ok(())
}

fn measure(context: &Context, people: usize, workers: usize) -> Result<(f64, u64)> {
    let setup = Setup::unify()
        .replace("profile_requests_per_second = 2000, ", "")
        .replace("lease = \"2s\"", "lease = \"30s\"")
        .mock(|mock| mock.profile_calls_per_second(Some(LIMIT)));
    let rig = Rig::new(context, &setup)?;
    let mut file = "email\n".to_owned();
    for number in 0..people {
        let email = format!("p{number}@bench.example");
        rig.mock().add_profile(
            Profile::new(format!("use_{number}"))
                .external_id("user_id", format!("u-{number}"))
                .external_id("email", &email),
        );
        file.push_str(&email);
        file.push('\n');
    }
    rig.write("people.csv", file)?;
    rig.segment_takes_long();
    rig.quiet_call(&["erase", "--from", "people.csv", "--yes", "--no-wait"]).run()?.exits(0)?;
    let running = (0..workers).map(|_| rig.quiet_call(&["worker"]).start()).collect::<Result<Vec<_>>>()?;
    let sent = |rig: &Rig| rig.mock().regulations().iter().map(|one| one.subjects.len()).sum::<usize>();
    until_within(PATIENCE, "everybody is read", || sent(&rig) >= people)?;
    for worker in running {
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
    }
    let kinds = [Endpoint::ProfileMetadata, Endpoint::ProfileExternalIds, Endpoint::ProfileEvents];
    let mut times: Vec<i64> =
        kinds.iter().flat_map(|kind| rig.mock().requests_to(*kind)).map(|call| call.at.as_millisecond()).collect();
    times.sort_unstable();
    ensure!(times.len() > 10 * LIMIT as usize, "{} calls say nothing", times.len());
    // The first second is a start from rest, and the last calls are stragglers.
    let steady: Vec<_> = times.iter().filter(|at| **at >= times[0] + 1_000).take(times.len() * 8 / 10).collect();
    let (Some(first), Some(last)) = (steady.first(), steady.last()) else { anyhow::bail!("it was over at once") };
    let seconds = f64::from(u32::try_from(**last - **first)?) / 1_000.0;
    let calls = f64::from(u32::try_from(steady.len() - 1)?);
    Ok((calls / seconds, rig.mock().profile_calls_turned_away()))
}
