//! `key …`: the encryption key of the record database.

use std::path::Path;

use privacy_store::MasterKey;
use segment_http::OsRandom;
use serde_json::json;

use super::init::private_file;
use crate::{
    compose,
    config::Loaded,
    error::{CliError, Exit},
    output::Output,
};

pub(crate) fn new(file: &Path, output: &Output) -> Result<Exit, CliError> {
    private_file(file, &MasterKey::generate_base64(&OsRandom))?;
    let shown = file.display().to_string();
    output.result(&json!({"key": shown}), |_| format!("wrote {shown} (mode 0600)"))?;
    output.say(
        "to replace the key in use: let [encryption] previous_key be that one and key the new one, wherever the database is \
         used; then run `segment-privacy key rotate`, and take previous_key out",
    );
    Ok(Exit::Done)
}

pub(crate) async fn rotate(loaded: &Loaded, output: &Output) -> Result<Exit, CliError> {
    if loaded.file.encryption.previous_key.is_none() {
        return Err(CliError::usage("no_previous_key", "there is no [encryption] previous_key to replace")
            .hint("`segment-privacy key new FILE` makes a key and says how it is put in place"));
    }
    let store = compose::store(loaded).await?;
    let rewrapped = store.rotate().await?;
    output.result(&json!({"rewrapped": rewrapped}), |_| format!("{rewrapped} keys are wrapped with the new key"))?;
    output.say(
        "take previous_key out of the configuration wherever the database is used; the old key opens backups only",
    );
    Ok(Exit::Done)
}
