//! The main job, second half: erasure at Segment Unify.

use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use segment_mock::{Event, Profile};
use serde_json::{Value, json};

use crate::{
    assert::{same, until},
    context::Context,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// erase strictly: SUPPRESS_ONLY for exactly the person's user ids, accepted; the same with --wait links and verifies
    erase_strict,
    /// erase with masking_strict = false --wait: SUPPRESS_WITH_DELETE, the profile is gone, and that was read back
    erase_deleting,
    /// a user id with capitals that only events know is sent in that spelling
    erase_spelling_from_events,
    /// a user id that only the Profile API knows is sent as shown, with a finding
    erase_case_unconfirmed,
    /// erasing a person whom nobody knows is complete with no_data and sends nothing
    erase_unknown_person,
    /// a user id whose profile does not exist is sent all the same
    erase_given_user_id_without_profile,
    /// a profile without a user id needs a human
    erase_no_user_id,
    /// --dry-run sends nothing and writes nothing
    erase_dry_run,
    /// without a terminal and without --yes nothing is done
    erase_not_confirmed,
    /// --no-wait only records; a worker does the rest and ends on SIGTERM
    erase_by_worker,
    /// suppress and unsuppress
    suppress_unsuppress,
    /// Segment says that it is deleted, but the profile remains: complete, not verified, and it says so
    erase_profile_remains,
}

fn erase_strict(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let person = rig.mock().people()[3].clone();
        let ids: Vec<_> = person.user_ids.iter().map(String::as_str).collect();
        same("the fourth person's user ids", &ids.len(), &2)?;
        let args = ["erase", "--email", &person.email, "--yes"];
        rig.segment_takes_long();
        let first = rig.run(&args)?;
        first.exits(0)?.is("/action", "erasure")?.is("/status", "awaiting_processor")?.is("/package", Value::Null)?;
        first.is("/tasks/0/regulations/0/type", "SUPPRESS_ONLY")?.is("/tasks/0/regulations/0/subjects", 2)?;
        ensure!(first.stderr.contains("suppressed, not deleted"), "{}no warning", first.shown());
        rig.regulated("SUPPRESS_ONLY", &ids)?;
        let mut waiting = args.to_vec();
        waiting.push("--wait");
        rig.segment_is_quick();
        let second = rig.run(&waiting)?;
        second
            .exits(0)?
            .is("/id", first.text("/id")?)?
            .is("/status", "complete")?
            .is("/tasks/0/outcome", "suppressed")?;
        second.is("/tasks/0/regulations/0/status", "FINISHED")?;
        second.finds("nothing_erased")?.text("/verified_at")?;
        rig.regulated("SUPPRESS_ONLY", &ids)?;
        same("POSTs", &rig.posts().len(), &1)?;
        ensure!(
            rig.mock().profile_exists("email", &person.email.to_lowercase()),
            "a strict erasure deleted the profile"
        );
        Ok(())
    })
}

fn erase_deleting(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let person = rig.mock().people()[0].clone();
        let run = rig.run(&["erase", "--email", &person.email, "--yes", "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "deleted")?;
        run.is("/tasks/0/regulations/0/type", "SUPPRESS_WITH_DELETE")?
            .is("/tasks/0/regulations/0/status", "FINISHED")?;
        run.text("/verified_at")?;
        run.finds("out_of_reach")?;
        rig.regulated("SUPPRESS_WITH_DELETE", &[&person.user_ids[0]])?;
        ensure!(!rig.mock().profile_exists("user_id", &person.user_ids[0]), "the profile is still there");
        same("profiles that are left", &rig.mock().profiles(), &7)
    })
}

fn erase_spelling_from_events(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let profile =
            Profile::new("use_caps").external_id("user_id", "Cust-ABC-9").external_id("email", "caps@shop.example");
        rig.mock().add_profile(profile.event(Event::track("Seen").external_id("user_id", "Cust-ABC-9")));
        rig.keep_private("cust-abc-9");
        rig.segment_takes_long();
        let run = rig.run(&["erase", "--email", "Caps@Shop.example", "--yes"])?;
        run.exits(0)?.is("/status", "awaiting_processor")?;
        rig.regulated("SUPPRESS_ONLY", &["Cust-ABC-9"])?;
        let codes = run.findings()?;
        ensure!(!codes.iter().any(|code| code == "case_unconfirmed"), "{}", run.shown());
        // The generated person with capitals, whose events spell them.
        let person = rig.mock().people()[4].clone();
        rig.run(&["erase", "--email", &person.email, "--yes"])?.exits(0)?;
        same("the second regulation", &rig.regulations()[1].1, &person.user_ids)
    })
}

fn erase_case_unconfirmed(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().add_profile(
            Profile::new("use_x").external_id("user_id", "Quiet-1").external_id("email", "quiet@shop.example"),
        );
        rig.keep_private("quiet-1");
        let run = rig.run(&["erase", "--email", "quiet@shop.example", "--yes"])?;
        run.exits(0)?.finds("case_unconfirmed")?;
        rig.regulated("SUPPRESS_ONLY", &["quiet-1"])
    })
}

fn erase_unknown_person(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.keep_private("nobody@shop.example");
        let run = rig.run(&["erase", "--email", "nobody@shop.example", "--yes", "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "no_data")?;
        run.is("/tasks/0/regulations", json!([]))?;
        rig.nothing_sent()
    })
}

fn erase_given_user_id_without_profile(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.keep_private("Gone-77");
        let run = rig.run(&["erase", "--user-id", "Gone-77", "--yes", "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "suppressed")?;
        rig.regulated("SUPPRESS_ONLY", &["Gone-77"])
    })
}

fn erase_no_user_id(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().add_profile(
            Profile::new("use_anon").external_id("anonymous_id", "anon-77").external_id("email", "anon@shop.example"),
        );
        rig.keep_private("anon@shop.example");
        rig.run(&["erase", "--email", "anon@shop.example", "--yes"])?.needs_human("no_user_id")?;
        rig.nothing_sent()
    })
}

fn erase_dry_run(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let person = rig.mock().people()[3].clone();
        let run = rig.run(&["erase", "--email", &person.email, "--dry-run"])?;
        run.exits(0)?.is("/dry_run", true)?.is("/plan/0/connection", "unify")?.is("/plan/0/action", "delete")?;
        run.is("/plan/0/regulation_type", "SUPPRESS_WITH_DELETE")?.is("/plan/0/subjects", 2)?.is("/plan/0/calls", 1)?;
        ensure!(!run.at("/plan/0/warnings")?.as_array().is_none_or(Vec::is_empty), "{}no warnings", run.shown());
        rig.write("people.csv", "email\nperson-0001@example.test\nperson-0002@example.test\nnobody@shop.example\n")?;
        let run = rig.run(&["erase", "--from", "people.csv", "--dry-run"])?;
        run.exits(0)?.is("/plan/0/subjects", 2)?.is("/plan/0/calls", 1)?;
        rig.nothing_sent()?;
        rig.nothing_written()
    })
}

fn erase_not_confirmed(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        rig.run(&["erase", "--email", &email])?.fails(2, "not_confirmed", &["--yes"])?;
        rig.run(&["suppress", "--user-id", "u-0001"])?.fails(2, "not_confirmed", &["--yes"])?;
        rig.nothing_asked()?;
        rig.run(&["requests", "list"])?.exits(0)?.is("/requests", json!([]))?;
        Ok(())
    })
}

fn erase_by_worker(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let person = rig.mock().people()[1].clone();
        let run = rig.run(&["erase", "--email", &person.email, "--yes", "--no-wait"])?;
        run.exits(0)?.is("/status", "approved")?;
        rig.nothing_asked()?;
        let worker = rig.start(&["worker"])?;
        let id = run.text("/id")?;
        until("the profile is deleted", || !rig.mock().profile_exists("user_id", &person.user_ids[0]))?;
        for _ in 0..100 {
            let now = rig.run(&["requests", "show", &id])?;
            if now.at("/verified_at")?.is_string() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        rig.run(&["requests", "show", &id])?.is("/status", "complete")?.text("/verified_at")?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        rig.regulated("SUPPRESS_WITH_DELETE", &[&person.user_ids[0]])
    })
}

fn suppress_unsuppress(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.keep_private("Blocked-5");
        let run = rig.call(&["suppress", "--user-id", "Blocked-5", "--yes", "--wait"]).env("USER", "dpo").run()?;
        run.exits(0)?.is("/action", "suppression")?.is("/status", "complete")?.is("/tasks/0/outcome", "suppressed")?;
        run.text("/verified_at")?;
        same("suppressed", &rig.mock().suppressed(), &vec!["Blocked-5"])?;
        let log = rig.run(&["requests", "log", &run.text("/id")?])?.at("/log/0")?;
        same("who ordered it", &(&log["step"], &log["facts"]["by"]), &(&json!("received"), &json!("dpo")))?;
        let run = rig.run(&["unsuppress", "--user-id", "Blocked-5", "--yes", "--wait"])?;
        run.exits(0)?.is("/action", "unsuppression")?.is("/tasks/0/outcome", "unsuppressed")?;
        run.text("/verified_at")?;
        same("suppressed", &rig.mock().suppressed().len(), &0)?;
        let types: Vec<_> = rig.regulations().into_iter().map(|(kind, _)| kind).collect();
        same("types", &types, &vec!["SUPPRESS_ONLY", "UNSUPPRESS"])
    })
}

fn erase_profile_remains(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let outcome = segment_mock::Outcome::finished().keeps_profiles();
        rig.mock().set_outcome(segment_mock::Which::Next, outcome);
        let email = rig.mock().people()[0].email.clone();
        let run = rig.run(&["erase", "--email", &email, "--yes", "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.is("/verified_at", Value::Null)?.finds("profile_remains")?;
        Ok(())
    })
}
