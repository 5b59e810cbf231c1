//! `bench package`: how fast a package of many events is written, and how much memory the whole command takes for it.
//!
//! The floor is what cannot be left out: the same lines encoded as JSON and compressed once, by one thread, to nowhere.

use std::{
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use privacy_package::{StoreOptions, ZipSink};
use segment_core::{
    Action, Identity, IdentityKind, IdentitySet, NewPackage, Pii, RequestId, StagingKey,
    ports::{Clock as _, PackageSink as _},
};
use segment_http::{OsRandom, SystemClock};
use segment_mock::{Event, Profile};
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{context::Context, report, rig::Rig, setup::Setup};

/// Records a call: as many as a page of events has.
const PAGE: u64 = 100;
const PLAIN: f64 = 100_000.0;
const WITH_REPORT: f64 = 30_000.0;
/// KiB.
const MEMORY: u64 = 64 * 1_024;

/// Runs the figures and prints their tables.
///
/// # Errors
///
/// A package that does not come out whole.
pub fn bench_package(events: u64, in_profile: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let floor = rate(events, floor(events)?);
    let folder = tempfile::tempdir()?;
    let plain = runtime.block_on(packed(folder.path(), events, false))?;
    let with_report = runtime.block_on(packed(folder.path(), events, true))?;
    let row = |what: &str, (gathered, packed): (Duration, Duration), bound: f64| {
        let rate = rate(events, gathered + packed);
        let verdict = if rate >= bound { "reached" } else { "missed" };
        vec![
            what.to_owned(),
            format!("{rate:.0}/s"),
            format!("{verdict} {bound:.0}/s"),
            format!("{:.1} s", gathered.as_secs_f64()),
            format!("{:.1} s", packed.as_secs_f64()),
        ]
    };
    report::figures(
        "package",
        &[&format!("package of {events} events"), "events", "bound", "gathered in", "packed in"],
        &[
            row("NDJSON and CSV", plain, PLAIN),
            row("and the report in HTML", with_report, WITH_REPORT),
            vec!["floor: JSON compressed once".to_owned(), format!("{floor:.0}/s")],
        ],
    );
    if in_profile > 0 {
        let peak = whole(&Context::from_environment()?, in_profile)?;
        let verdict = if peak <= MEMORY { "within" } else { "above" };
        report::figures(
            "package",
            &[&format!("peak memory of `access`, {in_profile} events"), "resident", "bound"],
            &[vec!["whole command".to_owned(), format!("{} MiB", peak / 1_024), format!("{verdict} 64 MiB")]],
        );
    }
    Ok(())
}

fn rate(events: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    let events = events as f64;
    events / time.as_secs_f64()
}

/// An event as a web page sends it: about 640 bytes.
pub(super) fn event(number: u64) -> Value {
    let at = 1_790_000_000 - number;
    let name = ["Product Viewed", "Product Added", "Checkout Started"][usize::try_from(number % 3).unwrap_or(0)];
    json!({
        "external_ids": [{"collection": "users", "type": "user_id", "id": "u-bench", "encoding": "none"}],
        "context": {
            "ip": format!("192.0.2.{}", number % 256), "locale": "de-DE",
            "library": {"name": "analytics.js", "version": "2.11.1"},
            "page": {"path": format!("/shop/{}", number % 977), "referrer": "", "title": "Shop", "url": format!("https://shop.example/shop/{}", number % 977)},
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        },
        "type": "track", "event": name,
        "message_id": format!("ajs-next-{number:016x}"), "source_id": "qW3eRtY7uI9oP1aS2dF4",
        "timestamp": jiff::Timestamp::from_second(i64::try_from(at).unwrap_or(0)).unwrap_or_default().to_string(),
        "properties": {"sku": format!("sku-{}", number % 4_099), "price": 19.99, "quantity": number % 5, "currency": "EUR"},
        "related": {"users": "use_bench"},
    })
}

fn floor(events: u64) -> Result<Duration> {
    let mut out = ZipWriter::new_stream(std::io::sink());
    out.start_file("events.ndjson", SimpleFileOptions::default())?;
    let mut time = Duration::ZERO;
    for page in 0..events / PAGE {
        let page: Vec<_> = (page * PAGE..(page + 1) * PAGE).map(event).collect();
        let begun = Instant::now();
        for event in page {
            serde_json::to_writer(&mut out, &event)?;
            out.write_all(b"\n")?;
        }
        time += begun.elapsed();
    }
    Ok(time)
}

/// How long the pages took to gather, and the zip to write; making the events is not counted.
async fn packed(folder: &Path, events: u64, report: bool) -> Result<(Duration, Duration)> {
    let sink = ZipSink::new("packages", folder, &StoreOptions::default(), Arc::new(OsRandom))?.with_report(report);
    let package = NewPackage {
        request: RequestId::new("pri_bench"),
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, "u-bench")?])?,
        received_at: SystemClock::new().now(),
        created_at: SystemClock::new().now(),
        staging_key: StagingKey::new([7; 32]),
        recipient: None,
        tables: std::collections::BTreeSet::new(),
    };
    let writer = sink.begin(package).await?;
    let mut time = Duration::ZERO;
    for page in 0..events / PAGE {
        let records = (page * PAGE..(page + 1) * PAGE).map(|number| Pii::new(event(number))).collect();
        let begun = Instant::now();
        writer.append("bench", "events", records).await?;
        time += begun.elapsed();
    }
    let begun = Instant::now();
    let receipt = writer.finish().await?;
    let finished = begun.elapsed();
    ensure!(receipt.files.iter().all(|file| file.records == events && file.complete), "the package is not whole");
    Ok((time, finished))
}

/// Peak resident memory in KiB of a whole access.
fn whole(context: &Context, events: u64) -> Result<u64> {
    let rig = Rig::new(context, &Setup::unify())?;
    let mut profile =
        Profile::new("use_bench").external_id("email", "ann@example.test").external_id("user_id", "u-bench");
    for number in 0..events {
        let ago = Duration::from_secs(number % (13 * 86_400) + 1);
        let record = event(number);
        profile = profile.event(
            Event::track("Product Viewed")
                .properties(record["properties"].clone())
                .context(record["context"].clone())
                .ago(ago),
        );
    }
    rig.mock().add_profile(profile);
    let running = rig.quiet_call(&["access", "--email", "ann@example.test"]).start()?;
    let peak = running.peak_memory()?;
    running.wait()?.exits(0)?.is("/tasks/0/collections/events", events)?;
    Ok(peak)
}
