//! `bench lookup`: what it adds to resolve an e-mail address over two joins in a table of many rows.
//!
//! The floor is the same join as one prepared statement on a warm connection: what the database itself needs.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use privacy_dataset::{Dataset, MaskingPolicy};
use privacy_store::owned::{OwnedDatabases, OwnedDirectory, OwnedOptions};
use segment_core::{Identity, IdentityKind, ports::SubjectDirectory};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{median, millis};
use crate::{
    context::Context,
    database::{PostgresDatabase, sqlite},
    report,
};

const DATASET: &str = "
dataset:
  - fides_key: shop
    collections:
      - name: contact
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
      - name: account
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: contact_id, fides_meta: { references: [{ dataset: shop, field: contact.id, direction: from }] } }
      - name: member
        fields:
          - { name: account_id, fides_meta: { references: [{ dataset: shop, field: account.id, direction: from }] } }
          - { name: user_id }
";

const JOIN: &str = "SELECT m.user_id FROM contact c JOIN account a ON a.contact_id = c.id JOIN member m ON m.account_id = a.id \
    WHERE c.email = $1";

/// What the figure is meant to stay within.
const BOUND: Duration = Duration::from_millis(5);

/// Runs the figure and prints its table.
///
/// # Errors
///
/// A look-up that does not find the one user id.
pub fn bench_lookup(rows: u64, runs: usize) -> Result<()> {
    ensure!(runs > 0 && rows > 1_000, "at least one run, and 1,000 rows, are needed");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut table = Vec::new();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("shop.db");
    runtime.block_on(fill_sqlite(&file, rows))?;
    let bare = runtime.block_on(sqlite_floor(&file, rows, runs))?;
    let url = format!("sqlite://{}", file.display());
    table.push(row("SQLite", runtime.block_on(look_up(&url, rows, runs))?, bare));
    let context = Context::from_environment()?;
    if let Some(server) = context.postgres() {
        let database = PostgresDatabase::create(server, &postgres(rows))?;
        let bare = runtime.block_on(postgres_floor(&database.url(), rows, runs))?;
        table.push(row("PostgreSQL", runtime.block_on(look_up(&database.url(), rows, runs))?, bare));
    }
    let title = format!("e-mail to user id over two joins, {rows} rows");
    report::figures("lookup", &[&title, "median", "floor (one join)", "added", "bound"], &table);
    Ok(())
}

fn row(name: &str, time: Duration, floor: Duration) -> Vec<String> {
    let added = time.saturating_sub(floor);
    let verdict = if added < BOUND { "within" } else { "above" };
    vec![name.to_owned(), millis(time), millis(floor), millis(added), format!("{verdict} 5 ms")]
}

fn email(rows: u64, run: usize) -> String {
    format!("person{}@example.test", (run as u64).wrapping_mul(7_919_003) % (rows / 10) * 10 + 10)
}

/// Every tenth contact has an account.
async fn fill_sqlite(file: &Path, rows: u64) -> Result<()> {
    let mut connection = sqlite(file).await?;
    let numbers =
        |count: u64| format!("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})");
    let statements = format!(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
         CREATE TABLE contact (id INTEGER PRIMARY KEY, email TEXT, name TEXT);
         CREATE TABLE account (id INTEGER PRIMARY KEY, contact_id INTEGER);
         CREATE TABLE member (account_id INTEGER, user_id TEXT);
         {all} INSERT INTO contact SELECT i, 'person' || i || '@example.test', 'Person ' || i FROM n;
         {tenth} INSERT INTO account SELECT i + 1000, i * 10 FROM n;
         {tenth} INSERT INTO member SELECT i + 1000, 'u' || i FROM n;
         CREATE INDEX by_email ON contact (email); CREATE INDEX by_contact ON account (contact_id);
         CREATE INDEX by_account ON member (account_id);",
        all = numbers(rows),
        tenth = numbers(rows / 10)
    );
    connection.execute(AssertSqlSafe(statements)).await?;
    connection.close().await?;
    Ok(())
}

fn postgres(rows: u64) -> String {
    format!(
        "CREATE UNLOGGED TABLE contact (id BIGINT PRIMARY KEY, email TEXT, name TEXT);
         CREATE UNLOGGED TABLE account (id BIGINT PRIMARY KEY, contact_id BIGINT);
         CREATE UNLOGGED TABLE member (account_id BIGINT, user_id TEXT);
         INSERT INTO contact SELECT i, 'person' || i || '@example.test', 'Person ' || i FROM generate_series(1, {rows}) i;
         INSERT INTO account SELECT i + 1000, i * 10 FROM generate_series(1, {tenth}) i;
         INSERT INTO member SELECT i + 1000, 'u' || i FROM generate_series(1, {tenth}) i;
         CREATE INDEX ON contact (email); CREATE INDEX ON account (contact_id); CREATE INDEX ON member (account_id);
         ANALYZE;",
        tenth = rows / 10
    )
}

/// The median of so many look-ups of different people; the first one opens the connection and is not counted.
async fn look_up(url: &str, rows: u64, runs: usize) -> Result<Duration> {
    let mut databases = OwnedDatabases::new(MaskingPolicy::default());
    databases.connect(&url.into(), "shop", Dataset::parse_all(DATASET)?, false, OwnedOptions::default())?;
    let directory = OwnedDirectory::new(Arc::new(databases), "shop.member.user_id".parse()?);
    let mut times = Vec::new();
    for run in 0..=runs {
        let identity = Identity::new(IdentityKind::Email, &email(rows, run))?;
        let start = Instant::now();
        let answer = directory.user_ids(&identity, 10).await?;
        times.push(start.elapsed());
        ensure!(answer.user_ids.len() == 1, "{} user ids of person {run}", answer.user_ids.len());
    }
    Ok(median(times.split_off(1)))
}

async fn sqlite_floor(file: &Path, rows: u64, runs: usize) -> Result<Duration> {
    let mut connection = sqlite(file).await?;
    let mut times = Vec::new();
    for run in 0..=runs {
        let start = Instant::now();
        let found: Vec<String> = sqlx::query_scalar(JOIN).bind(email(rows, run)).fetch_all(&mut connection).await?;
        times.push(start.elapsed());
        ensure!(found.len() == 1, "the floor finds {} user ids", found.len());
    }
    Ok(median(times.split_off(1)))
}

async fn postgres_floor(url: &str, rows: u64, runs: usize) -> Result<Duration> {
    let mut connection = PgConnection::connect(url).await.context("cannot connect to PostgreSQL")?;
    let mut times = Vec::new();
    for run in 0..=runs {
        let start = Instant::now();
        let found: Vec<String> = sqlx::query_scalar(JOIN).bind(email(rows, run)).fetch_all(&mut connection).await?;
        times.push(start.elapsed());
        ensure!(found.len() == 1, "the floor finds {} user ids", found.len());
    }
    Ok(median(times.split_off(1)))
}
