//! `bench intake`: many erasures from a CSV file, recorded, and then sent by a worker.
//!
//! The floor is the same file, read and inserted as one table by hand, a transaction of as many rows.

use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::{
    assert::until_within,
    context::{Api, Column, Context, Records},
    database::{PostgresDatabase, wait},
    report,
    rig::Rig,
    setup::Setup,
};

/// A regulation takes so many ids.
const MAX_SUBJECTS: usize = 5_000;
/// Rows of a transaction by hand.
const AT_ONCE: usize = 2_000;
const TABLE: &str = "CREATE TABLE people (user_id TEXT, external_id TEXT UNIQUE)";
const PATIENCE: Duration = Duration::from_mins(30);

/// Runs the figures and prints their table.
///
/// # Errors
///
/// Not everybody was recorded, or not in as few regulations as can be.
pub fn bench_intake(people: usize, records_only: bool) -> Result<()> {
    let context = Context::from_environment()?;
    let mut table = Vec::new();
    for records in [Records::Sqlite, Records::Postgres] {
        if records == Records::Postgres && context.postgres().is_none() {
            continue;
        }
        table.push(measure(&context.on(Column { api: Api::Public, records }), people, records_only)?);
    }
    let title = format!("{people} erasures from CSV");
    report::figures(
        "intake",
        &[&title, "recorded", "floor (one table, by hand)", "bound", "sent", "regulations"],
        &table,
    );
    Ok(())
}

fn measure(context: &Context, people: usize, records_only: bool) -> Result<Vec<String>> {
    let records = context.records();
    let setup = Setup::basic()
        .replace("lease = \"2s\"", "lease = \"30s\"")
        .replace("batch_window = \"0s\"", "batch_window = \"60s\"");
    let rig = Rig::new(context, &setup)?;
    crate::database::own_sqlite(&rig, &[(1, "nobody@shop.example")])?;
    let mut file = "user_id,external_id\n".to_owned();
    for number in 0..people {
        writeln!(file, "customer-{number},ticket-{number}")?;
    }
    rig.write("people.csv", &file)?;
    let server = match records {
        Records::Sqlite => None,
        Records::Postgres => Some(PostgresDatabase::create(context.postgres().context("no PostgreSQL")?, TABLE)?),
    };
    let floor = wait(by_hand(server.as_ref(), &rig.path("floor.db"), &file))?;
    let begun = Instant::now();
    rig.quiet_call(&["erase", "--from", "people.csv", "--yes", "--no-wait"])
        .run()?
        .exits(0)?
        .is("/accepted", people)?;
    let recorded = begun.elapsed();
    let bound = if records == Records::Sqlite { 10.0 } else { 20.0 };
    let verdict = if recorded.as_secs_f64() < bound { "within" } else { "above" };
    let mut row = vec![
        format!("{records:?}"),
        format!("{:.1} s", recorded.as_secs_f64()),
        format!("{:.1} s", floor.as_secs_f64()),
        format!("{verdict} {bound:.0} s"),
    ];
    if records_only {
        row.extend(["–".to_owned(), "–".to_owned()]);
        return Ok(row);
    }
    let begun = Instant::now();
    let worker = rig.quiet_call(&["worker"]).start()?;
    let ids = |rig: &Rig| rig.mock().regulations().iter().map(|one| one.subjects.len()).sum::<usize>();
    until_within(PATIENCE, "everybody is sent", || ids(&rig) >= people)?;
    let sent = begun.elapsed();
    worker.signal(Signal::SIGTERM)?;
    worker.wait()?.exits(0)?;
    let regulations = rig.mock().regulations().len();
    ensure!(ids(&rig) == people, "{} ids were sent", ids(&rig));
    ensure!(regulations == people.div_ceil(MAX_SUBJECTS), "{regulations} regulations");
    row.extend([format!("{:.0} s", sent.as_secs_f64()), regulations.to_string()]);
    Ok(row)
}

async fn by_hand(server: Option<&PostgresDatabase>, path: &Path, file: &str) -> Result<Duration> {
    let rows: Vec<(&str, &str)> = file.lines().skip(1).filter_map(|line| line.split_once(',')).collect();
    let insert = "INSERT INTO people VALUES ($1, $2)";
    let begun;
    match server {
        None => {
            let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
            let mut connection = SqliteConnection::connect_with(&options).await?;
            sqlx::query(TABLE).execute(&mut connection).await?;
            begun = Instant::now();
            for chunk in rows.chunks(AT_ONCE) {
                let mut tx = connection.begin().await?;
                for (user, external) in chunk {
                    sqlx::query(insert).bind(user).bind(external).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
        }
        Some(database) => {
            let mut connection = PgConnection::connect(&database.url()).await?;
            begun = Instant::now();
            for chunk in rows.chunks(AT_ONCE) {
                let mut tx = connection.begin().await?;
                for (user, external) in chunk {
                    sqlx::query(AssertSqlSafe(insert.to_owned())).bind(user).bind(external).execute(&mut *tx).await?;
                }
                tx.commit().await?;
            }
        }
    }
    Ok(begun.elapsed())
}
