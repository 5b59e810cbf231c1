//! The record database and the folder of packages, when they cannot be used.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use segment_mock::{Event, Profile};
use sqlx::Executor as _;

use crate::{
    context::{Context, Records},
    database::{execute, sqlite, wait},
    rig::Rig,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::{Setup, key},
};

scenarios! {
    /// a record database that is missing, read-only, foreign, newer, or made with another key: each its own code
    records_refused,
    /// a record database on PostgreSQL that is not there, or made with another key: its own code, and no password is shown
    records_on_postgres_refused,
    /// a record database that another program locks: exit code 1, nothing sent, and it works when the lock is gone
    records_locked,
    /// a full disk: the package fails and is not half there, and a retry with room completes it
    packages_full_disk,
    /// a destination that cannot be written: check is exit code 5, access ends in an error
    packages_not_writable,
}

struct Case {
    name: &'static str,
    code: &'static str,
    words: &'static [&'static str],
    spoil: fn(&Rig) -> Result<()>,
}

const CASES: &[Case] = &[
    Case {
        name: "no folder",
        code: "database_not_writable",
        words: &["missing/records.db", "folder"],
        spoil: |rig| rig.reconfigure("sqlite://records.db", "sqlite://missing/records.db"),
    },
    Case {
        name: "a file as folder",
        code: "database_not_writable",
        words: &["key/records.db"],
        spoil: |rig| rig.reconfigure("sqlite://records.db", "sqlite://key/records.db"),
    },
    Case {
        name: "a file system that takes nothing",
        code: "database_not_writable",
        words: &["/proc/records.db"],
        spoil: |rig| rig.reconfigure("sqlite://records.db", "sqlite:///proc/records.db"),
    },
    Case {
        name: "a newer version",
        code: "database_newer",
        words: &["newer version", "install"],
        spoil: |rig| {
            made(rig)?;
            let row = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                       VALUES (99990101000000, 'later', 1, x'00', 0)";
            execute(&rig.path("records.db"), row)
        },
    },
    Case {
        name: "another key",
        code: "wrong_key",
        words: &["another encryption key", "[encryption] key"],
        spoil: |rig| {
            made(rig)?;
            rig.write("key", key("another"))
        },
    },
    Case {
        name: "a malformed key",
        code: "key_malformed",
        words: &["key new", "key rotate"],
        spoil: |rig| rig.write("key", "c2hvcnQ="),
    },
    Case {
        name: "not a database",
        code: "not_a_record_database",
        words: &["records.db", "nothing was changed"],
        spoil: |rig| rig.write("records.db", "Dear diary, today I was not a database. ".repeat(100)),
    },
    Case {
        name: "somebody else's database",
        code: "not_a_record_database",
        words: &["records.db"],
        spoil: |rig| {
            execute(&rig.path("records.db"), "CREATE TABLE requests (id INTEGER); INSERT INTO requests VALUES (1)")
        },
    },
    Case {
        name: "another kind of database",
        code: "config_invalid",
        words: &["sqlite://", "postgres://"],
        spoil: |rig| rig.reconfigure("sqlite://records.db", "mysql://localhost/records"),
    },
];

/// A record database that was in use.
fn made(rig: &Rig) -> Result<()> {
    rig.run(&["requests", "list"])?.exits(0).map(drop)
}

fn records_refused(context: &Context) -> Result<Outcome> {
    if context.records() == Records::Postgres {
        return Ok(Outcome::NotHere);
    }
    each(
        CASES,
        |case| case.name.to_owned(),
        |case| {
            on_rig(context, &Setup::unify(), |rig| {
                (case.spoil)(rig)?;
                let before = std::fs::read(rig.path("records.db")).unwrap_or_default();
                let email = rig.mock().people()[0].email.clone();
                let commands: [&[&str]; 4] = [
                    &["erase", "--email", &email, "--yes"],
                    &["access", "--email", &email],
                    &["requests", "list"],
                    &["worker"],
                ];
                for command in commands {
                    rig.run(command)?.fails(2, case.code, case.words)?;
                }
                let check = rig.run(&["check"])?;
                check.exits(5)?.is("/connections/0/status", "succeeded")?;
                ensure!(check.at("/local")?.to_string().contains("\"failed\""), "{}", check.shown());
                rig.nothing_sent()?;
                let after = std::fs::read(rig.path("records.db")).unwrap_or_default();
                // Our own file may take in its write-ahead log; nobody else's may change by a byte.
                ensure!(case.code != "not_a_record_database" || after == before, "somebody else's file was changed");
                Ok(())
            })
        },
    )
}

fn records_on_postgres_refused(context: &Context) -> Result<Outcome> {
    if context.records() == Records::Sqlite {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify(), |rig| {
        made(rig)?;
        rig.write("key", key("another"))?;
        rig.run(&["requests", "list"])?.fails(2, "wrong_key", &["another encryption key", "[encryption] key"])?;
        rig.write("key", key("ours"))?;
        rig.keep_private("a-password-of-mine");
        rig.write("records.url", "postgres://me:a-password-of-mine@127.0.0.1:9/records")?;
        let email = rig.mock().people()[0].email.clone();
        let commands: [&[&str]; 3] = [&["erase", "--email", &email, "--yes"], &["requests", "list"], &["worker"]];
        for command in commands {
            rig.run(command)?.fails(1, "database_unreachable", &["127.0.0.1/records", "[database] url"])?;
        }
        rig.run(&["check"])?.exits(5)?;
        rig.nothing_sent()
    })
}

fn records_locked(context: &Context) -> Result<Outcome> {
    if context.records() == Records::Postgres {
        return Ok(Outcome::NotHere);
    }
    on_rig(context, &Setup::unify(), |rig| {
        made(rig)?;
        let email = rig.mock().people()[0].email.clone();
        let args = ["erase", "--email", &email, "--yes"];
        wait(async {
            let mut other = sqlite(&rig.path("records.db")).await?;
            other.execute("BEGIN EXCLUSIVE").await?;
            rig.run(&args)?.fails(1, "database_locked", &["records.db", "other process"])?;
            other.execute("ROLLBACK").await?;
            Ok(())
        })?;
        rig.nothing_asked()?;
        rig.run(&args)?.exits(0)?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001"])
    })
}

/// A file system of 64 KiB, unmounted at the end.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(at: &'a Path) -> Result<Option<Self>> {
        std::fs::create_dir_all(at)?;
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(at).output();
        Ok(mount.is_ok_and(|output| output.status.success()).then_some(Self(at)))
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        // The folder below is a temporary one.
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn packages_full_disk(context: &Context) -> Result<Outcome> {
    let rig = Rig::new(context, &Setup::unify())?;
    let folder = rig.path("packages");
    let Some(tiny) = Tiny::mount(&folder)? else {
        return Ok(Outcome::Skipped("a small tmpfs cannot be mounted here (it needs root)".to_owned()));
    };
    let mut profile = Profile::new("use_big").external_id("user_id", "big-1").external_id("email", "big@shop.example");
    for index in 0..200 {
        let noise = format!("{index}").repeat(400);
        profile = profile.event(Event::track("Big").properties(serde_json::json!({"noise": noise})));
    }
    rig.mock().add_profile(profile);
    rig.keep_private("big@shop.example");
    let run = rig.run(&["access", "--email", "big@shop.example"])?;
    run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "package_failed")?;
    ensure!(
        run.text("/tasks/0/message")?.contains("packages") || run.text("/tasks/0/message")?.contains("space"),
        "{}",
        run.shown()
    );
    ensure!(rig.packages()?.is_empty(), "something was left on the full disk: {:?}", rig.packages()?);
    drop(tiny);
    let id = run.text("/id")?;
    let retried = rig.run(&["requests", "retry", &id])?;
    retried.exits(0)?.is("/status", "complete")?.is("/tasks/0/collections/events", 200)?;
    crate::package::Package::open(&rig.path(&retried.text("/package/location")?))
        .context("the package after the retry")?;
    rig.nobody_is_named()?;
    Ok(Outcome::Passed)
}

fn packages_not_writable(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().replace("destination = \"packages\"", "destination = \"key/packages\""), |rig| {
        let check = rig.run(&["check"])?;
        check.exits(5)?.is("/connections/0/status", "succeeded")?;
        ensure!(check.at("/local")?.to_string().contains("[packages] destination"), "{}", check.shown());
        let email = rig.mock().people()[0].email.clone();
        let run = rig.run(&["access", "--email", &email])?;
        run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "package_failed")?;
        rig.reconfigure("key/packages", "packages")?;
        rig.run(&["requests", "retry", &run.text("/id")?])?.exits(0)?.is("/status", "complete")?;
        Ok(())
    })
}
