//! `requests …` and `regulations …`.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use segment_mock::{Endpoint, Fault, FaultRule};
use serde_json::{Value, json};

use crate::{
    assert::{same, until},
    context::Context,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// requests list, show and log; an id that does not exist is exit code 6
    requests_list_show_log,
    /// with require_approval an erasure waits (exit 7) until it is approved
    requests_approve,
    /// a denied request is exit code 8 and nothing is ever sent
    requests_deny,
    /// cancel calls off what has not left, and refuses what has
    requests_cancel,
    /// retry takes up a request that ended in an error, and sends once
    requests_retry,
    /// retry --split sends everybody of an invalid regulation alone: only whom Segment does not take needs a human again
    requests_retry_split,
    /// resolve closes what a human settled
    requests_resolve,
    /// extend lengthens the deadline once
    requests_extend,
    /// regulations list and show: the ledger beside Segment's, regulations of others, the quota
    regulations_list_show,
    /// several destinations, one of them unsupported: told by name
    regulations_destinations,
}

fn approval() -> Setup {
    Setup::unify().replace("require_approval = false", "require_approval = true")
}

/// Erases the first person and returns the request's id.
fn erase(rig: &Rig, exit: i32, more: &[&str]) -> Result<String> {
    let email = rig.mock().people()[0].email.clone();
    let mut args = vec!["erase", "--email", &email, "--yes"];
    args.extend(more);
    rig.run(&args)?.exits(exit)?.text("/id")
}

fn requests_list_show_log(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let id = erase(rig, 0, &["--wait"])?;
        let list = rig.run(&["requests", "list"])?;
        list.exits(0)?
            .is("/requests/0/id", id.clone())?
            .is("/requests/0/status", "complete")?
            .is("/requests/0/overdue", false)?;
        rig.run(&["requests", "list", "--status", "error"])?.exits(0)?.is("/requests", json!([]))?;
        rig.run(&["requests", "list", "--status", "finished"])?.fails(2, "unknown_status", &["complete"])?;
        let show = rig.run(&["requests", "show", &id])?;
        show.exits(0)?
            .is("/id", id.clone())?
            .is("/status", "complete")?
            .is("/tasks/0/regulations/0/status", "FINISHED")?;
        let log = rig.run(&["requests", "log", &id])?;
        let steps: Vec<_> =
            log.at("/log")?.as_array().into_iter().flatten().map(|entry| entry["step"].clone()).collect();
        for step in ["received", "resolved", "accepted", "read_back"] {
            ensure!(steps.contains(&json!(step)), "{}no step {step}", log.shown());
        }
        for command in ["show", "log", "cancel", "approve", "retry"] {
            rig.run(&["requests", command, "pri_nothing"])?.fails(6, "no_such_request", &["requests list"])?;
        }
        Ok(())
    })
}

fn requests_approve(context: &Context) -> Result<Outcome> {
    on_rig(context, &approval(), |rig| {
        let id = erase(rig, 7, &[])?;
        rig.run(&["requests", "show", &id])?.exits(0)?.is("/status", "pending")?;
        rig.nothing_asked()?;
        rig.run(&["requests", "approve", &id])?.exits(0)?.is("/status", "approved")?;
        let again = erase(rig, 0, &["--wait"])?;
        same("the request", &again, &id)?;
        same("POSTs", &rig.posts().len(), &1)?;
        rig.run(&["requests", "approve", &id])?.fails(2, "not_possible", &[])?;
        let email = rig.mock().people()[1].email.clone();
        rig.run(&["access", "--email", &email])?.exits(0)?.is("/status", "complete")?;
        Ok(())
    })
}

fn requests_deny(context: &Context) -> Result<Outcome> {
    on_rig(context, &approval(), |rig| {
        let id = erase(rig, 7, &[])?;
        let run = rig.run(&["requests", "deny", &id, "--reason", "we must keep invoices"])?;
        run.exits(0)?.is("/status", "denied")?.is("/denied_reason", "we must keep invoices")?;
        rig.run(&["requests", "approve", &id])?.fails(2, "not_possible", &[])?;
        rig.run(&["requests", "retry", &id])?.exits(8)?;
        rig.nothing_sent()
    })
}

fn requests_cancel(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let id = erase(rig, 0, &["--no-wait"])?;
        rig.run(&["requests", "cancel", &id])?.exits(0)?.is("/status", "canceled")?;
        rig.run(&["requests", "retry", &id])?.exits(8)?;
        rig.nothing_sent()?;
        // What was accepted cannot be called back.
        let sent = erase(rig, 0, &[])?;
        ensure!(sent != id, "a canceled request was taken up again");
        let run = rig.run(&["requests", "cancel", &sent])?;
        run.exits(7)?;
        ensure!(run.stderr.contains("not canceled"), "{}", run.shown());
        rig.run(&["requests", "retry", &sent, "--wait"])?.exits(0)?.is("/status", "complete")?;
        same("POSTs", &rig.posts().len(), &1)
    })
}

fn requests_retry(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::CreateRegulation));
        let id = erase(rig, 3, &[])?;
        rig.run(&["requests", "show", &id])?.is("/status", "error")?.is("/tasks/0/code", "unauthorized")?;
        let run = rig.run(&["requests", "retry", &id, "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.is("/id", id.clone())?;
        same("POSTs", &rig.posts().len(), &2)?;
        same("regulations", &rig.regulations().len(), &1)?;
        rig.run(&["requests", "retry", &id, "--wait"])?.exits(0)?.is("/status", "complete")?;
        same("POSTs", &rig.posts().len(), &2)
    })
}

fn requests_resolve(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().fault(FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation));
        let id = erase(rig, 4, &[])?;
        let run = rig.run(&["requests", "resolve", &id, "--task", "unify", "--note", "done by hand"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "settled")?.finds("settled_by_hand")?;
        rig.run(&["requests", "resolve", &id, "--task", "unify", "--note", "again"])?.fails(2, "not_possible", &[])?;
        same("regulations", &rig.regulations().len(), &0)
    })
}

fn requests_extend(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let id = erase(rig, 0, &["--no-wait", "--regime", "ccpa"])?;
        let before = rig.run(&["requests", "show", &id])?.text("/due_at")?;
        let run = rig.run(&["requests", "extend", &id, "--reason", "complex"])?;
        run.exits(0)?;
        ensure!(run.text("/due_at")? > before, "{}the deadline did not move", run.shown());
        rig.run(&["requests", "extend", &id, "--reason", "again"])?.fails(2, "not_possible", &[])?;
        Ok(())
    })
}

fn requests_retry_split(context: &Context) -> Result<Outcome> {
    use segment_mock::{Outcome as End, Which};
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let people: Vec<_> = rig.mock().people().into_iter().take(3).collect();
        rig.mock().set_outcome(Which::Subject("u-0002".to_owned()), End::invalid());
        rig.write("people.csv", people.iter().fold("email\n".to_owned(), |file, one| file + &one.email + "\n"))?;
        let run = rig.run(&["erase", "--from", "people.csv", "--yes", "--wait"])?;
        run.exits(4)?.is("/regulations", 1)?.is("/requests", json!({"requires_attention": 3}))?;
        let list = rig.run(&["requests", "list"])?.at("/requests")?;
        let ids: Vec<_> = list.as_array().into_iter().flatten().filter_map(|request| request["id"].as_str()).collect();
        // All at once, so that a worker would gather them.
        for id in &ids {
            rig.run(&["requests", "retry", id, "--split", "--no-wait"])?.exits(0)?;
        }
        let worker = rig.start(&["worker"])?;
        let count = |status: &str| -> Result<usize> {
            let list = rig.run(&["requests", "list", "--status", status])?.at("/requests")?;
            Ok(list.as_array().map_or(0, Vec::len))
        };
        until("everybody's regulation has ended", || {
            count("complete").is_ok_and(|taken| taken == 2) && count("requires_attention").is_ok_and(|left| left == 1)
        })?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        let mut sent: Vec<_> = rig.regulations().into_iter().map(|(_, subjects)| subjects.concat()).collect();
        sent.sort();
        same("regulations at Segment", &sent, &["u-0001", "u-0001u-0002u-0003", "u-0002", "u-0003"])
    })
}

fn regulations_list_show(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        erase(rig, 0, &["--wait"])?;
        let ours = rig.mock().regulations()[0].id.clone();
        let list = rig.run(&["regulations", "list"])?;
        list.exits(0)?.is("/regulations/0/id", ours.clone())?.is("/regulations/0/at_segment", "FINISHED")?;
        list.is("/regulations/0/type", "SUPPRESS_ONLY")?.is("/regulations/0/subjects", 1)?.is("/quota/0/used", 1)?;
        list.is("/quota/0/limit", 110_000)?;
        rig.run(&["regulations", "show", &ours])?.exits(0)?.is("/regulations/0/id", ours)?;
        rig.run(&["regulations", "show", "reg_nothing"])?.fails(6, "no_such_regulation", &["90 days"])?;
        // What is not shown is ours all the same.
        let other = rig.mock().people()[1].email.clone();
        rig.run(&["erase", "--email", &other, "--yes", "--wait"])?.exits(0)?;
        let short = rig.run(&["regulations", "list", "--limit", "1"])?;
        same("regulations", &short.exits(0)?.at("/regulations")?.as_array().map(Vec::len), &Some(1))
    })
}

fn regulations_destinations(context: &Context) -> Result<Outcome> {
    use segment_mock::{DestinationStatus, Outcome as End, Which};
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let end = End::partial_success()
            .destination(DestinationStatus::new("Braze", "FINISHED"))
            .destination(DestinationStatus::new("Legacy CRM", "NOT_SUPPORTED"))
            .erases_profiles();
        rig.mock().set_outcome(Which::Next, end);
        let email = rig.mock().people()[0].email.clone();
        let run = rig.run(&["erase", "--email", &email, "--yes", "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.finds("destination_unsupported")?;
        ensure!(run.at("/tasks/0/findings")?.to_string().contains("Legacy CRM"), "{}", run.shown());
        run.text("/verified_at")?;
        rig.mock().set_outcome(
            Which::Next,
            End::failed().destination(DestinationStatus::new("Braze", "FAILED").error("person-0002@example.test")),
        );
        let email = rig.mock().people()[1].email.clone();
        let run = rig.run(&["erase", "--email", &email, "--yes", "--wait"])?;
        run.needs_human("regulation_failed")?.is("/verified_at", Value::Null)?.finds("destination_failed")?;
        Ok(())
    })
}
