//! `bench instructions`: how many instructions the hot paths take, counted by callgrind: the same on every run, however busy the
//! machine is, so that a regression shows where times do not.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, Result, bail, ensure};
use privacy_package::{StoreOptions, ZipSink};
use segment_core::{
    Action, Identity, IdentityKind, IdentitySet, NewPackage, Pii, RequestId, StagingKey,
    ports::{Clock as _, PackageSink as _},
};
use segment_http::{OsRandom, SystemClock};
use serde_json::{Value, json};

use super::package::event;
use crate::report;

/// Each is run so many times, and not at all: the difference is theirs alone.
const TIMES: u32 = 20;
/// How much more is still the same: a hash map's seed, an allocator's mood.
const SAME: f64 = 0.05;
/// What was counted when it was last looked at.
const KNOWN: &str = "crates/harness/instructions.json";

/// The hot paths, by name.
const PATHS: [(&str, &str); 3] = [
    ("page", "a page of 100 events read from JSON and written back"),
    ("package", "100 events encrypted, looked through and packed"),
    ("identities", "100 identities read and compared"),
];

/// Counts them, and compares with what is known; `keep` writes what was counted as known.
///
/// # Errors
///
/// There is no valgrind, or a path takes more than is known of it.
pub fn bench_instructions(keep: bool) -> Result<()> {
    let known: BTreeMap<String, u64> = match fs::read(KNOWN) {
        Ok(text) => serde_json::from_slice(&text).context("instructions.json is not understood")?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && keep => BTreeMap::new(),
        Err(error) => {
            return Err(error)
                .context(format!("{KNOWN} cannot be read; run it at the project's root, at first with --keep"));
        }
    };
    let (mut rows, mut counted, mut worse) = (Vec::new(), BTreeMap::new(), Vec::new());
    for (name, about) in PATHS {
        let count = (count(name, TIMES)?.saturating_sub(count(name, 0)?)) / u64::from(TIMES);
        let before = known.get(name).copied();
        #[expect(clippy::cast_precision_loss, reason = "a ratio")]
        let change = before.map(|before| count as f64 / before as f64 - 1.0);
        if change.is_some_and(|change| change > SAME) {
            worse.push(name);
        }
        rows.push(vec![
            about.to_owned(),
            count.to_string(),
            before.map(|before| before.to_string()).unwrap_or_default(),
            change.map(|change| format!("{:+.1} %", change * 100.0)).unwrap_or_default(),
        ]);
        counted.insert(name.to_owned(), count);
    }
    report::figures("instructions", &["instructions of", "counted", "known", "change"], &rows);
    if keep {
        fs::write(KNOWN, format!("{}\n", serde_json::to_string_pretty(&counted)?))?;
        return Ok(());
    }
    ensure!(
        worse.is_empty(),
        "more instructions than known: {}; if that is meant, `cargo xtask bench instructions --keep`",
        worse.join(", ")
    );
    Ok(())
}

/// All instructions of this program where it runs a path so many times.
fn count(name: &str, times: u32) -> Result<u64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["hot", name, &times.to_string()])
        .stdout(Stdio::null())
        .output()
        .context("valgrind is not installed (apt-get install valgrind)")?;
    let told = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "{name} fails: {told}");
    let line = told.lines().find_map(|line| line.split("Collected :").nth(1)).context("valgrind counts nothing")?;
    Ok(line.trim().parse()?)
}

/// Runs a path so many times.
///
/// # Errors
///
/// There is no such path, or it fails.
pub fn hot(name: &str, times: u32) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let events: Vec<Value> = (0..100).map(event).collect();
    let body = serde_json::to_vec(&json!({"data": events, "cursor": {"has_more": false, "next": "", "url": ""}}))?;
    let folder = tempfile::tempdir()?;
    for round in 0..times {
        match name {
            "page" => {
                let page: Value = serde_json::from_slice(&body)?;
                ensure!(page.to_string().len() == body.len(), "it is not the same");
            }
            "package" => runtime.block_on(package(folder.path(), round, &events))?,
            "identities" => {
                let all = (0..100).map(|n| Identity::new(IdentityKind::Email, &format!("Person.{n}@Example.test")));
                let all = IdentitySet::new(all.collect::<Result<Vec<_>, _>>()?)?;
                ensure!(!all.comparison_key().expose().is_empty(), "they are nobody");
            }
            _ => bail!("there is no hot path {name}"),
        }
    }
    Ok(())
}

async fn package(folder: &Path, round: u32, events: &[Value]) -> Result<()> {
    let sink = ZipSink::new("packages", folder, &StoreOptions::default(), Arc::new(OsRandom))?;
    let now = SystemClock::new().now();
    let package = NewPackage {
        request: RequestId::new(format!("pri_hot{round}")),
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, "u-hot")?])?,
        received_at: now,
        created_at: now,
        staging_key: StagingKey::new([7; 32]),
        recipient: None,
        tables: std::collections::BTreeSet::new(),
    };
    let writer = sink.begin(package).await?;
    writer.append("hot", "events", events.iter().cloned().map(Pii::new).collect()).await?;
    writer.finish().await?;
    Ok(())
}
