//! What the HTTP service says of itself, above all while its record database is away.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use super::service::{REQUESTS, asks, reaches};
use crate::{
    assert::{same, until, until_within},
    context::{Api, Context, Records},
    relay::Relay,
    scenario::{Outcome, on_rig, scenarios},
    service::Served,
    setup::Setup,
};

scenarios! {
    /// ready and health tell the truth of the database, its tables and the worker
    serve_readiness,
    /// a worker whose record database does not answer any more is told by health, and so is its return
    serve_tells_a_worker_that_hangs,
    /// without its database server it takes no requests and says so; with it again it works on as if nothing had been
    serve_outlives_its_database,
}

/// How long the record database is held, which is longer than a worker may be quiet.
const HELD: Duration = Duration::from_secs(80);

fn serve_readiness(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let ready = served.call_with("GET", "/ready", None, &[])?;
        ready.is(200)?;
        same("ready", &ready.text_at("/migrations")?, "ok")?;
        served.call_with("GET", "/api/v1/ready", None, &[("x-request-id", "is-it-told")])?.is(200)?;
        rig.change_records("INSERT INTO {schema}_sqlx_migrations (version, description, installed_on, success, checksum, execution_time) \
            VALUES (9999, 'newer', CURRENT_TIMESTAMP, TRUE, '', 0)")?;
        let ready = served.call_with("GET", "/ready", None, &[])?;
        ready.is(503)?;
        same("migrations", &ready.text_at("/migrations")?, "the tables are those of another version")?;
        rig.change_records("ALTER TABLE {schema}_sqlx_migrations RENAME TO elsewhere")?;
        let ready = served.call_with("GET", "/ready", None, &[])?;
        ready.is(503)?;
        same("database", &ready.text_at("/database")?, "it cannot be read")?;
        served.call_with("GET", "/health", None, &[])?.is(200)?;
        let run = served.stop()?;
        ensure!(
            run.stderr.contains("request_id=\"is-it-told\""),
            "the log tells no id of the caller's: {}",
            run.stderr
        );
        Ok(())
    })
}

fn serve_tells_a_worker_that_hangs(context: &Context) -> Result<Outcome> {
    // One writer of SQLite cannot keep another one waiting for longer than that one wants to.
    if context.records() == Records::Sqlite || context.api() != Api::Public {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify(), |rig| {
        let served = Served::start(rig)?;
        let health = || served.call_with("GET", "/health", None, &[]);
        let works = |expected: u16| health().is_ok_and(|answer| answer.status == expected);
        health()?.is(200)?;
        std::thread::scope(|scope| {
            let held = scope.spawn(|| {
                rig.change_records(&format!(
                    "DO $$ BEGIN LOCK TABLE {{schema}}requests IN ACCESS EXCLUSIVE MODE; PERFORM pg_sleep({}); END $$",
                    HELD.as_secs()
                ))
            });
            until_within(HELD, "health tells that the worker hangs", || works(503))?;
            let answer = health()?;
            same("the worker", &answer.text_at("/worker")?, "it has stopped, or hangs")?;
            held.join().map_err(|_| anyhow::anyhow!("the table could not be held"))??;
            until_within(HELD, "health tells that the worker works again", || works(200))
        })?;
        served.stop().map(drop)
    })
}

fn serve_outlives_its_database(context: &Context) -> Result<Outcome> {
    if context.records() == Records::Sqlite || context.api() != Api::Public {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let (relay, over) = Relay::to(&std::fs::read_to_string(rig.path("records.url"))?)?;
        rig.write("records.url", over)?;
        let served = Served::start(rig)?;
        let ready = || served.call_with("GET", "/ready", None, &[]);
        let asks = |person: &str, rule: &str| served.call("POST", REQUESTS, Some(&json!([asks(person, rule)])));
        ready()?.is(200)?;
        let before = asks("person-0001@example.test", "erasure")?.text_at("/succeeded/0/id")?;

        relay.cut();
        until("ready tells that the database is gone", || ready().is_ok_and(|answer| answer.status == 503))?;
        same("the database", &ready()?.text_at("/database")?, "it cannot be read")?;
        let refused = asks("person-0002@example.test", "access")?;
        ensure!(refused.status == 503, "it answered {}: {}", refused.status, refused.text());
        // To start it anew would help nobody.
        served.call_with("GET", "/health", None, &[])?.is(200)?;

        relay.mend();
        until("ready tells that the database is there", || ready().is_ok_and(|answer| answer.status == 200))?;
        served.call_with("GET", "/health", None, &[])?.is(200)?;
        reaches(&served, &before, "complete")?;
        same("regulations at Segment", &rig.regulations().len(), &1)?;
        let after = asks("person-0002@example.test", "access")?.text_at("/succeeded/0/id")?;
        reaches(&served, &after, "complete")?;
        same("requests", &served.call("GET", REQUESTS, None)?.at("/total")?, &json!(2))?;
        served.stop().map(drop)
    })
}
