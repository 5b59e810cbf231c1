//! The owned databases of a configuration.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use privacy_engine::{Owned, OwnedSources};
use privacy_store::owned::{OwnedDatabases, OwnedDirectory, OwnedOptions, OwnedRows};
use secrecy::{ExposeSecret, SecretString};
use segment_core::{
    ConnectionKey,
    ports::{Random, SubjectDirectory},
};

use crate::{
    config::{Loaded, ResolvedConnection, ResolvedDataset},
    error::{CliError, chain},
};

/// The databases, once for all connections, and which of them cannot be used.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    open: Arc<OwnedDatabases>,
    pub(super) broken: BTreeMap<String, CliError>,
}

impl Databases {
    pub(crate) fn new(loaded: &Loaded) -> Self {
        let mut databases = OwnedDatabases::new(loaded.masking.clone());
        let mut broken = BTreeMap::new();
        for dataset in &loaded.datasets {
            if let Err(error) = connect(&mut databases, dataset, &loaded.base) {
                broken.insert(dataset.config.key.clone(), error);
            }
        }
        for connection in &loaded.connections {
            if let Some((_, field)) = &connection.user_id {
                databases.keep_user_ids(ConnectionKey::new(connection.config.key.as_str()), field.clone());
            }
        }
        Self { open: Arc::new(databases), broken }
    }

    /// Where the user ids of a connection are looked up, if it says so.
    pub(super) fn directory(
        &self,
        connection: &ResolvedConnection,
    ) -> Result<Option<Arc<dyn SubjectDirectory>>, CliError> {
        let Some((key, field)) = &connection.user_id else { return Ok(None) };
        match self.broken.get(key) {
            Some(error) => Err(error.clone()),
            None => Ok(Some(Arc::new(OwnedDirectory::new(self.open.clone(), field.clone())))),
        }
    }

    /// Why a database cannot be used.
    pub(crate) fn problem(&self, dataset: &ConnectionKey) -> Option<&CliError> {
        self.broken.get(dataset.as_str())
    }

    /// The rows in them, with whether they are masked; `None` without any database.
    pub(crate) fn sources(&self, loaded: &Loaded, random: &Arc<dyn Random>) -> Option<OwnedSources> {
        self.rows(loaded, random).map(|(sources, _)| sources)
    }

    /// The same, to be masked.
    pub(super) fn owned(&self, loaded: &Loaded, random: &Arc<dyn Random>) -> Option<Owned> {
        self.rows(loaded, random).map(|(sources, rows)| Owned::new(sources, rows))
    }

    fn rows(&self, loaded: &Loaded, random: &Arc<dyn Random>) -> Option<(OwnedSources, Arc<OwnedRows>)> {
        if loaded.datasets.is_empty() {
            return None;
        }
        let key = |dataset: &ResolvedDataset| ConnectionKey::new(dataset.config.key.as_str());
        let datasets = loaded.datasets.iter().map(|dataset| (key(dataset), dataset.masks)).collect();
        let rows = Arc::new(OwnedRows::new(self.open.clone(), random.clone()));
        Some((OwnedSources { datasets, tables: self.open.labels(), rows: rows.clone() }, rows))
    }
}

fn connect(databases: &mut OwnedDatabases, dataset: &ResolvedDataset, base: &Path) -> Result<(), CliError> {
    let key = &dataset.config.key;
    let url = dataset.config.url.read(&format!("url of dataset {key}"), base)?;
    let url = relative_sqlite(&url, base);
    databases
        .connect(&url, key, dataset.datasets.clone(), dataset.masks, OwnedOptions::default())
        .map_err(|error| CliError::usage("config_invalid", chain(&error)))
}

/// Relative SQLite files are relative to the configuration file.
fn relative_sqlite(url: &SecretString, base: &Path) -> SecretString {
    match url.expose_secret().strip_prefix("sqlite://") {
        Some(path) => SecretString::from(format!("sqlite://{}", base.join(path).display())),
        None => url.clone(),
    }
}
