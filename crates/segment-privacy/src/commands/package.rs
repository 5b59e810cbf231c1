//! `package …`: what a person receives.

use std::{fs::File, io::BufReader, path::Path, time::Duration};

use privacy_package::verify_package;
use segment_core::{AuditEntry, RequestId, ports::RequestStore};
use serde_json::json;

use crate::{
    compose::{self, World, no_such_request},
    config::{Loaded, operator},
    error::{CliError, Exit, chain},
    output::Output,
};

pub(crate) async fn verify(path: &Path, output: &Output) -> Result<Exit, CliError> {
    let file = File::open(path)
        .map_err(|error| CliError::usage("cannot_read", format!("{} cannot be read: {error}", path.display())))?;
    let checked = tokio::task::spawn_blocking(move || verify_package(BufReader::new(file))).await;
    let checked = checked.map_err(|_| CliError::new(Exit::Unexpected, "unexpected", "the check stopped"))?;
    let checked = checked.map_err(|error| CliError::new(Exit::CheckFailed, "package_invalid", chain(&error)))?;
    let shape = json!({
        "request_id": checked.request_id, "files": checked.files, "bytes": checked.bytes,
        "incomplete": checked.incomplete, "limits": checked.limits,
    });
    output.result(&shape, |_| {
        let whole = format!(
            "{} agrees with its manifest: {} files of request {}, {} bytes",
            path.display(),
            checked.files,
            checked.request_id,
            checked.bytes
        );
        let holes = checked.incomplete.iter().map(|(file, why)| format!("\nnot complete: {file}: {why}"));
        holes.fold(whole, |text, hole| text + &hole)
    })?;
    Ok(Exit::Done)
}

/// A week: the longest that S3 signs for.
const LONGEST: Duration = Duration::from_hours(7 * 24);

pub(crate) async fn link(loaded: &Loaded, id: &str, valid: Duration, output: &Output) -> Result<Exit, CliError> {
    if valid.is_zero() || valid > LONGEST {
        return Err(CliError::usage("invalid_time", "--for must be between 1s and 7d"));
    }
    let store = compose::store(loaded).await?;
    let id = RequestId::new(id);
    let request = store.request(&id).await?.ok_or_else(|| no_such_request(id.as_str()))?;
    let log = store.log(&id).await?;
    let kept = request.package.filter(|_| AuditEntry::package_is_kept(&log) == Some(true));
    let package = kept.ok_or_else(|| {
        CliError::usage("no_package", format!("{id} has no package"))
            .hint("only an access that found something has one, until its retention is over")
    })?;
    let link = compose::packages(loaded, None)?.link(&package.location, valid).await;
    let link = link.map_err(|error| CliError::usage("no_link", chain(&error)))?;
    let now = World::default().clock.now();
    let facts = json!({"by": operator(), "seconds": valid.as_secs()});
    store.note(&id, &AuditEntry::new(now, "linked_package", facts)).await?;
    output.result(&json!({"id": id.as_str(), "link": link, "seconds": valid.as_secs()}), |_| link.clone())?;
    Ok(Exit::Done)
}
