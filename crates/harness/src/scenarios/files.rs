//! `erase --from`.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::{
    assert::same,
    context::{Api, Context},
    database::{execute, own_sqlite, shop},
    process::Run,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// good rows of a file are erased in one regulation, bad ones are reported by line and code
    file_good_and_bad_rows,
    /// --batch makes the same file, sent again, the same requests
    file_batch,
    /// --from - reads standard input
    file_standard_input,
    /// external ids of a file: the same row is linked, another person under the same id is rejected
    file_external_ids,
    /// 1,000 erasures of distinct people in one file make exactly 1 regulation call with 1,000 ids
    file_thousand_people,
    /// a file without a good row is exit code 2 and records nothing
    file_no_good_row,
    /// files that are no list of people: each with its own code, nothing recorded
    file_unreadable,
}

/// Lines 2 to 13: three good people among everything that is wrong with a row.
fn mixed() -> Vec<u8> {
    let mut file = b"email,user_id,external_id\n".to_vec();
    file.extend(b"person-0001@example.test,,\n");
    file.extend(b",,only-a-reference\n");
    file.extend(b"test@example.com,,\n");
    file.extend(format!("{}@example.com,,\n", "a".repeat(300)).bytes());
    file.extend(b",a\0b,\n");
    file.extend(b"caf\xe9@example.com,,\n");
    file.extend(b"person-0002@example.test,,,,too,many\n");
    file.extend(b"no address,,\n");
    file.extend(b"PERSON-0002@example.test,u-0002,\"second, quoted\"\n");
    file.extend(b",\"Odd\"\"id,\",\n");
    file.extend(b",\"never closed,\nperson-0003@example.test,,\n");
    file
}

fn rejected(run: &Run) -> Result<Vec<(u64, String)>> {
    let all = run.at("/rejected")?;
    let row =
        |one: &Value| (one["line"].as_u64().unwrap_or_default(), one["code"].as_str().unwrap_or_default().to_owned());
    Ok(all.as_array().context("no list")?.iter().map(row).collect())
}

fn file_good_and_bad_rows(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.write("people.csv", mixed())?;
        rig.keep_private("Odd\"id,");
        rig.segment_takes_long();
        let run = rig.run(&["erase", "--from", "people.csv", "--yes"])?;
        run.exits(0)?.is("/accepted", 3)?.is("/linked", 0)?.is("/rejected_total", 8)?.is("/regulations", 1)?;
        run.is("/requests", json!({"awaiting_processor": 3}))?;
        let expected = [
            (3, "no_identity"),
            (4, "identity_refused"),
            (5, "identity_refused"),
            (6, "identity_refused"),
            (7, "not_utf8"),
            (8, "too_many_values"),
            (9, "identity_refused"),
            (12, "several_lines"),
        ];
        let expected: Vec<_> = expected.iter().map(|(line, code)| (*line, (*code).to_owned())).collect();
        same("rejected rows", &rejected(&run)?, &expected)?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001", "u-0002", "Odd\"id,"])?;
        same("POSTs", &rig.posts().len(), &1)
    })
}

fn file_batch(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let people: Vec<_> = rig.mock().people().into_iter().map(|person| person.email).take(3).collect();
        rig.write("people.csv", format!("email\n{}\n", people.join("\n")))?;
        let args = ["erase", "--from", "people.csv", "--yes", "--batch", "november", "--wait"];
        rig.run(&args)?.exits(0)?.is("/accepted", 3)?.is("/requests", json!({"complete": 3}))?;
        let again = rig.run(&args)?;
        again.exits(0)?.is("/accepted", 0)?.is("/linked", 3)?.is("/regulations", 1)?;
        same("POSTs", &rig.posts().len(), &1)?;
        // Another name is another batch.
        rig.run(&["erase", "--from", "people.csv", "--yes", "--batch", "december"])?.exits(0)?.is("/accepted", 3)?;
        same("POSTs", &rig.posts().len(), &2)
    })
}

fn file_standard_input(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let file = "\u{feff}user_id\r\nu-0001\r\nu-0001\r\nu-0002\r\n";
        let run = rig.call(&["erase", "--from", "-", "--yes"]).stdin(file).run()?;
        run.exits(0)?.is("/accepted", 2)?.is("/linked", 1)?.is("/rejected_total", 0)?;
        rig.regulated("SUPPRESS_ONLY", &["u-0001", "u-0002"])
    })
}

fn file_external_ids(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.write("one.csv", "user_id,external_id\nu-0001,case-1\nu-0002,case-2\n")?;
        rig.run(&["erase", "--from", "one.csv", "--yes"])?.exits(0)?.is("/accepted", 2)?;
        rig.write("two.csv", "user_id,external_id\nu-0001,case-1\nu-0003,case-2\nu-0004,case-4\n")?;
        let run = rig.run(&["erase", "--from", "two.csv", "--yes"])?;
        run.exits(0)?.is("/accepted", 1)?.is("/linked", 1)?.is("/rejected_total", 1)?;
        same("rejected rows", &rejected(&run)?, &vec![(3, "external_id_conflict".to_owned())])?;
        let sent: Vec<_> = rig.regulations().into_iter().map(|(_, ids)| ids).collect();
        same("sent", &sent, &vec![vec!["u-0001", "u-0002"], vec!["u-0004", "u-0004-b"]])
    })
}

fn file_thousand_people(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::basic(), |rig| {
        own_sqlite(rig, &[(880_000_000, "someone@shop.example")])?;
        std::fs::remove_file(rig.path("shop.db"))?;
        let people: Vec<_> =
            (1..=1000).map(|number| (881_000_000 + number, format!("p{number}@shop.example"))).collect();
        let rows: Vec<_> = people.iter().map(|(id, email)| (*id, email.as_str())).collect();
        execute(&rig.path("shop.db"), &shop(&rows))?;
        let mut file = "email\n".to_owned();
        for (_, email) in &people {
            writeln!(file, "{email}")?;
        }
        rig.write("people.csv", file)?;
        let run = rig.run(&["erase", "--from", "people.csv", "--yes"])?;
        run.exits(0)?.is("/accepted", 1000)?.is("/rejected_total", 0)?.is("/regulations", 1)?;
        same("POSTs", &rig.posts().len(), &1)?;
        let all: Vec<_> = people.iter().map(|(id, _)| id.to_string()).collect();
        same("regulations", &rig.regulations(), &vec![("SUPPRESS_ONLY".to_owned(), all)])?;
        let body = rig.posts()[0].json();
        let ids = match rig.api() {
            Api::Public => &body["subjectIds"],
            Api::Config => &body["attributes"]["values"],
        };
        same("ids in the call", &ids.as_array().map(Vec::len), &Some(1000))
    })
}

fn file_no_good_row(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        rig.write("people.csv", "email\nnull\n\"\"\ntest@example.com\n")?;
        let run = rig.run(&["erase", "--from", "people.csv", "--yes"])?;
        run.fails(2, "no_good_row", &["nothing was recorded"])?.is("/accepted", 0)?.is("/rejected_total", 3)?;
        rig.run(&["erase", "--from", "people.csv", "--dry-run"])?.fails(2, "no_good_row", &[])?;
        rig.run(&["requests", "list"])?.is("/requests", json!([]))?;
        rig.nothing_asked()
    })
}

fn file_unreadable(context: &Context) -> Result<Outcome> {
    on_rig(context, &Setup::unify(), |rig| {
        let erase = |name: &str| rig.run(&["erase", "--from", name, "--yes"]);
        erase("missing.csv")?.fails(2, "file_missing", &["missing.csv"])?;
        rig.write("column.csv", "E-Mail Address\nperson-0001@example.test\n")?;
        erase("column.csv")?.fails(2, "unknown_column", &["column 1", "email"])?;
        rig.write("none.csv", "external_id\nx\n")?;
        erase("none.csv")?.fails(2, "no_identity_column", &["email"])?;
        rig.write("empty.csv", "")?;
        let empty = erase("empty.csv")?;
        ensure!(empty.exit == 2, "{}", empty.shown());
        rig.run(&["erase", "--from", "column.csv", "--email", "a@b.example", "--yes"])?.fails(2, "two_sources", &[])?;
        rig.nothing_asked()?;
        rig.nothing_written()
    })
}
