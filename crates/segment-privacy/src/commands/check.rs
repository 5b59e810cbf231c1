//! `check`: every credential by itself, the owned database, the record database, the key, where packages go.

use futures_util::future::join_all;
use privacy_engine::{Check, CheckStatus, Sources};
use segment_core::ports::PackageSink;

use crate::{
    compose,
    config::Loaded,
    error::{CliError, Exit, chain},
    output::{
        Output,
        shapes::{CheckShape, ChecksShape, ConnectionChecksShape},
        tables,
    },
};

pub(crate) async fn run(loaded: &Loaded, only: Option<&str>, output: &Output) -> Result<Exit, CliError> {
    let sources = compose::sources(loaded, only)?;
    let connections = join_all(sources.iter().map(connection)).await;
    let local = vec![record_database(loaded).await, packages(loaded).await, execution(loaded), retention()];
    let failed =
        connections.iter().any(|one| one.status == "failed") || local.iter().any(|check| check.status == "failed");
    let shape = ChecksShape { connections, local };
    output.result(&shape, |output| tables::checks(&shape, output))?;
    Ok(if failed { Exit::CheckFailed } else { Exit::Done })
}

async fn connection(sources: &Sources) -> ConnectionChecksShape {
    let checks = privacy_engine::check(sources).await;
    let failed = checks.iter().any(|check| check.status == CheckStatus::Failed);
    ConnectionChecksShape {
        key: sources.key.to_string(),
        kind: sources.kind.as_str().to_owned(),
        status: if failed { "failed" } else { "succeeded" }.to_owned(),
        checks: checks.into_iter().map(CheckShape::from).collect(),
    }
}

fn shape(name: &str, status: CheckStatus, message: impl Into<String>) -> CheckShape {
    Check::new(name, status, message).into()
}

/// The key is tried on the database: a wrong one is told apart from a missing one.
async fn record_database(loaded: &Loaded) -> CheckShape {
    let name = "record database";
    match compose::named_store(loaded).await {
        Ok((store, shown)) => {
            store.close().await;
            shape(name, CheckStatus::Succeeded, format!("{shown} opens with the encryption key"))
        }
        Err(error) => {
            let hint = error.hint.map(|hint| format!(". {hint}")).unwrap_or_default();
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

/// An operator must not believe that something is deleted that is not.
fn retention() -> CheckShape {
    let message = "[retention] is not applied in this version: packages and identities stay until you delete them";
    shape("retention", CheckStatus::Warning, message)
}

fn execution(loaded: &Loaded) -> CheckShape {
    let name = "erasure";
    if loaded.policy.masking_strict {
        let message = "execution.masking_strict = true: an erasure suppresses at Segment, deletes nothing there and masks nothing \
                       here. Set it to false to delete";
        return shape(name, CheckStatus::Warning, message);
    }
    shape(name, CheckStatus::Succeeded, format!("an erasure orders {} at Segment", loaded.policy.regulation))
}
