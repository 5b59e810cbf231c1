//! Processes that end in the middle.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use segment_mock::{Endpoint, Fault, FaultRule, Profile};
use serde_json::json;

use crate::{
    assert::{same, until},
    context::Context,
    rig::Rig,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// Ctrl-C in the middle of an access: exit code 130, no half package; the same command goes on with the same request
    interrupt_access,
    /// Ctrl-C while it is looked who it is, and while a regulation is under way: 130; the same command goes on
    interrupt_erase,
    /// kill -9 while the POST is under way: the second run finds the regulation; Segment holds exactly one
    kill_while_sending,
    /// kill -9 after the intent, but the POST never arrived: the second run sends it; Segment holds exactly one
    kill_before_arrival,
    /// kill -9 in the middle of an access: what is staged is not readable, the second run completes it, and nothing else stays
    kill_access,
}

fn slow(rig: &Rig, endpoint: Endpoint, millis: u64) {
    rig.mock().fault(FaultRule::new(Fault::slow(Duration::from_millis(millis))).on(endpoint));
}

fn reached(rig: &Rig, endpoint: Endpoint) -> Result<()> {
    until("the call arrives", || !rig.mock().requests_to(endpoint).is_empty())
}

fn interrupt_access(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        slow(rig, Endpoint::ProfileEvents, 3_000);
        let running = rig.start(&["access", "--email", &email])?;
        reached(rig, Endpoint::ProfileEvents)?;
        running.signal(Signal::SIGINT)?;
        let first = running.wait()?;
        first.exits(130)?;
        ensure!(first.stderr.contains("goes on"), "{}it does not say what to do", first.shown());
        ensure!(rig.packages()?.is_empty(), "a half package was left: {:?}", rig.packages()?);
        let second = rig.run(&["access", "--email", &email])?;
        second.exits(0)?.is("/id", first.text("/id")?)?.is("/status", "complete")?;
        rig.one_package()
    })
}

fn interrupt_erase(context: &Context) -> Result<Outcome> {
    const WHEN: &[Endpoint] = &[Endpoint::ProfileExternalIds, Endpoint::CreateRegulation, Endpoint::GetRegulation];
    each(
        WHEN,
        |endpoint| format!("{endpoint:?}"),
        |endpoint| {
            on_rig(context, &Setup::unify(), |rig| {
                let email = rig.mock().people()[0].email.clone();
                slow(rig, *endpoint, 1_200);
                let args = ["erase", "--email", &email, "--yes", "--wait"];
                let running = rig.start(&args)?;
                reached(rig, *endpoint)?;
                running.signal(Signal::SIGINT)?;
                let first = running.wait()?;
                first.exits(130)?;
                let second = rig.run(&args)?;
                second.exits(0)?.is("/id", first.text("/id")?)?.is("/status", "complete")?;
                rig.regulated("SUPPRESS_ONLY", &["u-0001"])?;
                same("POSTs", &rig.posts().len(), &1)
            })
        },
    )
}

fn short_lease() -> Setup {
    Setup::unify().replace("lease = \"2s\"", "lease = \"1s\"")
}

fn kill_while_sending(context: &Context) -> Result<Outcome> {
    on_rig(context, &short_lease(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        slow(rig, Endpoint::CreateRegulation, 1_500);
        let args = ["erase", "--email", &email, "--yes", "--wait"];
        let running = rig.start(&args)?;
        reached(rig, Endpoint::CreateRegulation)?;
        running.signal(Signal::SIGKILL)?;
        running.wait()?.exits(-9)?;
        let second = rig.run(&args)?;
        second
            .exits(0)?
            .is("/status", "complete")?
            .is("/tasks/0/regulations/0/id", rig.mock().regulations()[0].id.clone())?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])?;
        same("POSTs", &rig.posts().len(), &1)?;
        let list = rig.run(&["requests", "list"])?;
        same("requests", &list.at("/requests")?.as_array().map(Vec::len), &Some(1))
    })
}

fn kill_before_arrival(context: &Context) -> Result<Outcome> {
    on_rig(context, &short_lease(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        // The mock never lets the POST have an effect: the connection ends without an answer.
        rig.mock().fault(FaultRule::new(Fault::cut()).on(Endpoint::CreateRegulation));
        let args = ["erase", "--email", &email, "--yes", "--wait"];
        let running = rig.start(&args)?;
        reached(rig, Endpoint::CreateRegulation)?;
        running.signal(Signal::SIGKILL)?;
        running.wait()?.exits(-9)?;
        ensure!(rig.mock().regulations().is_empty(), "the mock took it");
        let second = rig.run(&args)?;
        second.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])?;
        same("POSTs", &rig.posts().len(), &2)?;
        let listings = rig.mock().requests_to(Endpoint::ListRegulations).len();
        ensure!(listings >= 2, "it was sent again after {listings} listings");
        Ok(())
    })
}

/// Somebody of whom more is known than what is collected may keep in memory: traits of half a megabyte.
fn more_than_memory_holds() -> Profile {
    let long = "Example Street, Springfield. ".repeat(1_800);
    let profile = Profile::new("use_long").external_id("user_id", "long-1");
    (0..10).fold(profile, |profile, index| profile.trait_(format!("trait_{index}"), json!(long)))
}

fn kill_access(context: &Context) -> Result<Outcome> {
    on_rig(context, &short_lease(), |rig| {
        rig.mock().add_profile(more_than_memory_holds());
        rig.keep_private("long-1");
        // Its traits are in a file while its events are still waited for.
        slow(rig, Endpoint::ProfileEvents, 3_000);
        let access = ["access", "--user-id", "long-1"];
        let running = rig.start(&access)?;
        let is_staged = |path: &PathBuf| path.metadata().is_ok_and(|file| file.len() > 0);
        until("something is staged", || rig.packages().is_ok_and(|files| files.iter().any(is_staged)))?;
        running.signal(Signal::SIGKILL)?;
        running.wait()?.exits(-9)?;
        let staged = rig.packages()?;
        ensure!(
            staged.iter().all(|path| path.extension().is_none_or(|kind| kind != "zip")),
            "it had ended: {staged:?}"
        );
        staged.iter().try_for_each(|path| rig.nobody_is_named_in(path))?;
        let run = rig.run(&access)?;
        run.exits(0)?.is("/status", "complete")?;
        rig.one_package()
    })
}
