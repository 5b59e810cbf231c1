//! The main job, first half: check and access.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use segment_mock::{Endpoint, Event, Link, Profile};
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::Context,
    package::Package,
    process::Run,
    raw_http,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// check succeeds in the contract's shape, asks both APIs, and records nothing
    check_succeeds,
    /// access of a generated person: the package holds exactly what the mock holds, and its checksums are right
    access_generated_person,
    /// access of a person with 25 traits, 5 ids and 250 events: every page of everything is in the package
    access_large_profile,
    /// access of a person whom nobody knows is complete with no_data and no package
    access_unknown_person,
    /// access --out writes to another folder
    access_out,
}

fn check_succeeds(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let run = rig.run(&["check"])?;
        run.exits(0)?.is("/connections/0/key", "unify")?.is("/connections/0/kind", "segment_unify")?;
        run.is("/connections/0/status", "succeeded")?;
        let checks = run.at("/connections/0/checks")?;
        let checks = checks.as_array().context("no list of checks")?;
        for check in checks {
            let status = check["status"].as_str().unwrap_or_default();
            ensure!(["succeeded", "warning", "skipped"].contains(&status), "{}", run.shown());
            ensure!(check["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", run.shown());
        }
        let names: Vec<_> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
        same("what is checked", &names, &vec!["workspace", "suppressions", "permissions", "profile api", "quota"])?;
        for endpoint in [Endpoint::Workspace, Endpoint::ListSuppressions, Endpoint::ProfileMetadata] {
            ensure!(!rig.mock().requests_to(endpoint).is_empty(), "{endpoint:?} was not asked");
        }
        rig.nothing_sent()
    })
}

fn access_generated_person(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        // The fourth person has two user ids, the sixth an account, the seventh an address with capitals and a plus.
        for index in [3, 5, 6] {
            let person = rig.mock().people()[index].clone();
            let run = rig.run(&["access", "--email", &person.email])?;
            is_as_in_the_contract(&run, "access")?;
            let package = Package::open(&rig.path(&run.text("/package/location")?))?;
            equals_the_mock(rig, &run, &package, &person.email)?;
        }
        rig.nothing_sent()
    })
}

/// The shape of a complete access with one task.
fn is_as_in_the_contract(run: &Run, action: &str) -> Result<()> {
    run.exits(0)?.is("/action", action)?.is("/status", "complete")?.is("/external_id", Value::Null)?;
    run.is("/verified_at", Value::Null)?.is("/tasks/0/connection", "unify")?.is("/tasks/0/status", "complete")?;
    run.is("/tasks/0/outcome", "collected")?.is("/tasks/0/regulations", json!([]))?.is("/masked", json!({}))?;
    ensure!(run.text("/id")?.starts_with("pri_"), "{}", run.shown());
    for time in ["/received_at", "/due_at", "/completed_at"] {
        ensure!(run.text(time)?.ends_with('Z'), "{}{time}", run.shown());
    }
    ensure!(run.text("/package/location")?.ends_with(&format!("{}.zip", run.text("/id")?)), "{}", run.shown());
    Ok(())
}

/// Counts and values of the package are those of the mock, asked without any code of ours.
fn equals_the_mock(rig: &Rig, run: &Run, package: &Package, email: &str) -> Result<()> {
    let ask = |resource: &str| raw_http::profile(rig.mock(), email, resource);
    let records = |collection: &str| raw_http::records(rig.mock(), email, collection);
    let traits = ask("traits?limit=200")?["traits"].clone();
    same("traits", &package.json("unify/traits.json")?, &traits)?;
    let ids = records("external_ids")?;
    same("external ids", &by(&list(&package.json("unify/external_ids.json")?), "id"), &by(&ids, "id"))?;
    let events = records("events")?;
    same("events", &by(&package.lines("unify/events.ndjson")?, "message_id"), &by(&events, "message_id"))?;
    let links = records("links")?;
    same("links", &list(&package.json("unify/links.json")?), &links)?;
    let metadata = ask("metadata")?;
    same("segment id", &package.json("unify/metadata.json")?["segment_id"], &metadata["segment_id"])?;
    let counts = json!({
        "metadata": 1, "traits": traits.as_object().map_or(0, serde_json::Map::len), "external_ids": ids.len(),
        "events": events.len(), "links": links.len(),
    });
    run.is("/tasks/0/collections", counts.clone())?;
    for (path, collection) in [("unify/traits.csv", "traits"), ("unify/events.csv", "events")] {
        same(path, &package.entry(path)?["records"], &counts[collection])?;
        same(path, &package.entry(path)?["complete"], &json!(true))?;
    }
    same("request", &package.manifest["request_id"], &json!(run.text("/id")?))?;
    let limits = package.manifest["limits"].to_string();
    ensure!(limits.contains("14 days") && limits.contains("onsent"), "the manifest does not say what is missing");
    Ok(())
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn by(list: &[Value], key: &str) -> BTreeMap<String, Value> {
    list.iter().map(|one| (one[key].as_str().unwrap_or_default().to_owned(), one.clone())).collect()
}

/// A person with more of everything than a page holds.
fn large() -> Profile {
    let mut profile =
        Profile::new("use_large").external_id("user_id", "large-1").external_id("email", "large@shop.example");
    for index in 0..3 {
        profile = profile.external_id("anonymous_id", format!("large-anon-{index}"));
    }
    for index in 0..25 {
        profile =
            profile.trait_(format!("trait_{index:02}"), json!({"value": index, "text": "ä \"quoted\", line\nbreak"}));
    }
    for index in 0..250 {
        profile = profile.event(
            Event::track(format!("Event {}", index % 7))
                .properties(json!({"index": index, "nested": {"list": [1, 2, {"deep": "=1+1"}]}}))
                .message_id(format!("large-{index:03}")),
        );
    }
    profile.link(Link::account("large-group"))
}

fn access_large_profile(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.mock().add_profile(large());
        for text in ["large@shop.example", "large-anon-0", "large-1"] {
            rig.keep_private(text);
        }
        let run = rig.run(&["access", "--user-id", "large-1"])?;
        is_as_in_the_contract(&run, "access")?;
        let counts = json!({"metadata": 1, "traits": 25, "external_ids": 5, "events": 250, "links": 1});
        run.is("/tasks/0/collections", counts)?
            .is("/tasks/0/identities", json!({"resolved_user_ids": 1, "unreachable": 3}))?;
        let pages = rig.mock().requests_to(Endpoint::ProfileEvents).len();
        ensure!(pages <= 6, "{pages} requests for 250 events");
        let package = Package::open(&rig.path(&run.text("/package/location")?))?;
        equals_the_mock(rig, &run, &package, "large@shop.example")
    })
}

fn access_unknown_person(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.keep_private("nobody@shop.example");
        let run = rig.run(&["access", "--email", "nobody@shop.example"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "no_data")?.is("/package", Value::Null)?;
        ensure!(rig.packages()?.is_empty(), "there is a file among the packages");
        let log = rig.run(&["requests", "log", &run.text("/id")?])?;
        ensure!(
            log.stdout.contains("the Profile API, by email"),
            "{}the record does not say where was looked",
            log.shown()
        );
        Ok(())
    })
}

fn access_out(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let email = rig.mock().people()[0].email.clone();
        let run = rig.run(&["access", "--email", &email, "--out", "elsewhere"])?;
        run.exits(0)?.is("/status", "complete")?;
        Package::open(&rig.path("elsewhere").join(format!("{}.zip", run.text("/id")?)))?;
        ensure!(!rig.path("packages").exists(), "the configured folder was made");
        Ok(())
    })
}
