//! Erasure: the person's rows of the owned database are masked.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use segment_mock::{Endpoint, Fault, FaultRule};
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::Context,
    database::{MysqlDatabase, PostgresDatabase, SHOPPERS, ask, execute, open_shop, open_sqlite_shop},
    process::Run,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// SQLite: suppressed at Segment, then every row of the person is masked, nobody else's, and what is shared is named
    masking_sqlite,
    /// the same on PostgreSQL
    masking_postgres,
    /// the same on MariaDB
    masking_mariadb,
    /// with masking_strict = false: deleted at Segment, and masked
    masking_deleting,
    /// Segment refuses: nothing is masked
    masking_waits_for_segment,
    /// --dry-run shows rows, look-ups and indexes; neither the tables nor the records are touched
    masking_dry_run,
    /// strategies by category from the configuration, and an override in the dataset
    masking_configured,
    /// no row of the person: nothing_erased
    masking_nobody,
    /// what no column can hold: check is exit code 5, the erasure stops and names it, nothing is half done; retried once it is
    /// mended
    masking_refused,
    /// the database user may not write: rolled back, reported, and retried once it may
    masking_not_permitted,
    /// only the owned database: erase --connection shop sends nothing to Segment
    masking_alone,
    /// a masking strategy that does not exist, or a parameter it does not have: refused by name
    masking_misspelt,
}

pub(super) fn shop() -> Setup {
    Setup::basic().shop().masking()
}

fn file(rig: &Rig) -> PathBuf {
    rig.path("shop.db")
}

pub(super) const NAMES: &str = "SELECT name FROM customer ORDER BY id";
const STREETS: &str = "SELECT street FROM address ORDER BY id";
const NOTES: &str = "SELECT note FROM orders ORDER BY id";

pub(super) fn is_masked(text: Option<&String>) -> bool {
    text.is_some_and(|text| text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Ann's rows are masked, the address that she shares is left.
fn masks_ann(rig: &Rig, ask: impl Fn(&str) -> Result<Vec<Option<String>>>) -> Result<Run> {
    let run = rig.run(&["erase", "--email", "ann@shop.example", "--yes", "--wait"])?;
    run.exits(0)?.is("/status", "complete")?;
    run.is("/masked", json!({"shop.address": 1, "shop.customer": 2, "shop.orders": 1}))?;
    run.is("/tasks/0/connection", "basic")?.is("/tasks/1/connection", "shop")?.is("/tasks/1/outcome", "masked")?;
    run.finds("shared_row")?;
    let names = ask(NAMES)?;
    ensure!(is_masked(names[0].as_ref()) && is_masked(names[2].as_ref()), "{names:?}");
    same("another customer", &names[1].as_deref(), &Some("Ben Baker"))?;
    let streets = ask(STREETS)?;
    same("the shared address", &streets[0].as_deref(), &Some("Long Lane"))?;
    ensure!(is_masked(streets[1].as_ref()), "her own address: {streets:?}");
    let notes = ask(NOTES)?;
    ensure!(is_masked(notes[0].as_ref()) && notes[1].is_none(), "{notes:?}");
    same("another order", &notes[2].as_deref(), &Some("back door"))?;
    let kept = ask("SELECT segment_id FROM customer WHERE id = 1")?;
    same("where the user id is", &kept[0].as_deref(), &Some("seg-ann"))?;
    Ok(run)
}

fn masking_sqlite(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let run = masks_ann(rig, |sql| ask(&file(rig), sql))?;
        rig.regulated("SUPPRESS_ONLY", &["seg-ann"])?;
        ensure!(!run.stdout.contains("nothing_erased"), "{}rows were masked", run.shown());
        let log = rig.run(&["requests", "log", &run.text("/id")?])?;
        let steps: Vec<_> =
            log.at("/log")?.as_array().into_iter().flatten().map(|entry| entry["step"].clone()).collect();
        let at = |step: &str| steps.iter().position(|known| known == step);
        ensure!(at("accepted").is_some() && at("accepted") < at("masked"), "{steps:?}");
        let before = ask(&file(rig), NAMES)?;
        rig.run(&["requests", "retry", &run.text("/id")?])?.exits(0)?;
        same("what a retry of what is done changes", &ask(&file(rig), NAMES)?, &before)
    })
}

fn masking_postgres(context: &Context) -> Result<Outcome> {
    let Some(server) = context.postgres() else {
        return Ok(Outcome::Skipped("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set".to_owned()));
    };
    let database = PostgresDatabase::create(server, SHOPPERS)?;
    on_rig(context, &shop(), |rig| {
        open_shop(rig, &database.url())?;
        database.execute("UPDATE customer SET email = 'ann@shop.example' WHERE id = 3")?;
        masks_ann(rig, |sql| database.ask(sql)).map(drop)
    })
}

fn masking_mariadb(context: &Context) -> Result<Outcome> {
    let Some(server) = context.mysql() else {
        return Ok(Outcome::Skipped("no MariaDB: SEGMENT_PRIVACY_TEST_MYSQL is not set".to_owned()));
    };
    let database = MysqlDatabase::create(server, SHOPPERS)?;
    on_rig(context, &shop(), |rig| {
        open_shop(rig, &database.url())?;
        masks_ann(rig, |sql| database.ask(sql)).map(drop)
    })
}

fn masking_deleting(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop().deleting(), |rig| {
        open_sqlite_shop(rig)?;
        masks_ann(rig, |sql| ask(&file(rig), sql))?.is("/tasks/0/outcome", "deleted")?;
        rig.regulated("SUPPRESS_WITH_DELETE", &["seg-ann"])
    })
}

fn masking_waits_for_segment(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        rig.mock().fault(FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation).always());
        let run = rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?;
        run.exits(4)?
            .is("/masked", json!({}))?
            .is("/tasks/1/connection", "shop")?
            .is("/tasks/1/outcome", Value::Null)?;
        same("names", &ask(&file(rig), NAMES)?[0].as_deref(), &Some("Ann Archer"))?;
        rig.mock().clear_faults();
        let run = rig.run(&["requests", "retry", &run.text("/id")?])?;
        run.exits(0)?.is("/masked/shop.customer", 2)?;
        ensure!(is_masked(ask(&file(rig), NAMES)?[0].as_ref()), "it was accepted then");
        Ok(())
    })
}

fn masking_dry_run(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let run = rig.run(&["erase", "--email", "ann@shop.example", "--dry-run"])?;
        run.exits(0)?.is("/plan/0/action", "suppress")?.is("/plan/1/action", "mask")?;
        run.is("/plan/1/connection", "shop")?.is("/plan/1/subjects", 1)?;
        run.is("/plan/1/masks", json!({"shop.address": 1, "shop.customer": 2, "shop.orders": 2}))?;
        let first = json!({"collection": "shop.customer", "by": "email", "values_of": "identity email",
            "expected_rows": null, "index": true});
        run.is("/plan/0/steps/0", first.clone())?.is("/plan/1/steps/0", first)?;
        ensure!(
            run.at("/plan/1/warnings")?.to_string().contains("1 rows of shop.address were left"),
            "{}",
            run.shown()
        );
        same("names", &ask(&file(rig), NAMES)?[0].as_deref(), &Some("Ann Archer"))?;
        rig.nothing_sent()?;
        rig.nothing_written()
    })
}

fn masking_configured(context: &Context) -> Result<Outcome> {
    let setup = shop().replace(
        "[packages]",
        "[execution.masking]\ndefault = { strategy = \"null_rewrite\" }\n\"user.name\" = { strategy = \"string_rewrite\", \
         configuration = { rewrite_value = \"gone\" } }\n\n[packages]",
    );
    on_rig(context, &setup, |rig| {
        open_sqlite_shop(rig)?;
        let yaml = std::fs::read_to_string(rig.path("shop_dataset.yml"))?;
        let overridden =
            "{ name: note, data_categories: [user], fides_meta: { masking_strategy_override: { strategy: hash } } }";
        rig.write("shop_dataset.yml", yaml.replace("{ name: note, data_categories: [user] }", overridden))?;
        rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?.exits(0)?;
        same("by category", &ask(&file(rig), NAMES)?[0].as_deref(), &Some("gone"))?;
        same("by default", &ask(&file(rig), "SELECT email FROM customer WHERE id = 1")?, &vec![None])?;
        ensure!(is_masked(ask(&file(rig), NOTES)?[0].as_ref()), "by the field's own");
        Ok(())
    })
}

fn masking_nobody(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        rig.mock().add_profile(segment_mock::Profile::new("use_x").external_id("user_id", "seg-else"));
        let run = rig.run(&["erase", "--user-id", "seg-else", "--yes", "--wait"])?;
        run.exits(0)?.is("/tasks/0/outcome", "suppressed")?.is("/tasks/1/outcome", "no_data")?;
        run.finds("nothing_erased")?.is("/masked/shop.customer", 0)?;
        Ok(())
    })
}

fn masking_refused(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let number = "ALTER TABLE orders RENAME COLUMN note TO old; ALTER TABLE orders ADD COLUMN note INTEGER NOT NULL DEFAULT 7";
        execute(&file(rig), number)?;
        let check = rig.run(&["check", "--connection", "shop"])?;
        check.exits(5)?;
        let words = "shop.orders.note cannot be masked: it is INTEGER, in which `hmac` has no place, and null is not allowed in it";
        ensure!(check.stdout.contains(words), "{}", check.shown());
        let plan = rig.run(&["erase", "--email", "ann@shop.example", "--dry-run"])?;
        plan.exits(0)?.is("/plan/1/masks/shop.customer", 2)?;
        ensure!(plan.at("/plan/1/warnings")?.to_string().contains(words), "{}", plan.shown());
        let run = rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?;
        run.exits(4)?.is("/status", "requires_attention")?.is("/tasks/1/code", "masking_failed")?;
        ensure!(run.text("/tasks/1/message")?.contains(words), "{}", run.shown());
        same("names", &ask(&file(rig), NAMES)?[0].as_deref(), &Some("Ann Archer"))?;
        execute(&file(rig), "ALTER TABLE orders DROP COLUMN note; ALTER TABLE orders RENAME COLUMN old TO note")?;
        let run = rig.run(&["requests", "retry", &run.text("/id")?])?;
        run.exits(0)?.is("/masked/shop.orders", 1)?;
        same("sent once", &rig.posts().len(), &1)
    })
}

fn masking_not_permitted(context: &Context) -> Result<Outcome> {
    let Some(server) = context.postgres() else {
        return Ok(Outcome::Skipped("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set".to_owned()));
    };
    let database = PostgresDatabase::create(server, SHOPPERS)?;
    on_rig(context, &shop(), |rig| {
        let role = format!("reader_{}", database.url().rsplit('/').next().unwrap_or_default());
        let role = role.split('?').next().unwrap_or_default().to_owned();
        database.execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; \
             GRANT UPDATE ON customer TO {role}; UPDATE customer SET email = 'ann@shop.example' WHERE id = 3"
        ))?;
        let url = as_user(&database.url(), &role);
        open_shop(rig, &url)?;
        let run = rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?;
        run.exits(4)?.is("/tasks/1/code", "masking_failed")?;
        ensure!(run.text("/tasks/1/message")?.contains("GRANT SELECT, for masking UPDATE too"), "{}", run.shown());
        same("rolled back", &database.ask(NAMES)?[0].as_deref(), &Some("Ann Archer"))?;
        database.execute(&format!("GRANT UPDATE ON ALL TABLES IN SCHEMA public TO {role}"))?;
        let run = rig.run(&["requests", "retry", &run.text("/id")?])?;
        run.exits(0)?.is("/masked/shop.customer", 2)?;
        ensure!(is_masked(database.ask(NAMES)?[0].as_ref()), "it is masked now");
        database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
    })
}

/// The same database as another user.
fn as_user(url: &str, role: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = url.split_at(start);
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}{role}:x@{host}")
}

fn masking_alone(context: &Context) -> Result<Outcome> {
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let both = ["--email", "ann@shop.example", "--email", "ben@shop.example", "--connection", "shop"];
        let plan = rig.run(&[["erase", "--dry-run"].as_slice(), &both].concat())?;
        plan.exits(0)?.is("/plan/0/action", "mask")?.is("/plan/0/subjects", 0)?;
        ensure!(plan.at("/plan/0/warnings")?.to_string().contains("2 different people"), "{}", plan.shown());
        rig.run(&[["erase", "--yes"].as_slice(), &both].concat())?
            .exits(4)?
            .is("/tasks/0/code", "identity_conflict")?;
        let run = rig.run(&["erase", "--email", "ann@shop.example", "--yes", "--connection", "shop"])?;
        run.exits(0)?.is("/status", "complete")?.is("/tasks/0/connection", "shop")?.is("/tasks/0/outcome", "masked")?;
        let both = ["--email", "ben@shop.example", "--user-id", "seg-ann"];
        let run = rig.run(&[&["erase", "--yes", "--connection", "shop"][..], &both].concat())?;
        run.exits(4)?.is("/tasks/0/code", "identity_conflict")?;
        same("another customer", &ask(&file(rig), NAMES)?[1].as_deref(), &Some("Ben Baker"))?;
        rig.nothing_asked()
    })
}

fn masking_misspelt(context: &Context) -> Result<Outcome> {
    let with = |masking: &str| shop().replace("[packages]", &format!("[execution.masking]\n{masking}\n\n[packages]"));
    let cases = [
        ("default = { strategy = \"hmca\" }", &["execution.masking of \"default\"", "hmca", "hmac"][..]),
        ("default = { strategy = \"hash\", configuration = { algorithm = \"MD5\" } }", &["SHA-256"]),
        ("\"user.\" = { strategy = \"hmac\" }", &["no data category"]),
    ];
    for (masking, words) in cases {
        on_rig(context, &with(masking), |rig| {
            open_sqlite_shop(rig)?;
            rig.run(&["check"])?.fails(2, "config_invalid", words)?;
            rig.nothing_asked()
        })?;
    }
    on_rig(context, &shop(), |rig| {
        open_sqlite_shop(rig)?;
        let yaml = std::fs::read_to_string(rig.path("shop_dataset.yml"))?;
        let key = "{ name: id, fides_meta: { primary_key: true, masking_strategy_override: { strategy: hmac } } }";
        rig.write("shop_dataset.yml", yaml.replacen("{ name: id, fides_meta: { primary_key: true } }", key, 1))?;
        rig.run(&["check"])?.fails(
            2,
            "dataset_invalid",
            &["shop.customer.id is a primary key, which is never masked"],
        )?;
        rig.nothing_asked()
    })
}
