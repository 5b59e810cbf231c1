//! Legal holds, and looking at who somebody is.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::Context,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// a legal hold stops the erasure of its person, by whatever name; lifted, a retry completes it
    holds_stop_erasures,
    /// holds list hides who and why until asked; what has left already is told; bad input is refused
    holds_list,
    /// --reveal shows who a request is about, and its log says that somebody looked
    reveal_is_logged,
}

const EMAIL: &str = "person-0001@example.test";
const WHY: &str = "court case 4711";

fn holds_stop_erasures(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        rig.keep_private(WHY);
        let hold = rig.run(&["holds", "add", "--user-id", "U-0001", "--reason", WHY])?.exits(0)?.text("/id")?;
        let plan = rig.run(&["erase", "--email", EMAIL, "--dry-run"])?;
        ensure!(plan.exits(0)?.is("/plan/0/subjects", 0)?.stdout.contains(&hold), "{}", plan.shown());
        let run = rig.run(&["erase", "--email", EMAIL, "--yes", "--wait"])?;
        run.needs_human("legal_hold")?;
        ensure!(run.text("/tasks/0/message")?.contains(&hold), "{}", run.shown());
        rig.nothing_sent()?;
        rig.run(&["erase", "--email", "person-0002@example.test", "--yes", "--wait"])?.exits(0)?;
        rig.run(&["access", "--email", EMAIL])?.exits(0)?.is("/status", "complete")?;

        let id = run.text("/id")?;
        rig.run(&["requests", "retry", &id, "--wait"])?.needs_human("legal_hold")?;
        rig.run(&["holds", "remove", &hold])?.exits(0)?;
        rig.run(&["requests", "retry", &id, "--wait"])?.exits(0)?.is("/status", "complete")?;
        same("regulations", &rig.regulations().len(), &2)
    })
}

fn holds_list(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.keep_private(WHY);
        rig.run(&["holds", "list"])?.exits(0)?.is("/holds", json!([]))?;
        rig.run(&["holds", "add", "--reason", WHY])?.fails(2, "identity_refused", &["--email"])?;
        rig.run(&["holds", "add", "--email", "nobody", "--reason", WHY])?.fails(2, "identity_refused", &["@"])?;
        rig.run(&["holds", "add", "--email", EMAIL, "--reason", " "])?.fails(2, "reason_empty", &["nothing"])?;
        rig.run(&["holds", "remove", "hld_nothing"])?.fails(2, "no_such_hold", &["holds list"])?;
        rig.run(&["holds", "list"])?.exits(0)?.is("/holds", json!([]))?;

        let sent = rig.run(&["erase", "--email", EMAIL, "--yes"])?.exits(0)?.text("/id")?;
        let added = rig.run(&["holds", "add", "--email", EMAIL, "--reason", WHY])?;
        added.exits(0)?.is("/left_already/0", sent)?;
        ensure!(added.stderr.contains("cannot be stopped"), "{}", added.shown());
        let id = added.text("/id")?;
        let list = rig.run(&["holds", "list"])?;
        list.exits(0)?.is("/holds/0/names", json!(["email"]))?;
        ensure!(list.at("/holds/0")?.get("identities").is_none(), "{}", list.shown());
        let told = rig.revealing_call(&["holds", "list", "--reveal"]).run()?;
        told.exits(0)?.is("/holds/0/identities/0/value", EMAIL)?.is("/holds/0/reason", WHY)?;
        rig.run(&["holds", "remove", &id])?.exits(0)?;
        rig.run(&["holds", "list"])?.exits(0)?.is("/holds", json!([]))?;
        let all = rig.run(&["holds", "list", "--all"])?;
        ensure!(all.at("/holds/0/lifted_at")?.is_string(), "{}", all.shown());
        Ok(())
    })
}

fn reveal_is_logged(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let run = rig.run(&["erase", "--email", EMAIL, "--yes", "--wait"])?;
        let id = run.exits(0)?.text("/id")?;
        ensure!(run.json()?.get("identities").is_none(), "{}", run.shown());
        let revealed =
            |steps: &Value| steps.as_array().into_iter().flatten().filter(|entry| entry["step"] == "revealed").count();
        same("looks", &revealed(&rig.run(&["requests", "log", &id])?.at("/log")?), &0)?;
        let shown = rig.revealing_call(&["requests", "show", &id, "--reveal"]).env("USER", "dpo").run()?;
        shown.exits(0)?.is("/identities/0/value", EMAIL)?.is("/tasks/0/user_ids", json!(["u-0001"]))?;
        let again = rig.revealing_call(&["access", "--email", EMAIL, "--reveal"]).run()?;
        again.exits(0)?.is("/identities/0/value", EMAIL)?;
        let log = rig.run(&["requests", "log", &id])?;
        same("looks", &revealed(&log.at("/log")?), &1)?;
        let by = log.at("/log")?.as_array().and_then(|all| all.last().cloned()).unwrap_or_default();
        same("who looked", &by["facts"]["by"], &json!("dpo"))?;
        rig.run(&["requests", "show", "pri_nothing", "--reveal"])?.fails(6, "no_such_request", &["requests list"])?;
        Ok(())
    })
}
