//! Access: the person's rows of the owned database.

use anyhow::{Result, ensure};
use segment_mock::{Event, Profile};
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::Context,
    database::{MysqlDatabase, PostgresDatabase, SHOPPERS, ask, execute, open_shop, open_sqlite_shop},
    package::Package,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// basic connection, SQLite: the person's rows are the package, and it says that nothing of Segment is in it
    rows_are_the_package,
    /// the same on PostgreSQL
    rows_on_postgres,
    /// the same on MariaDB
    rows_on_mariadb,
    /// Unify: rows beside profile and events; a user id that only Segment knows leads to rows
    rows_beside_a_profile,
    /// nobody's rows: complete with no_data, and no package
    rows_of_nobody,
    /// identities of two people in the owned database: requires_attention, nothing is collected
    rows_of_two_people,
    /// a table that is gone: the package labels the hole, exit code 3; retried once it is back, the package is whole
    rows_with_a_hole,
    /// the key of a dataset is a connection's too: refused by name
    rows_under_a_taken_key,
    /// check shows each look-up: by what, expected rows, index, and what no index serves
    rows_check,
}

fn shop() -> Setup {
    Setup::basic().shop()
}

fn is_anns(rig: &Rig) -> Result<()> {
    let run = rig.run(&["access", "--email", "ANN@shop.example"])?;
    run.exits(0)?.is("/status", "complete")?.is("/tasks/0/connection", "shop")?.is("/tasks/0/outcome", "collected")?;
    run.is("/tasks/0/collections", json!({"shop.address": 2, "shop.customer": 2, "shop.orders": 2}))?;
    run.is("/masked", json!({}))?;
    let package = Package::open(&rig.path(&run.text("/package/location")?))?;
    let customers = package.json("shop/customer.json")?;
    let mut names: Vec<_> = customers.as_array().into_iter().flatten().map(|row| row["name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    same("customers", &names, &vec![json!("A. Archer"), json!("Ann Archer")])?;
    let orders = package.json("shop/orders.json")?;
    same("an order", &orders[0], &json!({"id": 10, "customer_id": 1, "note": "ring twice"}))?;
    let csv = std::str::from_utf8(package.bytes("shop/orders.csv")?)?;
    same("the orders as a table", &csv.lines().next(), &Some("customer_id,id,note"))?;
    same("the manifest's entry", &package.entry("shop/orders.json")?["records"], &json!(2))?;
    let limits = package.manifest["limits"].to_string();
    ensure!(limits.contains("Nothing that Segment holds is in here"), "{limits}");
    let text = std::str::from_utf8(package.bytes("shop/customer.json")?)?;
    ensure!(!text.contains("Ben"), "somebody else's row is in the package");
    rig.nothing_asked()
}

fn rows_are_the_package(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        is_anns(rig)
    })
}

fn rows_on_postgres(context: &Context) -> Result<Outcome> {
    let Some(server) = context.postgres() else {
        return Ok(Outcome::Skipped("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set".to_owned()));
    };
    let database = PostgresDatabase::create(server, SHOPPERS)?;
    on_rig(context, &shop(), |rig| {
        open_shop(rig, &database.url())?;
        // Spelled as the table has it: PostgreSQL compares texts exactly.
        database.execute("UPDATE customer SET email = 'ann@shop.example' WHERE id = 3")?;
        is_anns(rig)
    })
}

fn rows_on_mariadb(context: &Context) -> Result<Outcome> {
    let Some(server) = context.mysql() else {
        return Ok(Outcome::Skipped("no MariaDB: SEGMENT_PRIVACY_TEST_MYSQL is not set".to_owned()));
    };
    let database = MysqlDatabase::create(server, SHOPPERS)?;
    on_rig(context, &shop(), |rig| {
        open_shop(rig, &database.url())?;
        is_anns(rig)
    })
}

fn rows_beside_a_profile(context: &Context) -> Result<Outcome> {
    let setup = Setup::unify()
        .with_dataset()
        .replace("space_id = ", "segment_user_id = \"shop.customer.segment_id\"\nspace_id = ");
    on_rig(context, &setup, |rig| {
        open_sqlite_shop(rig)?;
        let ann = Profile::new("use_ann").external_id("user_id", "seg-ann").external_id("email", "ann@else.example");
        rig.mock().add_profile(ann.trait_("plan", "pro").event(Event::track("Order Completed")));
        rig.keep_private("ann@else.example");
        // The shop has another address of hers.
        let run = rig.run(&["access", "--email", "ann@else.example"])?;
        run.exits(0)?.is("/status", "complete")?;
        run.is("/tasks/0/connection", "shop")?.is("/tasks/0/collections/shop.orders", 2)?;
        run.is("/tasks/1/connection", "unify")?.is("/tasks/1/collections/events", 1)?;
        let package = Package::open(&rig.path(&run.text("/package/location")?))?;
        for path in ["shop/customer.json", "shop/orders.csv", "unify/traits.json", "unify/events.ndjson"] {
            package.bytes(path)?;
        }
        rig.nothing_sent()
    })
}

fn rows_of_nobody(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let run = rig.run(&["access", "--email", "nobody@shop.example"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "no_data")?.is("/package", Value::Null)?;
        ensure!(rig.packages()?.is_empty(), "there is a package");
        Ok(())
    })
}

fn rows_of_two_people(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let run = rig.run(&["access", "--email", "ann@shop.example", "--email", "ben@shop.example"])?;
        run.exits(4)?.is("/status", "requires_attention")?.is("/tasks/0/code", "identity_conflict")?;
        ensure!(rig.packages()?.is_empty(), "there is a package");
        Ok(())
    })
}

fn rows_with_a_hole(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        execute(&rig.path("shop.db"), "ALTER TABLE orders RENAME TO sales")?;
        let run = rig.run(&["access", "--email", "ann@shop.example"])?;
        run.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "incomplete")?.finds("collection_incomplete")?;
        ensure!(run.text("/tasks/0/message")?.contains("shop.orders is no table or view"), "{}", run.shown());
        let package = Package::open(&rig.path(&run.text("/package/location")?))?;
        same("the hole", &package.entry("shop/orders.json")?["complete"], &json!(false))?;
        same("the rest", &package.entry("shop/customer.json")?["complete"], &json!(true))?;
        execute(&rig.path("shop.db"), "ALTER TABLE sales RENAME TO orders")?;
        let run = rig.run(&["requests", "retry", &run.text("/id")?])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/collections/shop.orders", 2)?;
        run.is("/tasks/0/findings", json!([]))?;
        let package = Package::open(&rig.path(&run.text("/package/location")?))?;
        same("whole", &package.entry("shop/orders.json")?["complete"], &json!(true))
    })
}

fn rows_under_a_taken_key(context: &Context) -> Result<Outcome> {
    let setup = Setup::unify().with_dataset().replace("key = \"shop\"", "key = \"unify\"");
    on_rig(context, &setup, |rig| {
        open_sqlite_shop(rig)?;
        rig.run(&["check"])?.fails(2, "config_invalid", &["unify is the key of a connection and of a dataset"])?;
        rig.nothing_asked()
    })
}

fn rows_check(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop().masking(), |rig| {
        open_sqlite_shop(rig)?;
        let run = rig.run(&["check", "--connection", "shop"])?;
        run.exits(0)?
            .is("/connections/0/key", "shop")?
            .is("/connections/0/kind", "dataset")?
            .is("/connections/0/access", "write")?;
        let checks = run.at("/connections/0/checks")?.to_string();
        for words in [
            "asked by identity email, by an index",
            "asked by user ids of basic, by an index",
            "asked by shop.customer.id, by an index",
            "email by hmac, name by hmac",
            "street by hmac",
        ] {
            ensure!(checks.contains(words), "{}no `{words}`", run.shown());
        }
        execute(&rig.path("shop.db"), "DROP INDEX orders_customer")?;
        let run = rig.run(&["check"])?;
        run.exits(0)?;
        ensure!(run.stdout.contains("without an index: each look-up reads the whole table"), "{}", run.shown());
        same("rows that were touched", &ask(&rig.path("shop.db"), "SELECT name FROM customer WHERE id = 1")?.len(), &1)
    })
}
