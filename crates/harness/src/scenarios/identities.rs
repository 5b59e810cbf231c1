//! Identities: odd ones that must work, wrong ones that must be refused, and those that lead to several people.

use anyhow::{Result, ensure};
use segment_mock::Profile;
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::Context,
    database::{execute, own_sqlite},
    package::Package,
    scenario::{Outcome, each, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// e-mail addresses with + / ? # % quotes and unicode: found, collected, and erased by exactly their user id
    identities_odd_addresses,
    /// user ids with quotes, newlines, commas, ../ and more: sent to Segment exactly as given
    identities_odd_user_ids,
    /// empty, placeholder, too long, malformed, none: exit code 2, nothing asked, nothing recorded
    identities_refused,
    /// identities that lead to two people: nothing is collected and nothing sent, for access and erasure
    identities_conflict,
    /// more user ids than one person has: a human must decide, nothing is sent
    identities_too_many,
    /// a placeholder in the owned database is nobody's user id
    identities_placeholder_in_table,
}

const ADDRESSES: &[&str] = &[
    "a+b@odd.example",
    "a/b@odd.example",
    "a?b=c&d@odd.example",
    "a#b@odd.example",
    "a%2Fb%@odd.example",
    "\"quo ted\"@odd.example",
    "o'brien@odd.example",
    "änne@exämple.example",
    "名前@odd.example",
    "a:b;c@odd.example",
    "a\\b@odd.example",
    "../x@odd.example",
    "..@odd.example",
];

fn identities_odd_addresses(context: &Context) -> Result<Outcome> {
    each(
        ADDRESSES,
        |address| (*address).to_owned(),
        |address| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.mock().add_profile(
                    Profile::new("use_odd")
                        .external_id("user_id", "odd-1")
                        .external_id("email", *address)
                        .trait_("odd", true),
                );
                rig.keep_private(address);
                let access = rig.run(&["access", &format!("--email={address}")])?;
                access.exits(0)?.is("/tasks/0/outcome", "collected")?;
                let package = Package::open(&rig.path(&access.text("/package/location")?))?;
                same("the traits", &package.json("unify/traits.json")?, &json!({"odd": true}))?;
                rig.run(&["erase", &format!("--email={address}"), "--yes"])?.exits(0)?;
                rig.regulated("SUPPRESS_ONLY", &["odd-1"])
            })
        },
    )
}

const USER_IDS: &[&str] = &[
    "it's",
    "say \"hi\"",
    "two\nlines",
    "tab\tin",
    "x\",\"y",
    "../../regulations",
    "..",
    ".",
    "a/b?c#d%e",
    "'; DROP TABLE users; --",
    "名前-😀",
    "[1,2]",
    "a:b",
    "a b",
    "%2e%2e",
];

fn identities_odd_user_ids(context: &Context) -> Result<Outcome> {
    each(
        USER_IDS,
        |id| (*id).to_owned(),
        |id| {
            on_rig(context, &Setup::unify(), |rig| {
                if id.len() > 2 {
                    rig.keep_private(id);
                }
                let run = rig.run(&["erase", &format!("--user-id={id}"), "--yes", "--wait"])?;
                run.exits(0)?.is("/status", "complete")?.is("/tasks/0/outcome", "suppressed")?;
                run.text("/verified_at")?;
                rig.regulated("SUPPRESS_ONLY", &[id])
            })
        },
    )
}

fn identities_refused(context: &Context) -> Result<Outcome> {
    let long = format!("{}@odd.example", "b".repeat(288));
    let cases: Vec<(&str, Vec<String>, &str)> = vec![
        ("none", Vec::new(), "no identity"),
        ("empty", vec!["--email=".to_owned()], "empty"),
        ("white space", vec!["--user-id= ".to_owned()], "empty"),
        ("placeholder", vec!["--user-id=null".to_owned()], "placeholder"),
        ("placeholder mailbox", vec!["--email=test@odd.example".to_owned()], "placeholder"),
        ("300 characters", vec![format!("--email={long}")], "300 characters"),
        ("no address", vec!["--email=ann".to_owned()], "@"),
        ("unknown kind", vec!["--identity=E-Mail:ann@odd.example".to_owned()], "lower snake case"),
        ("no kind", vec!["--identity=ann".to_owned()], "lower snake case"),
    ];
    each(
        &cases,
        |case| case.0.to_owned(),
        |(_, flags, word)| {
            on_rig(context, &Setup::unify(), |rig| {
                rig.keep_private(&long);
                let flags: Vec<_> = flags.iter().map(String::as_str).collect();
                for command in [&["access"][..], &["erase", "--yes"], &["erase", "--dry-run"]] {
                    let run = rig.run(&[command, &flags].concat())?;
                    run.fails(2, "identity_refused", &[word, "--email", "nothing was recorded"])?;
                }
                rig.nothing_asked()?;
                rig.nothing_written()
            })
        },
    )
}

fn identities_conflict(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let people = rig.mock().people();
        let two = ["--email", &people[0].email, "--user-id", &people[1].user_ids[0]];
        rig.run(&[&["erase", "--yes", "--wait"], &two[..]].concat())?.needs_human("identity_conflict")?;
        let access = rig.run(&[&["access"], &two[..]].concat())?;
        access.needs_human("identity_conflict")?.is("/package", Value::Null)?.is("/tasks/0/collections", json!({}))?;
        ensure!(rig.packages()?.is_empty(), "something was collected");
        rig.nothing_sent()?;
        let plan = rig.run(&[&["erase", "--dry-run"], &two[..]].concat())?;
        plan.exits(0)?.is("/plan/0/subjects", 0)?;
        ensure!(plan.at("/plan/0/warnings")?.to_string().contains("2 different people"), "{}", plan.shown());
        // Somebody unknown beside a person conflicts with nothing.
        rig.run(&["erase", "--yes", "--email", &people[2].email, "--email", "stranger@shop.example"])?.exits(0)?;
        rig.regulated("SUPPRESS_ONLY", &[&people[2].user_ids[0]])
    })
}

fn identities_too_many(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic().replace("max_user_ids = 10", "max_user_ids = 3"), |rig| {
        let household = "home@shop.example";
        own_sqlite(rig, &[1, 2, 3, 4].map(|number| (880_000_000 + number, household)))?;
        rig.run(&["erase", "--email", household, "--yes"])?.needs_human("too_many_ids")?;
        rig.nothing_sent()?;
        rig.reconfigure("max_user_ids = 3", "max_user_ids = 4")?;
        let id = rig.run(&["requests", "list"])?.text("/requests/0/id")?;
        rig.run(&["requests", "retry", &id])?.exits(0)?.is("/tasks/0/identities/resolved_user_ids", 4)?;
        rig.regulated("SUPPRESS_ONLY", &["880000001", "880000002", "880000003", "880000004"])
    })
}

fn identities_placeholder_in_table(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic().replace("\"shop.customer.id\"", "\"shop.customer.name\""), |rig| {
        own_sqlite(rig, &[(880_000_001, "ann@shop.example"), (880_000_002, "ann@shop.example")])?;
        execute(&rig.path("shop.db"), "UPDATE customer SET name = 'null' WHERE id = 880000001")?;
        rig.run(&["erase", "--email", "ann@shop.example", "--yes"])?.exits(0)?;
        rig.regulated("SUPPRESS_ONLY", &["Name 880000002"])
    })
}
