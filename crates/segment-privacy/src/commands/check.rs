//! `check`: every credential by itself, the owned database, the record database, the key, where packages go.

use std::path::Path;

use futures_util::future::join_all;
use privacy_engine::{Check, CheckStatus, Sources};
use privacy_store::{RecordStore, TestRecord};
use segment_core::{ConnectionKey, ports::PackageSink};

use super::regulations::quotas;
use crate::{
    compose::{self, Databases, World},
    config::{Loaded, ResolvedConnection, load},
    error::{CliError, Exit, chain},
    output::{
        Output,
        shapes::{CheckShape, ChecksShape, ConnectionChecksShape},
        tables,
    },
};

/// The test of the command line: a record database that cannot be opened is told like everything else.
pub(crate) async fn command(path: &Path, only: Option<&str>, output: &Output) -> Result<Exit, CliError> {
    let (loaded, problem) = compose::with_records_if_possible(load(path)?).await;
    run(&loaded, problem, only, output).await
}

/// Tests, shows, and keeps the outcomes in the record database.
pub(crate) async fn run(
    loaded: &Loaded,
    problem: Option<CliError>,
    only: Option<&str>,
    output: &Output,
) -> Result<Exit, CliError> {
    let records = match problem {
        Some(problem) => Err(problem),
        None => compose::named_store(loaded).await,
    };
    let of_dataset = only.is_some_and(|key| compose::is_dataset(loaded, key));
    let sources = if of_dataset { Ok(Vec::new()) } else { compose::each_source(loaded, only) };
    let chosen = match (&records, sources) {
        // What could not be read may hold them.
        (Err(_), Err(error)) if error.code == "no_connection" && only.is_none() => Vec::new(),
        (Err(problem), Err(error)) if error.code == "no_connection" => return Err(problem.clone()),
        (_, chosen) => chosen?,
    };
    let connections = join_all(chosen.into_iter().map(|(one, sources)| connection(one, sources))).await;
    let mut connections: Vec<_> = connections.into_iter().chain(datasets(loaded, only).await).collect();
    if let Ok((store, _)) = &records {
        add_quotas(store, loaded, &mut connections).await?;
    }
    let local = vec![record_database(&records).await, packages(loaded).await, execution(loaded), retention(loaded)];
    let failed =
        connections.iter().any(|one| one.status == "failed") || local.iter().any(|check| check.status == "failed");
    let shape = ChecksShape { connections, local };
    output.result(&shape, |output| tables::checks(&shape, output))?;
    if let Ok((store, _)) = &records
        && let Err(error) = keep(store, &shape.connections).await
    {
        output.say(&format!("warning: the outcome could not be kept: {}", error.message));
    }
    Ok(if failed { Exit::CheckFailed } else { Exit::Done })
}

/// Tests one connection or dataset, and keeps the outcome; `None` if there is none of this key.
pub(crate) async fn one(
    loaded: &Loaded,
    store: &RecordStore,
    key: &str,
) -> Result<Option<ConnectionChecksShape>, CliError> {
    let is_connection = loaded.connections.iter().any(|one| one.config.key == key);
    let mut tested = if is_connection {
        let sources = compose::each_source(loaded, Some(key))?;
        join_all(sources.into_iter().map(|(one, sources)| connection(one, sources))).await
    } else {
        datasets(loaded, Some(key)).await
    };
    add_quotas(store, loaded, &mut tested).await?;
    keep(store, &tested).await?;
    Ok(tested.pop())
}

async fn keep(store: &RecordStore, connections: &[ConnectionChecksShape]) -> Result<(), CliError> {
    let at = World::default().clock.now();
    for one in connections.iter().filter(|one| one.access.is_none()) {
        let checks = serde_json::to_value(&one.checks).unwrap_or_default();
        let connection = ConnectionKey::new(one.key.as_str());
        store.note_test(&TestRecord { connection, at, succeeded: one.status == "succeeded", checks }).await?;
    }
    Ok(())
}

async fn connection(one: &ResolvedConnection, sources: Result<Sources, CliError>) -> ConnectionChecksShape {
    let checks = match sources {
        Ok(sources) => privacy_engine::check(&sources).await,
        Err(error) => {
            let hint = error.hint.map(|hint| format!(". {hint}")).unwrap_or_default();
            vec![Check::new("configuration", CheckStatus::Failed, format!("{}{hint}", error.message))]
        }
    };
    ConnectionChecksShape::new(&one.config.key, one.config.kind.name(), None, checks)
}

/// How far the month's quotas are used, by our own ledger. That somebody waits for another month is a warning.
async fn add_quotas(
    store: &RecordStore,
    loaded: &Loaded,
    connections: &mut [ConnectionChecksShape],
) -> Result<(), CliError> {
    let now = World::default().clock.now();
    for one in connections.iter_mut().filter(|one| one.access.is_none()) {
        let Some(connection) = loaded.connections.iter().find(|connection| connection.config.key == one.key) else {
            continue;
        };
        let quotas = quotas(store, connection, now).await?;
        let used = quotas.iter().map(|quota| {
            let waits = match quota.forecast {
                Some(until) => {
                    format!("; {} wait, the last of them until {}", quota.waiting, until.strftime("%Y-%m-%d"))
                }
                None => String::new(),
            };
            format!("{} {} of {}{waits}", quota.category, quota.used, quota.limit)
        });
        let message = format!("this month: {}", used.collect::<Vec<_>>().join(", "));
        let waits = quotas.iter().any(|quota| quota.forecast.is_some());
        one.checks.push(shape("quota", if waits { CheckStatus::Warning } else { CheckStatus::Succeeded }, message));
    }
    Ok(())
}

/// How rows are found in each owned database, and what is masked there.
async fn datasets(loaded: &Loaded, only: Option<&str>) -> Vec<ConnectionChecksShape> {
    let databases = Databases::new(loaded);
    let Some(owned) = databases.sources(loaded, &World::default().random) else { return Vec::new() };
    let mut all = Vec::new();
    for (key, masks) in owned.datasets.iter().filter(|(key, _)| only.is_none_or(|only| only == key.as_str())) {
        let checks: Vec<_> = match databases.problem(key) {
            Some(error) => vec![Check::new("configuration", CheckStatus::Failed, error.message.clone())],
            None => owned.rows.describe(key).await.into_iter().map(Check::from).collect(),
        };
        let access = if *masks { "write" } else { "read" };
        all.push(ConnectionChecksShape::new(key.as_str(), "dataset", Some(access), checks));
    }
    all
}

fn shape(name: &str, status: CheckStatus, message: impl Into<String>) -> CheckShape {
    Check::new(name, status, message).into()
}

/// The key is tried on the database: a wrong one is told apart from a missing one.
async fn record_database(records: &Result<(RecordStore, String), CliError>) -> CheckShape {
    let name = "record database";
    match records {
        Ok((store, shown)) if matches!(store.is_of_this_key().await, Ok(false)) => shape(
            name,
            CheckStatus::Warning,
            format!("{shown} opens with the previous encryption key: run `segment-privacy key rotate`"),
        ),
        Ok((_, shown)) => shape(name, CheckStatus::Succeeded, format!("{shown} opens with the encryption key")),
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!(". {hint}")).unwrap_or_default();
            shape(name, CheckStatus::Failed, format!("{}{hint}", error.message))
        }
    }
}

async fn packages(loaded: &Loaded) -> CheckShape {
    let name = "packages";
    let sink = match compose::packages(loaded, None) {
        Ok(sink) => sink,
        Err(error) => return shape(name, CheckStatus::Failed, error.message),
    };
    match sink.check().await {
        Ok(seen) => shape(name, CheckStatus::Succeeded, format!("{seen} can be written")),
        Err(error) => shape(
            name,
            CheckStatus::Failed,
            format!("{}. Check [packages] destination and its permissions", chain(&error)),
        ),
    }
}

fn retention(loaded: &Loaded) -> CheckShape {
    let retention = &loaded.file.retention;
    let message = format!(
        "packages are deleted {} days after a request is over and read back for the last time, and what names the person is \
         destroyed after {} days: by a worker, or by `purge`",
        retention.packages_days, retention.identities_days
    );
    shape("retention", CheckStatus::Succeeded, message)
}

fn execution(loaded: &Loaded) -> CheckShape {
    let name = "erasure";
    let masks = loaded.datasets.iter().any(|dataset| dataset.masks);
    let here = if masks { "masks rows here" } else { "masks nothing here" };
    if loaded.policy.masking_strict {
        let message = format!(
            "execution.masking_strict = true: an erasure suppresses at Segment, deletes nothing there and {here}. Set it to \
             false to delete"
        );
        return shape(name, if masks { CheckStatus::Succeeded } else { CheckStatus::Warning }, message);
    }
    let message = format!("an erasure orders {} at Segment and {here}", loaded.policy.regulation);
    shape(name, CheckStatus::Succeeded, message)
}
