//! The basic integration: the owned database says who it is.

use anyhow::Result;
use segment_mock::Endpoint;
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::Context,
    database::{FIDES, MysqlDatabase, PostgresDatabase, own_sqlite, shop},
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// basic connection, SQLite, Fides' example dataset: e-mail address to customer.id to a regulation
    owned_sqlite,
    /// the same on PostgreSQL
    owned_postgres,
    /// the same on MariaDB, whose default is to compare without regard to case and accents
    owned_mariadb,
    /// basic connection: check names the database, the dataset and its fields
    owned_check,
    /// basic connection, deleting: complete, but nobody can read it back, and it says so
    owned_not_verifiable,
}

const CUSTOMERS: &[(i64, &str)] =
    &[(880_000_001, "ann+shop@shop.example"), (880_000_002, "ben@shop.example"), (880_000_003, "BEN@shop.example")];

/// From an address to regulations, spelled as the table and as the caller spells it.
fn follows(rig: &Rig) -> Result<()> {
    let run = rig.run(&["erase", "--email", "ann+shop@shop.example", "--yes", "--wait"])?;
    run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "suppressed")?;
    run.is("/tasks/0/connection", "basic")?
        .is("/tasks/0/identities", json!({"resolved_user_ids": 1, "unreachable": 0}))?;
    run.text("/verified_at")?;
    rig.regulated("SUPPRESS_ONLY", &["880000001"])?;
    let run = rig.run(&["erase", "--email", "nobody@shop.example", "--yes"])?;
    run.exits(0)?.is("/tasks/0/outcome", "no_data")?;
    same("POSTs", &rig.posts().len(), &1)?;
    same("Profile API", &rig.mock().requests_to(Endpoint::ProfileMetadata).len(), &0)
}

fn owned_sqlite(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic(), |rig| {
        own_sqlite(rig, CUSTOMERS)?;
        follows(rig)
    })
}

fn owned_postgres(context: &Context) -> Result<Outcome> {
    let Some(server) = context.postgres() else {
        return Ok(Outcome::Skipped("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set".to_owned()));
    };
    let database = PostgresDatabase::create(server, &shop(CUSTOMERS))?;
    on_rig(context, &Setup::basic(), |rig| {
        rig.write("shop.url", database.url())?;
        rig.write("shop_dataset.yml", FIDES)?;
        rig.keep_private("ann+shop@shop.example");
        rig.keep_private("880000001");
        follows(rig)
    })
}

fn owned_mariadb(context: &Context) -> Result<Outcome> {
    let Some(server) = context.mysql() else {
        return Ok(Outcome::Skipped("no MariaDB: SEGMENT_PRIVACY_TEST_MYSQL is not set".to_owned()));
    };
    let database = MysqlDatabase::create(server, &shop(CUSTOMERS))?;
    on_rig(context, &Setup::basic(), |rig| {
        rig.write("shop.url", database.url())?;
        rig.write("shop_dataset.yml", FIDES)?;
        rig.keep_private("ann+shop@shop.example");
        rig.keep_private("880000001");
        let run = rig.run(&["check", "--connection", "basic"])?;
        run.exits(0)?.is("/connections/0/status", "succeeded")?;
        follows(rig)
    })
}

fn owned_check(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic(), |rig| {
        own_sqlite(rig, CUSTOMERS)?;
        let run = rig.run(&["check", "--connection", "basic"])?;
        run.exits(0)?.is("/connections/0/status", "succeeded")?.is("/connections/0/kind", "segment")?;
        let checks = run.at("/connections/0/checks")?.to_string();
        anyhow::ensure!(checks.contains("customer"), "{}the dataset is not checked", run.shown());
        rig.nothing_sent()
    })
}

fn owned_not_verifiable(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic().deleting(), |rig| {
        own_sqlite(rig, CUSTOMERS)?;
        let run = rig.run(&["erase", "--email", "ann+shop@shop.example", "--yes", "--wait"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "deleted")?.is("/verified_at", Value::Null)?;
        run.finds("not_verifiable")?;
        rig.regulated("SUPPRESS_WITH_DELETE", &["880000001"])
    })
}
