//! `connections …`, and what a worker makes of a configuration that changes.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    assert::{same, until},
    context::Context,
    process::Invocation,
    rig::Rig,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// a connection of the record database: added, listed, shown, tested, used, edited, disabled, enabled, removed
    connections_managed,
    /// bad input to connections: each says what is wrong and what to do; nothing is changed
    connections_refused,
    /// the configuration file wins where both name a key; two connections that do not fit are told, and can be mended
    connections_and_the_file,
    /// two processes add the same connection: one does, the other is told
    connections_added_twice,
    /// a connection that is disabled while a worker runs sends nothing; enabled again, it goes on by itself
    connections_disabled,
    /// a disabled connection beside an enabled one: the request is for the other alone, and says what is left out
    connections_left_out,
    /// a connection at which something is open is not removed by mistake
    connections_in_use,
    /// a connection whose secret is gone: others work, a worker works on, check says which; what is asked everywhere is refused
    connections_broken,
    /// a connection that is disabled sends nothing, although the rest of the configuration cannot be used
    disabled_in_spite_of_the_rest,
    /// the file is edited while a worker runs: a broken one is told and not used, a good one is taken up
    worker_reconfigured,
}

fn add(rig: &Rig, key: &str) -> Invocation {
    let (api, url, space) = (rig.api().name(), rig.mock().url(), rig.mock().space_id().to_owned());
    let args = [
        "connections",
        "add",
        key,
        "--kind",
        "segment_unify",
        "--api",
        api,
        "--domain",
        &url,
        "--profiles-domain",
        &url,
        "--workspace",
        "acme",
        "--access-token",
        "file:token",
        "--space-id",
        &space,
        "--access-secret",
        "-",
        "--config-calls-per-minute",
        "60000",
    ];
    rig.call(&args).stdin(format!("{}\n", rig.mock().profile_token()))
}

fn managed(context: &Context, body: impl FnOnce(&Rig) -> Result<()>) -> Result<Outcome> {
    on_rig(context, &Setup::unconnected(), |rig| {
        add(rig, "prod").run()?.exits(0)?.is("/key", "prod")?.is("/from", "database")?.is("/enabled", true)?;
        body(rig)
    })
}

const ERASE: [&str; 4] = ["erase", "--email", "person-0001@example.test", "--yes"];
const ACCESS: [&str; 4] = ["access", "--email", "person-0002@example.test", "--no-wait"];

fn connections_managed(context: &Context) -> Result<Outcome> {
    managed(context, |rig| {
        let list = rig.run(&["connections", "list"])?;
        list.exits(0)?.is("/connections/0/key", "prod")?.is("/connections/0/last_test", Value::Null)?;
        rig.run(&["connections", "test", "prod"])?.exits(0)?.is("/connections/0/status", "succeeded")?;
        let show = rig.run(&["connections", "show", "prod"])?;
        show.exits(0)?.is("/last_test/status", "succeeded")?;
        same("the token", &field(&show.at("/fields")?, "access-token")["value"], &Value::from("file:token"))?;
        same("the secret", &field(&show.at("/fields")?, "access-secret")["value"], &Value::from("(hidden)"))?;
        same("required", &field(&show.at("/fields")?, "space-id")["required"], &Value::from(true))?;
        rig.run(&["access", "--email", "person-0001@example.test"])?.exits(0)?.is("/status", "complete")?;
        rig.run(&["erase", "--email", "person-0002@example.test", "--dry-run"])?.exits(0)?.is("/plan/0/subjects", 1)?;

        rig.run(&["connections", "edit", "prod", "--workspace", "other"])?.exits(0)?.is("/workspace", "other")?;
        rig.run(&["check"])?.exits(5)?.is("/connections/0/status", "failed")?;
        rig.run(&["connections", "list"])?.exits(0)?.is("/connections/0/last_test/status", "failed")?;
        rig.run(&["connections", "edit", "prod", "--workspace", "acme", "--unset", "region"])?.exits(0)?;

        rig.run(&["connections", "disable", "prod"])?.exits(0)?.is("/enabled", false)?;
        rig.run(&ERASE)?.fails(2, "no_connection", &["disabled", "prod"])?;
        rig.run(&["erase", "--email", "person-0001@example.test", "--dry-run"])?.fails(
            2,
            "no_connection",
            &["disabled"],
        )?;
        rig.nothing_sent()?;
        rig.run(&["connections", "enable", "prod"])?.exits(0)?.is("/enabled", true)?;
        rig.run(&[ERASE.as_slice(), &["--wait"]].concat())?.exits(0)?.is("/status", "complete")?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])?;

        rig.run(&["connections", "remove", "prod"])?.fails(2, "not_confirmed", &["--yes"])?;
        rig.run(&["connections", "remove", "prod", "--yes"])?.exits(0)?.is("/removed", "prod")?;
        rig.run(&["connections", "show", "prod"])?.fails(2, "no_connection", &["prod"])?;
        Ok(())
    })
}

fn field<'a>(fields: &'a Value, name: &str) -> &'a Value {
    fields.as_array().into_iter().flatten().find(|field| field["name"] == name).unwrap_or(&Value::Null)
}

/// What is given, and the code and words of the answer.
type Refused = (&'static [&'static str], &'static str, &'static [&'static str]);

fn connections_refused(context: &Context) -> Result<Outcome> {
    const CASES: &[Refused] = &[
        (
            &["add", "x", "--kind", "segment_unify"],
            "connection_incomplete",
            &["--workspace", "--access-token", "--space-id", "--access-secret"],
        ),
        (&["add", "x", "--kind", "segment", "--workspace", "w"], "connection_incomplete", &["--segment-user-id"]),
        (&["add", "x"], "not_given", &["--kind"]),
        (&["add", "x", "--kind", "segment", "--access-token", "sgp_typed"], "secret_on_command_line", &["env:NAME"]),
        (&["add", "x", "--kind", "segment", "--access-token", "-"], "secret_missing", &["--access-token"]),
        (&["add", "prod", "--kind", "segment"], "connection_exists", &["connections edit"]),
        (&["edit", "prod", "--domain", "api.segment.evil.example"], "config_invalid", &["evil.example"]),
        (&["edit", "prod", "--api", "public", "--domain", "platform.segmentapis.com"], "config_invalid", &["api"]),
        (&["edit", "prod", "--unset", "workspace"], "config_invalid", &["workspace"]),
        (&["edit", "prod", "--unset", "acces-token"], "no_such_field", &["access-token"]),
        (&["edit", "prod", "--segment-user-id", "shop.customer.id"], "dataset_missing", &["shop"]),
        (&["edit", "prod", "--source", ""], "config_invalid", &["scope.source"]),
        (&["edit", "prod", "--source", ".."], "config_invalid", &["scope.source"]),
        (&["edit", "prod", "--source", "../../x"], "config_invalid", &["slash"]),
        (&["edit", "prod", "--monthly-users", "0"], "config_invalid", &["monthly_users"]),
        (&["edit", "nobody"], "no_connection", &["prod"]),
        (&["disable", "nobody"], "no_connection", &["prod"]),
        (&["remove", "nobody", "--yes"], "no_connection", &["prod"]),
        (&["test", "nobody"], "no_connection", &["prod"]),
    ];
    managed(context, |rig| {
        let before = rig.run(&["connections", "show", "prod"])?.at("/fields")?;
        for (args, code, words) in CASES {
            rig.run(&[&["connections"], *args].concat())?.fails(2, code, words)?;
        }
        same("the connection", &rig.run(&["connections", "show", "prod"])?.at("/fields")?, &before)?;
        let list = rig.run(&["connections", "list"])?.at("/connections")?;
        same("connections", &list.as_array().map(Vec::len), &Some(1))
    })
}

fn connections_and_the_file(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unconnected(), |rig| {
        add(rig, "unify").run()?.exits(0)?;
        rig.run(&["connections", "edit", "unify", "--workspace", "elsewhere"])?.exits(0)?;
        // The same key, and one more for the same workspace, in the file.
        let of_file = |key: &str| {
            format!(
                "\n[[connections]]\nkey = \"{key}\"\nkind = \"segment_unify\"\napi = \"{}\"\ndomain = \"{url}\"\n\
                 profiles_domain = \"{url}\"\nworkspace = \"acme\"\naccess_token = {{ file = \"token\" }}\n\
                 space_id = \"{}\"\naccess_secret = {{ file = \"secret\" }}\n",
                rig.api().name(),
                rig.mock().space_id(),
                url = rig.mock().url()
            )
        };
        rig.reconfigure("[worker]", &format!("{}\n[worker]", of_file("unify")))?;
        let list = rig.run(&["connections", "list"])?;
        list.exits(0)?.is("/connections/0/from", "file")?.is("/connections/0/workspace", "acme")?;
        ensure!(list.stderr.contains("the configuration file wins"), "{}", list.shown());
        rig.run(&["check"])?.exits(0)?;
        for args in [["edit", "unify", "--workspace", "x"].as_slice(), &["disable", "unify"], &["enable", "unify"]] {
            rig.run(&[&["connections"], args].concat())?.fails(2, "connection_in_file", &["there"])?;
        }
        rig.run(&["connections", "show", "unify"])?.is("/from", "file")?.is("/enabled", true)?;

        rig.reconfigure("key = \"unify\"", "key = \"other\"")?;
        rig.run(&["connections", "edit", "other", "--workspace", "x"])?.fails(2, "connection_in_file", &["there"])?;
        rig.run(&["connections", "add", "other", "--kind", "segment"])?.fails(2, "connection_in_file", &["other"])?;
        rig.run(&["connections", "edit", "unify", "--workspace", "acme"])?.fails(
            2,
            "config_invalid",
            &["same host"],
        )?;
        rig.run(&["connections", "edit", "unify", "--workspace", "third"])?.exits(0)?;
        // The file is edited to what the record database has.
        rig.reconfigure("workspace = \"acme\"", "workspace = \"third\"")?;
        rig.run(&ERASE)?.fails(2, "config_invalid", &["other", "unify", "same host"])?;
        // What must be possible all the same.
        rig.run(&["requests", "list"])?.exits(0)?;
        let hold = rig.run(&["holds", "add", "--email", "person-0001@example.test", "--reason", "x"])?;
        ensure!(hold.exits(0)?.stderr.contains("same host"), "{}", hold.shown());
        rig.run(&["holds", "remove", &hold.text("/id")?])?.exits(0)?;
        let list = rig.run(&["connections", "list"])?;
        ensure!(list.exits(0)?.stderr.contains("same host"), "{}", list.shown());
        rig.run(&["connections", "remove", "unify", "--yes"])?.exits(0)?;
        rig.reconfigure("workspace = \"third\"", "workspace = \"acme\"")?;
        rig.run(&["check"])?.exits(0)?;
        rig.nothing_sent()
    })
}

fn connections_added_twice(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unconnected(), |rig| {
        for round in 0..6 {
            // The same key, and keys that do not fit together: both are for the same workspace.
            let keys = [format!("prod-{round}"), format!("prod-{round}{}", ["", "-too"][round % 2])];
            let (first, second) = (add(rig, &keys[0]).start()?, add(rig, &keys[1]).start()?);
            let (first, second) = (first.wait()?, second.wait()?);
            let (won, lost) = if first.exit == 0 { (first, second) } else { (second, first) };
            let key = won.exits(0)?.text("/key")?;
            let code = if round % 2 == 0 { "connection_exists" } else { "config_invalid" };
            lost.fails(2, code, &[])?;
            rig.run(&["connections", "edit", &key, "--workspace", &key])?.exits(0)?;
        }
        let list = rig.run(&["connections", "list"])?.at("/connections")?;
        same("connections", &list.as_array().map(Vec::len), &Some(6))
    })
}

/// What a worker tells when it has begun, and when it works by another configuration.
const WORKING: &str = "working; Ctrl-C";
const WITH_THE_NEW_ONE: &str = "working on with the new one";

fn connections_disabled(context: &Context) -> Result<Outcome> {
    managed(context, |rig| {
        let id = rig.run(&[ERASE.as_slice(), &["--no-wait"]].concat())?.exits(0)?.text("/id")?;
        let package = rig.run(&ACCESS)?.exits(0)?.text("/id")?;
        rig.run(&["connections", "disable", "prod"])?.exits(0)?;
        let waiting = rig.run(&["requests", "retry", &id])?;
        waiting.exits(7)?.is("/status", "in_processing")?;
        ensure!(waiting.stderr.contains("prod is disabled"), "{}", waiting.shown());
        let worker = rig.start(&["worker"])?;
        // What it may send, it has had the time to send.
        rig.completes(&package)?;
        rig.nothing_sent()?;
        rig.run(&["connections", "enable", "prod"])?.exits(0)?;
        until("it is sent", || !rig.mock().regulations().is_empty())?;
        rig.completes(&id)?;
        worker.signal(Signal::SIGTERM)?;
        let worker = worker.wait()?;
        ensure!(worker.exits(0)?.stderr.contains(WITH_THE_NEW_ONE), "{}", worker.shown());
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

fn connections_left_out(context: &Context) -> Result<Outcome> {
    managed(context, |rig| {
        add(rig, "web").run()?.fails(2, "config_invalid", &["same host and workspace"])?;
        rig.run(&["connections", "edit", "prod", "--workspace", "elsewhere"])?.exits(0)?;
        add(rig, "web").run()?.exits(0)?;
        rig.run(&["connections", "disable", "prod"])?.exits(0)?;
        let run = rig.run(&[ERASE.as_slice(), &["--wait"]].concat())?;
        run.exits(0)?.is("/tasks/0/connection", "web")?;
        same("tasks", &run.at("/tasks")?.as_array().map(Vec::len), &Some(1))?;
        ensure!(run.stderr.contains("prod is disabled and takes no part"), "{}", run.shown());
        let log = rig.run(&["requests", "log", &run.text("/id")?])?;
        log.is("/log/0/facts/left_out/0", "prod")?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

fn connections_in_use(context: &Context) -> Result<Outcome> {
    managed(context, |rig| {
        let id = rig.run(&[ERASE.as_slice(), &["--no-wait"]].concat())?.exits(0)?.text("/id")?;
        rig.run(&["connections", "remove", "prod", "--yes"])?.fails(2, "connection_in_use", &["prod: 1", "--force"])?;
        rig.run(&["connections", "show", "prod"])?.exits(0)?;
        rig.run(&["connections", "disable", "prod"])?.exits(0)?;
        rig.run(&["requests", "retry", &id])?.exits(7)?;
        let worker = rig.start(&["worker"])?;
        worker.tells(WORKING, 1)?;
        // The only connection goes while a worker runs: nothing is sent, and what waited is handed to a human.
        rig.run(&["connections", "remove", "prod", "--yes", "--force"])?.exits(0)?;
        until("it is handed to a human", || {
            rig.run(&["requests", "show", &id]).is_ok_and(|run| run.is("/tasks/0/code", "no_connection").is_ok())
        })?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        rig.run(&["requests", "retry", &id])?.needs_human("no_connection")?;
        rig.nothing_sent()
    })
}

fn connections_broken(context: &Context) -> Result<Outcome> {
    managed(context, |rig| {
        rig.write("lost", rig.token())?;
        rig.run(&["connections", "edit", "prod", "--workspace", "elsewhere", "--access-token", "file:lost"])?
            .exits(0)?;
        add(rig, "other").run()?.exits(0)?;
        std::fs::remove_file(rig.path("lost"))?;
        // What one lacks says nothing of the other, unless something is asked for everywhere.
        let check = rig.run(&["check"])?;
        check.exits(5)?.is("/connections/0/status", "succeeded")?.is("/connections/1/status", "failed")?;
        check.is("/connections/1/checks/0/name", "configuration")?;
        rig.run(&ERASE)?.fails(2, "secret_missing", &["lost", "prod"])?;
        let erase = [ERASE.as_slice(), &["--connection", "other", "--wait"]].concat();
        let run = rig.run(&erase)?;
        run.exits(0)?.is("/status", "complete")?;
        rig.run(&["requests", "retry", &run.text("/id")?])?.exits(0)?;
        rig.run(&["regulations", "list"])?.exits(0)?.is("/regulations/0/connection", "other")?;
        rig.run(&["connections", "disable", "prod"])?.exits(0)?;
        rig.run(&["erase", "--email", "person-0002@example.test", "--yes", "--wait"])?.exits(0)?;

        // A worker works on what it can, and takes up the rest when it is there.
        rig.run(&["connections", "edit", "prod", "--workspace", "acme-2"])?.exits(0)?;
        rig.run(&["connections", "enable", "prod"])?.exits(0)?;
        let worker = rig.start(&["worker"])?;
        let third = ["erase", "--email", "person-0004@example.test", "--yes", "--no-wait", "--connection", "other"];
        let id = rig.run(&third)?.exits(0)?.text("/id")?;
        rig.completes(&id)?;
        worker.signal(Signal::SIGTERM)?;
        let worker = worker.wait()?;
        ensure!(worker.exits(0)?.stderr.contains("prod"), "{}", worker.shown());
        let sent: Vec<_> = rig.regulations().into_iter().map(|(_, subjects)| subjects.join(" ")).collect();
        same("regulations", &sent, &["u-0001", "u-0002", "u-0004 u-0004-b"].map(str::to_owned).to_vec())
    })
}

fn disabled_in_spite_of_the_rest(context: &Context) -> Result<Outcome> {
    managed(context, |rig| {
        let worker = rig.start(&["worker"])?;
        worker.tells(WORKING, 1)?;
        // The file breaks, and then somebody disables the connection: that counts all the same.
        rig.reconfigure("[worker]", "[wroker]")?;
        rig.reconfigure("[wroker]", "[worker]\nconcurrency = 0")?;
        rig.run(&["connections", "disable", "prod"])?.fails(2, "config_invalid", &["concurrency"])?;
        rig.write(
            "good.toml",
            std::fs::read_to_string(rig.path("segment-privacy.toml"))?.replace("\nconcurrency = 0", ""),
        )?;
        rig.run(&["--config", "good.toml", "connections", "disable", "prod"])?.exits(0)?;
        worker.tells("nothing more is sent there", 1)?;
        worker.tells("cannot be used", 1)?;
        rig.run(&["--config", "good.toml", "connections", "enable", "prod"])?.exits(0)?;
        let asked = |what: &[&str]| rig.run(&[&["--config", "good.toml"], what].concat())?.exits(0)?.text("/id");
        asked(&[ERASE.as_slice(), &["--no-wait"]].concat())?;
        let package = asked(&ACCESS)?;
        until("the package is there", || {
            let show = ["--config", "good.toml", "requests", "show", &package];
            rig.run(&show).is_ok_and(|run| run.is("/status", "complete").is_ok())
        })?;
        rig.nothing_sent()?;
        rig.reconfigure("\nconcurrency = 0", "")?;
        until("it is sent", || !rig.mock().regulations().is_empty())?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

fn worker_reconfigured(context: &Context) -> Result<Outcome> {
    const CHANGES: &[(&str, &str)] = &[
        ("masking_strict = true", "masking_stict = true"),
        ("workspace = \"acme\"", "workspace = \"\""),
        ("key = { file = \"key\" }", "key = { file = \"no-such-key\" }"),
    ];
    each(
        CHANGES,
        |change| change.1.to_owned(),
        |(good, broken)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.run(&["check"])?.exits(0)?;
                let worker = rig.start(&["worker"])?;
                worker.tells(WORKING, 1)?;
                rig.reconfigure(good, broken)?;
                worker.tells("cannot be used", 1)?;
                rig.reconfigure(broken, good)?;
                rig.reconfigure("masking_strict = true", "masking_strict = false")?;
                worker.tells(WITH_THE_NEW_ONE, 1)?;
                rig.run(&[ERASE.as_slice(), &["--no-wait"]].concat())?.exits(0)?;
                until("it is sent", || !rig.mock().regulations().is_empty())?;
                worker.signal(Signal::SIGTERM)?;
                let worker = worker.wait()?;
                worker.exits(0)?;
                rig.regulated("SUPPRESS_WITH_DELETE", &["u-0001"])
            })
        },
    )
}
