//! Several workers on one record database.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use segment_mock::Endpoint;

use crate::{
    context::Context,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// two workers read profiles: together they keep to the limit that one would keep to
    workers_share_a_limit,
}

/// Calls a second.
const LIMIT: usize = 10;
/// Calls that leave in time can arrive a moment late, and the next ones not.
const SLACK: usize = 4;

fn workers_share_a_limit(context: &Context) -> Result<Outcome> {
    let setup = Setup::unify().replace("profile_requests_per_second = 2000", "profile_requests_per_second = 10");
    on_rig(context, &setup, |rig| {
        let mut ids = Vec::new();
        for person in rig.mock().people().iter().take(6) {
            let run = rig.run(&["access", "--email", &person.email, "--no-wait"])?;
            ids.push(run.exits(0)?.text("/id")?);
        }
        let workers = [rig.start(&["worker", "--concurrency", "1"])?, rig.start(&["worker", "--concurrency", "1"])?];
        for id in &ids {
            rig.completes(id)?;
        }
        for worker in workers {
            worker.signal(Signal::SIGTERM)?;
            worker.wait()?.exits(0)?;
        }
        let profile = [
            Endpoint::ProfileMetadata,
            Endpoint::ProfileTraits,
            Endpoint::ProfileExternalIds,
            Endpoint::ProfileEvents,
            Endpoint::ProfileLinks,
        ];
        let calls = profile.iter().flat_map(|endpoint| rig.mock().requests_to(*endpoint));
        let calls: Vec<i64> = calls.map(|request| request.at.as_millisecond()).collect();
        ensure!(calls.len() > 3 * LIMIT, "{} calls say nothing", calls.len());
        let within = |from: &i64| calls.iter().filter(|at| (*from..from + 1_000).contains(*at)).count();
        let most = calls.iter().map(within).max().unwrap_or_default();
        ensure!(most <= LIMIT + SLACK, "{most} calls within a second");
        Ok(())
    })
}
