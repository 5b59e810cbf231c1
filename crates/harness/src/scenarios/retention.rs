//! Packages and identities go when their time is over.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::{
    assert::{same, until},
    context::Context,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// purge deletes packages and destroys what names people; the record stays, and the same is recognised until forgotten
    purge_applies_retention,
    /// purge --dry-run counts and changes nothing; what is not over, or not due, stays
    purge_dry_run,
    /// a worker applies retention by itself
    purge_by_worker,
    /// key new and key rotate replace the encryption key while a worker runs; the old key is worth nothing any more
    key_rotates,
    /// a package that cannot be deleted is told, keeps its identities, and goes next time
    purge_fails,
}

const EMAIL: &str = "person-0001@example.test";

fn at_once() -> Setup {
    Setup::unify().replace("[packages]", "[retention]\npackages_days = 0\nidentities_days = 0\n\n[packages]")
}

fn access(rig: &Rig) -> Result<String> {
    let run = rig.run(&["access", "--email", EMAIL, "--external-id", "CASE-7"])?;
    run.exits(0)?.text("/id")
}

fn purge_applies_retention(context: &Context) -> Result<Outcome> {
    on_rig(context, &at_once(), |rig| {
        let id = access(rig)?;
        let erased = rig.run(&["erase", "--email", EMAIL, "--yes", "--wait"])?.exits(0)?.text("/id")?;
        rig.one_package()?;
        rig.run(&["purge"])?.exits(0)?.is("/packages", 1)?.is("/identities", 2)?;
        ensure!(rig.packages()?.is_empty(), "the package is there: {:?}", rig.packages()?);
        rig.run(&["purge"])?.exits(0)?.is("/packages", 0)?.is("/identities", 0)?;

        let shown = rig.run(&["requests", "show", &id, "--reveal"])?;
        shown.exits(0)?.is("/status", "complete")?.is("/external_id", Value::Null)?;
        ensure!(shown.json()?.get("identities").is_none(), "{}", shown.shown());
        ensure!(shown.at("/package/sha256")?.is_string(), "{}", shown.shown());
        let erased_shown = rig.run(&["requests", "show", &erased])?;
        erased_shown.exits(0)?.is("/tasks/0/identities/resolved_user_ids", 1)?;
        let log = rig.run(&["requests", "log", &id])?;
        let steps: Vec<_> = log.at("/log")?.as_array().into_iter().flatten().map(|one| one["step"].clone()).collect();
        ensure!(
            steps.contains(&"package_deleted".into()) && steps.contains(&"identities_destroyed".into()),
            "{steps:?}"
        );
        rig.run(&["requests", "retry", &erased])?.fails(2, "not_possible", &["destroyed"])?;

        // The same is recognised, until that is forgotten, too.
        let again = rig.run(&["access", "--email", EMAIL, "--external-id", "CASE-7"])?;
        again.exits(0)?.is("/id", id.as_str())?;
        rig.run(&["purge", "--forget", "pri_nothing"])?.fails(6, "no_such_request", &["requests list"])?;
        rig.run(&["purge", "--forget", &id])?.exits(0)?.is("/forgotten/0", id.as_str())?;
        let anew = rig.run(&["access", "--email", EMAIL, "--external-id", "CASE-7"])?;
        ensure!(anew.exits(0)?.text("/id")? != id, "{}", anew.shown());
        Ok(())
    })
}

fn purge_dry_run(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        access(rig)?;
        rig.run(&["purge"])?.exits(0)?.is("/packages", 0)?.is("/identities", 0)?;
        rig.reconfigure("[packages]", "[retention]\npackages_days = 0\nidentities_days = 0\n\n[packages]")?;
        let open = ["erase", "--email", "person-0002@example.test", "--yes", "--no-wait"];
        rig.run(&open)?.exits(0)?;
        for _ in 0..2 {
            let run = rig.run(&["purge", "--dry-run"])?;
            run.exits(0)?.is("/dry_run", true)?.is("/packages", 1)?.is("/identities", 1)?;
        }
        rig.one_package()
    })
}

fn purge_by_worker(context: &Context) -> Result<Outcome> {
    on_rig(context, &at_once(), |rig| {
        access(rig)?;
        let worker = rig.start(&["worker"])?;
        until("nothing is due any more", || {
            rig.run(&["purge", "--dry-run"])
                .is_ok_and(|run| run.is("/packages", 0).is_ok() && run.is("/identities", 0).is_ok())
        })?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        ensure!(rig.packages()?.is_empty(), "{:?}", rig.packages()?);
        Ok(())
    })
}

fn key_rotates(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify().deleting(), |rig| {
        let id = access(rig)?;
        rig.run(&["key", "rotate"])?.fails(2, "no_previous_key", &["key new"])?;
        rig.run(&["key", "new", "new-key"])?.exits(0)?.is("/key", "new-key")?;
        rig.run(&["key", "new", "new-key"])?.fails(2, "cannot_write", &["never overwritten"])?;
        let worker = rig.start(&["worker"])?;
        rig.completes(&rig.run(&["access", "--email", EMAIL, "--no-wait"])?.exits(0)?.text("/id")?)?;
        rig.reconfigure("key = { file = \"key\" }", "key = { file = \"new-key\" }")?;
        rig.run(&["requests", "show", &id])?.fails(2, "wrong_key", &["previous_key"])?;
        rig.reconfigure(
            "key = { file = \"new-key\" }",
            "key = { file = \"new-key\" }\nprevious_key = { file = \"key\" }",
        )?;
        same("before", &rig.run(&["check"])?.exits(0)?.check("record database")?, "warning")?;
        worker.tells("working on with the new one", 1)?;
        let rotated = rig.run(&["key", "rotate"])?;
        ensure!(rotated.exits(0)?.at("/rewrapped")?.as_u64() >= Some(2), "{}", rotated.shown());
        rig.reconfigure("previous_key = { file = \"key\" }", "")?;
        same("after", &rig.run(&["check"])?.exits(0)?.check("record database")?, "succeeded")?;
        let shown = rig.revealing_call(&["requests", "show", &id, "--reveal"]).run()?;
        shown.exits(0)?.is("/identities/0/value", EMAIL)?;
        let erase = ["erase", "--email", EMAIL, "--yes", "--no-wait"];
        let erased = rig.run(&erase)?.exits(0)?.text("/id")?;
        rig.completes(&erased)?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        rig.reconfigure("key = { file = \"new-key\" }", "key = { file = \"key\" }")?;
        rig.run(&["requests", "show", &id])?.fails(2, "wrong_key", &["another encryption key"])?;
        Ok(())
    })
}

fn purge_fails(context: &Context) -> Result<Outcome> {
    on_rig(context, &at_once(), |rig| {
        access(rig)?;
        let package = rig.packages()?.remove(0);
        let aside = rig.path("aside.zip");
        std::fs::rename(&package, &aside)?;
        // A folder in its place cannot be deleted like a file, whoever tries.
        std::fs::create_dir(&package)?;
        std::fs::write(package.join("x"), "x")?;
        let run = rig.run(&["purge"])?;
        run.exits(1)?.is("/packages", 0)?.is("/identities", 0)?;
        ensure!(run.stderr.contains("could not be purged"), "{}", run.shown());
        std::fs::remove_dir_all(&package)?;
        std::fs::rename(&aside, &package)?;
        rig.run(&["purge"])?.exits(0)?.is("/packages", 1)?.is("/identities", 1)?;
        ensure!(rig.packages()?.is_empty(), "{:?}", rig.packages()?);
        Ok(())
    })
}
