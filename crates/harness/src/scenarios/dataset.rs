//! Datasets that are wrong.

use anyhow::{Result, ensure};

use crate::{
    context::Context,
    database::{FIDES, execute, own_sqlite},
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// dataset, collection or field that does not exist, and YAML that is no dataset: each its own message, exit code 2
    dataset_refused,
    /// the dataset names a table or column that the live database does not have: check is exit code 5, erase sends nothing
    dataset_unlike_the_database,
}

const CUSTOMERS: &[(i64, &str)] = &[(880_000_001, "ann@shop.example")];

/// Name, the reference, the YAML (empty: Fides' example), the code and words of the message.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

const CASES: &[Case] = &[
    ("no such dataset", "shopp.customer.id", "", "dataset_missing", &["shopp", "did you mean shop"]),
    (
        "no such collection",
        "shop.customers.id",
        "",
        "dataset_field_missing",
        &["no collection `customers`", "customer"],
    ),
    ("no such field", "shop.customer.idd", "", "dataset_field_missing", &["no field `idd`"]),
    ("no reference", "shop.customer", "", "config_invalid", &["segment_user_id"]),
    ("another YAML", "shop.customer.id", "hello: world\n", "dataset_invalid", &["shop_dataset.yml", "dataset"]),
    ("a list", "shop.customer.id", "- 1\n- 2\n", "dataset_invalid", &["shop_dataset.yml"]),
    ("no YAML", "shop.customer.id", "dataset: [\n", "dataset_invalid", &["shop_dataset.yml"]),
    ("an empty file", "shop.customer.id", "\n", "dataset_invalid", &["shop_dataset.yml"]),
];

fn dataset_refused(context: &Context) -> Result<Outcome> {
    each(
        CASES,
        |case| case.0.to_owned(),
        |(_, reference, yaml, code, words)| {
            on_rig(context, &Setup::basic(), |rig| {
                own_sqlite(rig, CUSTOMERS)?;
                rig.write("shop_dataset.yml", if yaml.is_empty() { FIDES } else { yaml })?;
                rig.reconfigure("\"shop.customer.id\"", &format!("\"{reference}\""))?;
                rig.run(&["check"])?.fails(2, code, words)?;
                rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?.fails(2, code, words)?;
                rig.nothing_asked()?;
                rig.nothing_written()
            })
        },
    )
}

fn dataset_unlike_the_database(context: &Context) -> Result<Outcome> {
    const CHANGES: &[(&str, &str, &str)] = &[
        ("no table", "DROP TABLE customer", "customer"),
        ("no column", "ALTER TABLE customer RENAME COLUMN email TO mail", "email"),
    ];
    each(
        CHANGES,
        |case| case.0.to_owned(),
        |(_, change, word)| {
            on_rig(context, &Setup::basic(), |rig| {
                own_sqlite(rig, CUSTOMERS)?;
                if change.starts_with("ALTER") {
                    execute(&rig.path("shop.db"), "DROP INDEX customer_email")?;
                }
                execute(&rig.path("shop.db"), change)?;
                let check = rig.run(&["check"])?;
                check.exits(5)?.is("/connections/0/status", "failed")?;
                ensure!(check.at("/connections/0/checks")?.to_string().contains(word), "{}", check.shown());
                let erase = rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?;
                erase.exits(3)?.is("/status", "error")?.is("/tasks/0/code", "directory_failed")?;
                ensure!(erase.text("/tasks/0/message")?.contains(word), "{}", erase.shown());
                rig.nothing_sent()
            })
        },
    )
}
