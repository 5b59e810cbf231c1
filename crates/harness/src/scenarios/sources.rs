//! Connections for one source instead of the whole workspace.

use anyhow::{Result, ensure};
use segment_mock::{Endpoint, Fault, FaultRule};

use crate::{
    assert::same,
    context::{Api, Context},
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// an erasure for one source: sent to the source alone, complete, and says what is not part of it
    source_erasure,
    /// a slug where the Public API wants an id, and the other way round: a human is told, nothing happens to the workspace
    source_misnamed,
    /// a lost answer of a source: searched at the source; where the API has no such list, a human decides; never sent twice
    source_answer_lost,
    /// delete_archive_only is for single sources and not on the Config API: refused at start, else sent as it is
    source_archive,
}

const ERASE: [&str; 5] = ["erase", "--email", "person-0001@example.test", "--yes", "--wait"];

fn name(api: Api) -> &'static str {
    match api {
        Api::Public => "qW3eR5tY7uI9oP1aS2dF4g",
        Api::Config => "web",
    }
}

fn at(source: &str) -> Setup {
    let from = "space_id = \"spa_mock\"";
    Setup::unify().deleting().replace(from, &format!("{from}\nscope = {{ source = \"{source}\" }}"))
}

fn to_source(rig: &Rig) -> usize {
    rig.mock().requests_to(Endpoint::CreateSourceRegulation).len()
}

fn source_erasure(context: &Context) -> Result<Outcome> {
    on_rig(context, &at(name(context.api())), |rig| {
        let checked = rig.run(&["check"])?;
        let status = checked.exits(0)?.check("source")?;
        same("the check of the source", &status, if rig.api() == Api::Public { "succeeded" } else { "skipped" })?;
        let plan = rig.run(&["erase", "--email", "person-0001@example.test", "--dry-run"])?;
        ensure!(plan.exits(0)?.stdout.contains("only: the data of the workspace's other sources"), "{}", plan.shown());
        let run = rig.run(&ERASE)?;
        run.exits(0)?.is("/status", "complete")?.is("/verified_at", serde_json::Value::Null)?;
        run.finds("one_source")?.finds("not_verifiable")?;
        run.is("/tasks/0/regulations/0/source", name(rig.api()))?;
        same("POSTs to the source", &to_source(rig), &1)?;
        ensure!(rig.posts().is_empty(), "something was sent to the whole workspace");
        rig.regulated("SUPPRESS_WITH_DELETE", &["u-0001"])
    })
}

fn source_misnamed(context: &Context) -> Result<Outcome> {
    let wrong = match context.api() {
        Api::Public => "web",
        Api::Config => "qW3eR5tY7uI9oP1aS2dF4g",
    };
    on_rig(context, &at(wrong), |rig| {
        if rig.api() == Api::Public {
            same("the check of the source", &rig.run(&["check"])?.exits(5)?.check("source")?, "failed")?;
        }
        let run = rig.run(&ERASE)?;
        run.needs_human("refused")?;
        let message = run.text("/tasks/0/message")?;
        ensure!(message.contains(wrong) && message.contains("slug"), "{}", run.shown());
        ensure!(rig.mock().regulations().is_empty() && rig.posts().is_empty(), "something was ordered");
        let rest = format!("scope = {{ source = \"{wrong}\" }}");
        rig.reconfigure(&rest, &format!("scope = {{ source = \"{}\" }}", name(rig.api())))?;
        rig.run(&["requests", "retry", &run.text("/id")?, "--wait"])?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_WITH_DELETE", &["u-0001"])
    })
}

fn source_answer_lost(context: &Context) -> Result<Outcome> {
    on_rig(context, &at(name(context.api())), |rig| {
        rig.mock().fault(FaultRule::new(Fault::accept_then_cut()).on(Endpoint::CreateSourceRegulation));
        let run = rig.run(&ERASE)?;
        match rig.api() {
            Api::Public => run.exits(0)?.is("/status", "complete")?,
            Api::Config => run.needs_human("reconcile_undecided")?,
        };
        ensure!(rig.mock().requests_to(Endpoint::ListRegulations).is_empty(), "it looked at the whole workspace");
        same("POSTs to the source", &to_source(rig), &1)?;
        rig.regulated("SUPPRESS_WITH_DELETE", &["u-0001"])
    })
}

fn source_archive(context: &Context) -> Result<Outcome> {
    let archive = |setup: Setup| {
        setup.replace("masking_strict = false", "masking_strict = false\nregulation = \"delete_archive_only\"")
    };
    on_rig(context, &archive(Setup::unify().deleting()), |rig| {
        rig.run(&ERASE)?.fails(2, "config_invalid", &["delete_archive_only", "scope"])?;
        rig.nothing_asked()
    })?;
    on_rig(context, &archive(at(name(context.api()))), |rig| {
        let run = rig.run(&ERASE)?;
        if rig.api() == Api::Config {
            run.fails(2, "config_invalid", &["Config API", "DELETE_ARCHIVE_ONLY"])?;
            return rig.nothing_asked();
        }
        run.exits(0)?.is("/status", "complete")?;
        rig.regulated("DELETE_ARCHIVE_ONLY", &["u-0001"])
    })
}
