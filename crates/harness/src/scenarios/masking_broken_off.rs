//! Maskings that do not come to their end at once.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use super::masking::{NAMES, is_masked, shop};
use crate::{
    assert::{same, until},
    context::Context,
    database::{PostgresDatabase, SHOPPERS, ask, execute, open_shop, open_sqlite_shop},
    scenario::{Outcome, on_rig, scenarios},
};

scenarios! {
    /// two owned databases, of which one leads to the other: one is masked, the other stops and is found and masked all the same
    masking_two_databases,
    /// kill -9 while PostgreSQL commits: a worker finds it done, and nothing is masked twice
    masking_killed,
}

const SITE: &str = "
dataset:
  - fides_key: site
    collections:
      - name: visit
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: customer, fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] } }
          - { name: page, data_categories: [user.behavior] }
";

const VISITS: &str = "CREATE TABLE visit (id INTEGER PRIMARY KEY, customer INTEGER, page TEXT);
    INSERT INTO visit VALUES (1, 1, '/of-ann'), (2, 2, '/of-ben');
    CREATE TRIGGER stop BEFORE UPDATE ON visit BEGIN SELECT RAISE(ABORT, 'no'); END;";

const PAGES: &str = "SELECT page FROM visit ORDER BY id";

fn masking_two_databases(context: &Context) -> Result<Outcome> {
    let second = "\n[[datasets]]\nkey = \"site\"\nurl = { file = \"site.url\" }\nfile = \"site_dataset.yml\"\naccess = \"write\"\n";
    on_rig(context, &shop().append(second), |rig| {
        open_sqlite_shop(rig)?;
        execute(&rig.path("site.db"), VISITS)?;
        rig.write("site.url", "sqlite://site.db")?;
        rig.write("site_dataset.yml", SITE)?;
        let access = rig.run(&["access", "--email", "ann@shop.example"])?;
        access.exits(0)?.is("/tasks/0/collections/shop.customer", 2)?.is("/tasks/1/collections/site.visit", 1)?;
        let run = rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?;
        run.exits(4)?.is("/tasks/1/outcome", "masked")?.is("/tasks/2/code", "masking_failed")?;
        same("pages", &ask(&rig.path("site.db"), PAGES)?[0].as_deref(), &Some("/of-ann"))?;
        execute(&rig.path("site.db"), "DROP TRIGGER stop")?;
        let names = ask(&rig.path("shop.db"), NAMES)?;
        let again = rig.run(&["requests", "retry", &run.text("/id")?])?;
        again.exits(0)?.is("/masked/site.visit", 1)?.is("/masked/shop.customer", 2)?;
        let pages = ask(&rig.path("site.db"), PAGES)?;
        ensure!(is_masked(pages[0].as_ref()), "her address in the shop is gone, and with it the way: {pages:?}");
        same("of another customer", &pages[1].as_deref(), &Some("/of-ben"))?;
        same("once", &ask(&rig.path("shop.db"), NAMES)?, &names)?;
        same("sent once", &rig.posts().len(), &1)
    })
}

/// A trigger that waits until the end of the transaction, and there for two seconds.
const SLOW_COMMIT: &str =
    "CREATE FUNCTION wait() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(2); RETURN NULL; END $$ LANGUAGE plpgsql;
    CREATE CONSTRAINT TRIGGER wait AFTER UPDATE ON customer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (OLD.id = 1) EXECUTE FUNCTION wait();";

fn masking_killed(context: &Context) -> Result<Outcome> {
    let Some(server) = context.postgres() else {
        return Ok(Outcome::Skipped("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set".to_owned()));
    };
    let database = PostgresDatabase::create(server, SHOPPERS)?;
    on_rig(context, &shop(), |rig| {
        open_shop(rig, &database.url())?;
        database.execute(SLOW_COMMIT)?;
        let running = rig.start(&["erase", "--email", "ann@shop.example", "--yes"])?;
        let commits = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query = 'COMMIT' AND state = 'active'";
        until("it is committed", || database.ask(commits).is_ok_and(|found| !found.is_empty()))?;
        running.signal(Signal::SIGKILL)?;
        running.wait()?;
        until("the server has committed", || database.ask(NAMES).is_ok_and(|names| is_masked(names[0].as_ref())))?;
        let names = database.ask(NAMES)?;
        let worker = rig.start(&["worker"])?;
        let open = rig.run(&["requests", "list"])?;
        rig.completes(&open.text("/requests/0/id")?)?;
        worker.signal(Signal::SIGTERM)?;
        worker.wait()?.exits(0)?;
        same("once", &database.ask(NAMES)?, &names)?;
        let shown = rig.run(&["requests", "show", &open.text("/requests/0/id")?])?;
        shown.is("/masked/shop.customer", 2)?.is("/tasks/1/outcome", "masked")?;
        same("sent once", &rig.posts().len(), &1)
    })
}
