//! Asking twice, and in which order.

use std::time::Duration;

use anyhow::{Result, ensure};
use segment_mock::{Endpoint, Fault, FaultRule, Person};

use crate::{
    assert::{same, until},
    context::Context,
    process::Run,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// the same command twice is one request and one regulation
    repeat_same_command,
    /// an external id names one request for ever; with another person it is refused
    repeat_external_id,
    /// two processes ask for the same erasure at the same time: one request, one regulation
    repeat_side_by_side,
    /// an erasure waits for an access of the same person that came before it
    erasure_waits_for_access,
    /// --wait means waiting, also for an access in another process that comes first
    erasure_wait_outlasts_access,
    /// an erasure behind an access that needs a human is still open (exit 7), and it is said what it waits for
    erasure_behind_halted_access,
}

fn repeat_same_command(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        let first = rig.run(&["erase", "--email", &email, "--yes", "--no-wait"])?.text("/id")?;
        // Another spelling of the address is the same person.
        let upper = email.to_uppercase();
        rig.run(&["erase", "--email", &upper, "--yes", "--no-wait"])?.exits(0)?.is("/id", first.clone())?;
        rig.run(&["erase", "--email", &email, "--yes", "--wait"])?.exits(0)?.is("/id", first.clone())?;
        same("POSTs", &rig.posts().len(), &1)?;
        // It is over: asking again is a new request.
        let next = rig.run(&["erase", "--email", &email, "--yes", "--no-wait"])?.text("/id")?;
        ensure!(next != first, "a finished request was linked without an external id");
        Ok(())
    })
}

fn repeat_external_id(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let people = rig.mock().people();
        let erase =
            |email: &str, more: &str| rig.run(&["erase", "--email", email, "--external-id", "ticket 7", "--yes", more]);
        let first = erase(&people[0].email, "--wait")?;
        first.exits(0)?.is("/external_id", "ticket 7")?.is("/status", "complete")?;
        erase(&people[0].email, "--wait")?.exits(0)?.is("/id", first.text("/id")?)?.is("/status", "complete")?;
        erase(&people[1].email, "--wait")?.fails(2, "external_id_conflict", &["another"])?;
        let access = rig.run(&["access", "--email", &people[0].email, "--external-id", "ticket 7"])?;
        access.fails(2, "external_id_conflict", &[&first.text("/id")?])?;
        same("POSTs", &rig.posts().len(), &1)?;
        let list = rig.run(&["requests", "list"])?;
        same("requests", &list.at("/requests")?.as_array().map(Vec::len), &Some(1))
    })
}

fn repeat_side_by_side(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        let args = ["erase", "--email", &email, "--yes", "--wait"];
        let all = [rig.start(&args)?, rig.start(&args)?, rig.start(&args)?];
        let mut ids = Vec::new();
        for process in all {
            let run = process.wait()?;
            run.exits(0)?.is("/status", "complete")?;
            ids.push(run.text("/id")?);
        }
        ids.dedup();
        // Whoever came after the end of the first asked anew.
        same("regulations for each request", &rig.regulations().len(), &ids.len())?;
        same("POSTs", &rig.posts().len(), &ids.len())
    })
}

/// Starts an access that takes two seconds, since its events come late, and asks for an erasure of the same person.
fn access_then_erase(rig: &Rig, person: &Person) -> Result<Run> {
    rig.mock().fault(FaultRule::new(Fault::slow(Duration::from_secs(2))).on(Endpoint::ProfileEvents));
    let access = rig.start(&["access", "--email", &person.email])?;
    until("the access asks for events", || !rig.mock().requests_to(Endpoint::ProfileEvents).is_empty())?;
    let erase = rig.start(&["erase", "--user-id", &person.user_ids[0], "--email", &person.email, "--yes", "--wait"])?;
    std::thread::sleep(Duration::from_millis(800));
    rig.nothing_sent()?;
    let access = access.wait()?;
    access.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "collected")?;
    erase.wait()
}

fn erasure_waits_for_access(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let person = rig.mock().people()[0].clone();
        let erase = access_then_erase(rig, &person)?;
        ensure!([0, 7].contains(&erase.exit), "{}", erase.shown());
        rig.run(&["requests", "retry", &erase.text("/id")?, "--wait"])?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_WITH_DELETE", &[&person.user_ids[0]])
    })
}

fn erasure_wait_outlasts_access(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let person = rig.mock().people()[0].clone();
        access_then_erase(rig, &person)?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_WITH_DELETE", &[&person.user_ids[0]])
    })
}

fn erasure_behind_halted_access(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let people = rig.mock().people();
        let access = rig.run(&["access", "--email", &people[0].email, "--email", &people[1].email])?;
        let access = access.needs_human("identity_conflict")?.text("/id")?;
        let erase = rig.run(&["erase", "--email", &people[0].email, "--yes"])?;
        erase.exits(7)?;
        rig.nothing_sent()?;
        let id = erase.text("/id")?;
        let log = rig.run(&["requests", "log", &id])?;
        let told = format!("{}{}{}", erase.stdout, erase.stderr, log.stdout);
        ensure!(told.contains(&access), "{}{}nothing says that it waits for {access}", erase.shown(), log.shown());
        rig.run(&["requests", "cancel", &access])?.exits(0)?;
        rig.run(&["erase", "--email", &people[0].email, "--yes", "--wait"])?.exits(0)?.is("/id", id)?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}
