//! `package …`: what a person receives.

use std::{fs::File, io::BufReader, path::Path};

use privacy_package::verify_package;
use serde_json::json;

use crate::{
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
            "{} is as it was written: {} files of request {}, {} bytes",
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
