//! Webhooks: others are told of every change, whatever happens in between.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::service::{REQUESTS, asks};
use crate::{
    assert::{same, until},
    context::Context,
    receiver::{Call, Receiver, SECRET},
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    service::Served,
    setup::Setup,
};

scenarios! {
    /// every change of a status is told, signed, with its time, and without a word about the person
    webhooks_tell_every_change,
    /// a receiver that fails is told again under the same id, also by another process after a kill; one that wants no more is not
    webhooks_do_not_give_up,
    /// receivers of this machine and of private networks are refused, also behind a name
    webhooks_stay_outside,
}

fn setup(receiver: &Receiver, more: &str) -> Setup {
    let url = receiver.url();
    Setup::unify()
        .deleting()
        .append(&format!("[[webhooks]]\nkey = \"portal\"\nurl = \"{url}\"\nsecret = \"{SECRET}\"\n{more}\n"))
}

fn statuses(calls: &[Call], id: &str) -> Result<Vec<String>> {
    let mut told = Vec::new();
    for call in calls {
        call.is_signed()?;
        let body = call.json()?;
        same("type", &body["type"], &json!("privacy_request.status_changed"))?;
        if body["data"]["id"] == id {
            told.push((body["timestamp"].as_str().unwrap_or_default().to_owned(), body["data"]["status"].clone()));
        }
    }
    told.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(told.into_iter().map(|(_, status)| status.as_str().unwrap_or_default().to_owned()).collect())
}

fn webhooks_tell_every_change(context: &Context) -> Result<Outcome> {
    let receiver = Receiver::start()?;
    on_rig(context, &setup(&receiver, "allow_private = true"), |rig| {
        let served = Served::start(rig)?;
        let asked = served.call("POST", REQUESTS, Some(&json!([asks("person-0001@example.test", "erasure")])))?;
        let id = asked.text_at("/succeeded/0/id")?;
        until("everything is told", || statuses(&receiver.calls(), &id).is_ok_and(|all| all.len() == 4))?;
        let mut told = statuses(&receiver.calls(), &id)?;
        same("the last", &told.last().map(String::as_str), &Some("complete"))?;
        // The first two may be of the same millisecond.
        told.sort();
        let expected = ["approved", "awaiting_processor", "complete", "in_processing"];
        same("told", &told, &expected.map(str::to_owned).to_vec())?;
        for call in receiver.calls() {
            let text = format!("{:?}", call.headers) + &call.body;
            ensure!(!text.contains("person-0001"), "it names the person: {text}");
            let fields: Vec<_> =
                call.json()?["data"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
            same("fields", &fields, &["action", "id", "status"].map(str::to_owned).to_vec())?;
        }
        let log = rig.run(&["webhook", "log", "--webhook", "portal"])?.exits(0)?.at("/deliveries")?;
        same("in the log", &log.as_array().map(Vec::len), &Some(4))?;
        ensure!(log.as_array().into_iter().flatten().all(|one| one["state"] == "delivered"), "{log}");
        let test = rig.run(&["webhook", "test", "portal"])?;
        same("test", &test.exits(0)?.at("/taken")?, &json!(true))?;
        let last = receiver.calls().pop().context("no call")?;
        last.is_signed()?;
        same("test", &last.json()?["type"], &json!("webhook.test"))?;
        rig.run(&["webhook", "test", "other"])?.fails(2, "no_webhook", &["portal"])?;
        served.stop().map(drop)
    })
}

fn delivery(rig: &Rig, status: &str) -> Result<Value> {
    let log = rig.run(&["webhook", "log"])?.exits(0)?.at("/deliveries")?;
    let found = log.as_array().into_iter().flatten().find(|one| one["status"] == status).cloned();
    found.with_context(|| format!("{status} is not in {log}"))
}

fn webhooks_do_not_give_up(context: &Context) -> Result<Outcome> {
    let receiver = Receiver::start()?;
    let setup = setup(&receiver, "allow_private = true").replace("require_approval = false", "require_approval = true");
    on_rig(context, &setup, |rig| {
        // It fails, and would lead elsewhere.
        receiver.answers(&[503, 302]);
        let served = Served::start(rig)?;
        let asked = served.call("POST", REQUESTS, Some(&json!([asks("person-0001@example.test", "erasure")])))?;
        let id = asked.text_at("/succeeded/0/id")?;
        until("it is told", || receiver.calls().len() == 1)?;
        until("its answer is known", || delivery(rig, "pending").is_ok_and(|one| one["answer"] == "it answered 503"))?;
        // Another process goes on.
        drop(served);
        let worker = rig.start(&["worker"])?;
        until("it is told again", || receiver.calls().len() == 2)?;
        let known = |one: &Call| one.header("webhook-id").to_owned();
        let calls = receiver.calls();
        same("the id", &known(&calls[0]), &known(&calls[1]))?;
        until("its answer is known", || delivery(rig, "pending").is_ok_and(|one| one["answer"] == "it answered 302"))?;
        same("attempts", &delivery(rig, "pending")?["state"], &json!("waiting"))?;
        // The next is told although that one waits, and it wants no more.
        receiver.answers(&[410]);
        rig.run(&["requests", "cancel", &id])?.exits(0)?;
        until("it is given up", || delivery(rig, "canceled").is_ok_and(|one| one["state"] == "given_up"))?;
        worker.signal(nix::sys::signal::Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        Ok(())
    })
}

fn webhooks_stay_outside(context: &Context) -> Result<Outcome> {
    let receiver = Receiver::start()?;
    on_rig(context, &setup(&receiver, ""), |rig| {
        let refused = |words: &str| -> Result<()> {
            let run = rig.run(&["webhook", "test", "portal"])?;
            run.exits(2)?;
            ensure!(run.stderr.contains(words), "{}", run.stderr);
            Ok(())
        };
        refused("https://")?;
        let by_address = receiver.url().replace("http://", "https://");
        rig.reconfigure(receiver.url(), &by_address)?;
        refused("private network")?;
        rig.run(&["serve", "--listen", "127.0.0.1:0"])?.exits(2)?;
        let by_name = by_address.replace("127.0.0.1", "localhost");
        rig.reconfigure(&by_address, &by_name)?;
        let run = rig.run(&["webhook", "test", "portal"])?;
        run.exits(5)?;
        ensure!(run.text("/problem")?.contains("no public address"), "{}", run.stdout);
        rig.reconfigure(SECRET, "whsec_c2hvcnQ=")?;
        refused("whsec_")?;
        same("calls", &receiver.calls().len(), &0)?;
        Ok(())
    })
}
