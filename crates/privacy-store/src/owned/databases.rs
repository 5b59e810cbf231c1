//! The owned databases of a configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use privacy_dataset::{Dataset, FieldRef, MaskingPolicy};
use secrecy::{ExposeSecret, SecretString};
use segment_core::ConnectionKey;

use super::{
    OwnedError, OwnedOptions, database::Database, lookup::Live, mysql::MySql, postgres::Postgres, sqlite::Sqlite,
};

/// The owned databases, with the datasets that describe their tables. References may lead from one to another.
#[derive(Default)]
pub struct OwnedDatabases {
    databases: Vec<OwnedDatabase>,
    /// Of all databases.
    pub(super) datasets: Vec<Dataset>,
    /// Where the Segment user ids of each connection stand.
    pub(super) targets: BTreeMap<ConnectionKey, FieldRef>,
    pub(super) policy: MaskingPolicy,
}

/// One database.
pub(super) struct OwnedDatabase {
    /// The key in the configuration.
    pub(super) key: ConnectionKey,
    pub(super) live: Live,
    pub(super) options: OwnedOptions,
    /// Whether erasures mask rows in it.
    pub(super) masks: bool,
    /// The keys of its datasets.
    datasets: Vec<String>,
}

impl OwnedDatabases {
    /// No database yet. `policy` says how fields are masked.
    #[must_use]
    pub fn new(policy: MaskingPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Adds the database at `url` (`sqlite://path`, `postgres://…`, or `mysql://…` for MySQL and MariaDB), whose tables
    /// `datasets` describe. No connection is opened yet. Relative paths are relative to the working directory. `key` names it in
    /// the configuration; with `masks`, erasures mask rows in it.
    ///
    /// # Errors
    ///
    /// [`OwnedError`], which never repeats the URL. Then nothing was added.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect(
        &mut self,
        url: &SecretString,
        key: &str,
        datasets: Vec<Dataset>,
        masks: bool,
        options: OwnedOptions,
    ) -> Result<(), OwnedError> {
        let database = open(url, key, &options)?;
        let names = datasets.iter().map(|dataset| dataset.fides_key.clone()).collect();
        let key = ConnectionKey::new(key);
        self.databases.push(OwnedDatabase { key, live: Live::new(database), options, masks, datasets: names });
        self.datasets.extend(datasets);
        Ok(())
    }

    /// Says in which field the Segment user ids of a connection stand. A field may be named by the database's key, where that has
    /// one dataset.
    pub fn keep_user_ids(&mut self, connection: ConnectionKey, field: FieldRef) {
        let field = self.named(field);
        self.targets.insert(connection, field);
    }

    /// What the datasets are called in a package.
    #[must_use]
    pub fn labels(&self) -> BTreeSet<String> {
        self.datasets.iter().map(|dataset| self.label(&dataset.fides_key).to_owned()).collect()
    }

    /// A field by its dataset's own key.
    pub(super) fn named(&self, field: FieldRef) -> FieldRef {
        let known = self.datasets.iter().any(|dataset| dataset.fides_key == field.dataset());
        let of = self.databases.iter().find(|database| database.key.as_str() == field.dataset());
        match of.map(|database| database.datasets.as_slice()) {
            Some([only]) if !known => field.in_dataset(only),
            _ => field,
        }
    }

    /// The database that has a dataset.
    pub(super) fn of_dataset(&self, dataset: &str) -> Option<&OwnedDatabase> {
        self.databases.iter().find(|database| database.datasets.iter().any(|name| name == dataset))
    }

    pub(super) fn by_key(&self, key: &ConnectionKey) -> Option<&OwnedDatabase> {
        self.databases.iter().find(|database| database.key == *key)
    }

    pub(super) fn all(&self) -> &[OwnedDatabase] {
        &self.databases
    }

    pub(super) fn dataset(&self, key: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.fides_key == key)
    }

    /// How people see a dataset: by the database's key, where it has one dataset.
    pub(super) fn label<'a>(&'a self, dataset: &'a str) -> &'a str {
        match self.of_dataset(dataset) {
            Some(database) if database.datasets.len() == 1 => database.key.as_str(),
            _ => dataset,
        }
    }

    /// Tables can have changed: look again.
    pub(super) fn forget(&self) {
        self.databases.iter().for_each(|database| database.live.forget());
    }
}

fn open(url: &SecretString, key: &str, options: &OwnedOptions) -> Result<Box<dyn Database>, OwnedError> {
    // Exposed to be parsed; errors hold none of it.
    let text = url.expose_secret();
    let opened: Result<Box<dyn Database>, _> = if text.starts_with("sqlite:") {
        Sqlite::open(text, options).map(|sqlite| Box::new(sqlite) as _)
    } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        Postgres::open(text, options).map(|postgres| Box::new(postgres) as _)
    } else if text.starts_with("mysql://") || text.starts_with("mariadb://") {
        MySql::open(text, options).map(|mysql| Box::new(mysql) as _)
    } else {
        return Err(OwnedError::UnsupportedScheme { dataset: key.to_owned() });
    };
    opened.map_err(|problem| OwnedError::Url { dataset: key.to_owned(), problem })
}

/// Without the databases, whose URLs can hold passwords.
impl fmt::Debug for OwnedDatabases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.databases.iter().map(|database| database.key.as_str()).collect();
        f.debug_struct("OwnedDatabases").field("keys", &keys).finish_non_exhaustive()
    }
}
