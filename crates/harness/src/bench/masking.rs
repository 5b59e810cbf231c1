//! `bench masking`: many rows of one person, masked on PostgreSQL.
//!
//! The floor is a hand-written UPDATE of the same columns by one statement, which hashes in the database.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use privacy_dataset::{Dataset, MaskingPolicy};
use privacy_store::owned::{OwnedDatabases, OwnedOptions, OwnedRows};
use segment_core::{
    ConnectionKey, Identity, IdentityKind, IdentitySet, MaskOrder, MaskingKey, RowTrace, Subject,
    ports::{Begun, SubjectMasker},
};
use segment_http::OsRandom;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::{median, millis};
use crate::{
    context::Context,
    database::{PostgresDatabase, wait},
    report,
    rig::Rig,
    setup::Setup,
};

const DATASET: &str = "
dataset:
  - fides_key: shop
    collections:
      - name: customer
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: email, fides_meta: { identity: email } }
          - { name: segment_id }
      - name: visit
        fields:
          - { name: id, fides_meta: { primary_key: true } }
          - { name: customer_id, fides_meta: { references: [{ dataset: shop, field: customer.id, direction: from }] } }
          - { name: address, data_categories: [user.device.ip_address] }
          - { name: agent, data_categories: [user.device] }
          - { name: note, data_categories: [user] }
";

const BY_HAND: &str = "UPDATE visit SET address = encode(sha256((address || 'salt')::bytea), 'hex'), \
    agent = encode(sha256((agent || 'salt')::bytea), 'hex'), note = encode(sha256((note || 'salt')::bytea), 'hex') \
    WHERE customer_id = 1";

/// What the figures are meant to stay within.
const BOUND: f64 = 2.0;
const MEMORY: u64 = 64 * 1024;

/// Runs the figures and prints their table.
///
/// # Errors
///
/// There is no PostgreSQL, or not all rows are masked.
pub fn bench_masking(rows: u64, others: u64, runs: usize) -> Result<()> {
    ensure!(runs > 0 && rows > 0, "at least one run and one row are needed");
    let context = Context::from_environment()?;
    let server = context.postgres().context("no PostgreSQL: SEGMENT_PRIVACY_TEST_POSTGRES is not set")?;
    let copying = whole(&context, server, rows, others, &["access"])?;
    let memory = whole(&context, server, rows, others, &["erase", "--yes"])?;
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    // In turn, each on tables of its own.
    for round in 0..=runs {
        let by_hand = wait(by_hand(&PostgresDatabase::create(server, &shop(rows, others))?.url(), rows))?;
        let masked = wait(masked(&PostgresDatabase::create(server, &shop(rows, others))?.url(), rows))?;
        if round > 0 {
            floor.push(by_hand);
            ours.push(masked);
        }
    }
    let (floor, ours) = (median(floor), median(ours));
    let ratio = ours.as_secs_f64() / floor.as_secs_f64();
    let verdict = |within: bool| if within { "within" } else { "above" };
    report::figures(
        "masking",
        &[
            &format!("masking {rows} rows on PostgreSQL, 3 columns"),
            "median",
            "floor (UPDATE by hand)",
            "ratio",
            "bound",
        ],
        &[vec![
            "hmac, shared rows looked for, committed".to_owned(),
            millis(ours),
            millis(floor),
            format!("{ratio:.2}"),
            format!("{} {BOUND}", verdict(ratio <= BOUND)),
        ]],
    );
    report::figures(
        "masking",
        &["peak memory of the whole command", "resident", "bound"],
        &[("access, rows included", copying), ("erase, masking included", memory)].map(|(what, peak)| {
            vec![what.to_owned(), format!("{} MiB", peak / 1_024), format!("{} 64 MiB", verdict(peak <= MEMORY))]
        }),
    );
    Ok(())
}

/// So many visits of one customer, among so many of others.
fn shop(rows: u64, others: u64) -> String {
    format!(
        "CREATE TABLE customer (id BIGINT PRIMARY KEY, email TEXT, segment_id TEXT);
         CREATE TABLE visit (id BIGINT PRIMARY KEY, customer_id BIGINT, address TEXT, agent TEXT, note TEXT);
         INSERT INTO customer VALUES (1, 'ann@example.test', 'seg-ann'), (2, 'ben@example.test', 'seg-ben');
         INSERT INTO visit SELECT i, CASE WHEN i % {every} = 0 THEN 1 ELSE 2 END, '192.0.2.' || i % 256, 'Browser ' || i, 'visit ' || i
            FROM generate_series(1, {all}) i;
         CREATE INDEX ON customer (email); CREATE INDEX ON visit (customer_id); ANALYZE; CHECKPOINT;",
        all = rows * (1 + others / rows),
        every = 1 + others / rows,
    )
}

async fn by_hand(url: &str, rows: u64) -> Result<Duration> {
    let mut connection = PgConnection::connect(url).await?;
    let start = Instant::now();
    let done = connection.execute(AssertSqlSafe(BY_HAND)).await?.rows_affected();
    let time = start.elapsed();
    ensure!(done == rows, "{done} rows were updated by hand");
    Ok(time)
}

async fn masked(url: &str, rows: u64) -> Result<Duration> {
    let mut databases = OwnedDatabases::new(MaskingPolicy::default());
    databases.connect(&url.into(), "shop", Dataset::parse_all(DATASET)?, true, OwnedOptions::default())?;
    let owned = OwnedRows::new(Arc::new(databases), Arc::new(OsRandom));
    let identities = IdentitySet::new([Identity::new(IdentityKind::Email, "ann@example.test")?])?;
    let order = MaskOrder {
        dataset: ConnectionKey::new("shop"),
        subject: Subject { identities, user_ids: std::collections::BTreeMap::new() },
        trace: RowTrace::default(),
        key: MaskingKey::new([7; 32]),
    };
    let start = Instant::now();
    let Begun::Open(masking) = owned.begin(&order).await? else { bail!("it was masked before") };
    let done = masking.report().collections.get("shop.visit").copied();
    masking.commit().await?;
    let time = start.elapsed();
    ensure!(done == Some(rows), "{done:?} rows were masked");
    Ok(time)
}

/// Peak resident memory in KiB of a command with everything in it.
fn whole(context: &Context, server: &str, rows: u64, others: u64, command: &[&str]) -> Result<u64> {
    let database = PostgresDatabase::create(server, &shop(rows, others))?;
    let rig = Rig::new(context, &Setup::basic().shop().masking())?;
    rig.write("shop.url", database.url())?;
    rig.write("shop_dataset.yml", DATASET)?;
    let running = rig.quiet_call(&[command, &["--email", "ann@example.test"]].concat()).start()?;
    let peak = running.peak_memory()?;
    let counted = if command[0] == "access" { "/tasks/0/collections/shop.visit" } else { "/masked/shop.visit" };
    running.wait()?.exits(0)?.is(counted, rows)?;
    Ok(peak)
}
