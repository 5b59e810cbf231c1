//! The record database: where it is, and the connections that are managed in it.

use std::{path::PathBuf, sync::Arc};

use privacy_store::{MasterKey, RecordOptions, RecordStore};
use secrecy::{ExposeSecret, SecretString};
use segment_http::OsRandom;

use crate::{
    config::{Loaded, Secret, default_key, shown_url},
    error::CliError,
};

/// The two kinds of record databases.
enum Url {
    Sqlite(PathBuf),
    Postgres(SecretString),
}

/// Where it is, and how it is called where nobody may read its password.
fn url(loaded: &Loaded) -> Result<(Url, String), CliError> {
    let url = loaded.file.database.url.read("url of [database]", &loaded.base)?;
    let name = shown_url(url.expose_secret());
    let url = match url.expose_secret().split_once("://") {
        Some(("sqlite", "")) => {
            return Err(
                CliError::usage("config_invalid", "database.url names no file").hint("sqlite://segment-privacy.db")
            );
        }
        Some(("sqlite", path)) => Url::Sqlite(loaded.base.join(path)),
        Some(("postgres" | "postgresql", _)) => Url::Postgres(url),
        _ => return Err(CliError::usage("config_invalid", "database.url must begin with sqlite:// or postgres://")),
    };
    Ok((url, name))
}

fn options(loaded: &Loaded) -> RecordOptions {
    // A step needs one connection, and half of the work waits for Segment. One more listens for hints.
    let connections = u32::try_from(loaded.policy.concurrency / 2).unwrap_or(u32::MAX).clamp(2, 16);
    RecordOptions::default().connections(connections + 1)
}

/// The master key.
fn master_key(loaded: &Loaded) -> Result<MasterKey, CliError> {
    let encryption = &loaded.file.encryption;
    let read = |secret: &Secret, what| {
        let text = secret.read(what, &loaded.base)?;
        MasterKey::from_base64(text.expose_secret()).map_err(|error| {
            CliError::usage("key_malformed", format!("{what}: {error}")).hint(
                "`segment-privacy key new FILE` makes one; the key of a database in use is changed by `key rotate` only",
            )
        })
    };
    let key = read(&encryption.key.clone().unwrap_or_else(default_key), "encryption key")?;
    match &encryption.previous_key {
        Some(previous) => Ok(key.replacing(read(previous, "previous encryption key")?)),
        None => Ok(key),
    }
}

/// The record database, where there is one yet.
pub(crate) async fn existing_store(loaded: &Loaded) -> Result<Option<RecordStore>, CliError> {
    let (url, _) = url(loaded)?;
    let random = Arc::new(OsRandom);
    Ok(match url {
        Url::Sqlite(path) if !path.exists() => None,
        Url::Sqlite(path) => RecordStore::open_if_made(&path, master_key(loaded)?, random).await?,
        Url::Postgres(url) => RecordStore::connect_if_made(&url, master_key(loaded)?, random, &options(loaded)).await?,
    })
}

/// The configuration with the connections of the record database, where there is one yet. Nothing is made.
pub(crate) async fn with_records(loaded: Loaded) -> Result<Loaded, CliError> {
    let store = existing_store(&loaded).await?;
    with(loaded, store).await
}

async fn with(loaded: Loaded, store: Option<RecordStore>) -> Result<Loaded, CliError> {
    let Some(store) = store else { return Ok(loaded) };
    let stored = store.connections().await?;
    Ok(Loaded { store: Some(store), ..loaded.with_stored(&stored)? })
}

/// The same, but with the connections of the file alone where those of the record database do not fit; then with the reason.
pub(crate) async fn with_records_if_possible(loaded: Loaded) -> (Loaded, Option<CliError>) {
    match with_records(loaded.clone()).await {
        Ok(loaded) => (loaded, None),
        Err(error) => (loaded, Some(error)),
    }
}

/// The same for a dry run: the record database is only read, and closed to writing.
pub(crate) async fn to_read(loaded: Loaded) -> Result<Loaded, CliError> {
    let (url, _) = url(&loaded)?;
    let random = Arc::new(OsRandom);
    let mut refused = None;
    let key = || {
        master_key(&loaded).map_err(|error| {
            let message = error.message.clone();
            refused = Some(error);
            message.into()
        })
    };
    let found = match url {
        Url::Sqlite(path) => RecordStore::open_to_read(&path, key, random).await,
        Url::Postgres(url) => RecordStore::connect_to_read(&url, key, random, &options(&loaded)).await,
    };
    match (found, refused) {
        (Err(_), Some(error)) => Err(error),
        (found, _) => with(loaded, found?).await,
    }
}

/// The record database, and how it is called. It is made if it is missing.
pub(crate) async fn named_store(loaded: &Loaded) -> Result<(RecordStore, String), CliError> {
    let (url, name) = url(loaded)?;
    if let Some(store) = &loaded.store {
        return Ok((store.clone(), name));
    }
    let (key, random) = (master_key(loaded)?, Arc::new(OsRandom));
    let store = match url {
        Url::Sqlite(path) => RecordStore::open(&path, key, random).await?,
        Url::Postgres(url) => RecordStore::connect(&url, key, random, &options(loaded)).await?,
    };
    Ok((store, name))
}

/// The record database. It is made if it is missing.
pub(crate) async fn store(loaded: &Loaded) -> Result<RecordStore, CliError> {
    named_store(loaded).await.map(|(store, _)| store)
}
