//! `connections …`: those of the record database are managed here, those of the configuration file are shown.

mod fields;
pub(crate) mod managed;
mod secrets;

use jiff::Timestamp;
use privacy_store::{RecordStore, Removal, StoredConnection, TestRecord};
use secrecy::ExposeSecret;
use segment_core::{AuditEntry, ConnectionKey};
use serde_json::json;

use super::ask;
use crate::{
    cli::{ConnectionFields, Connections},
    compose::{self, World},
    config::{ConnectionConfig, Kind, Loaded, operator, stored},
    error::{CliError, Exit},
    output::{
        Output,
        shapes::{ConnectionShape, ConnectionsShape, LastTestShape, RemovedShape},
        tables,
    },
};

/// Where a connection comes from, in what is printed.
const FILE: &str = "file";
const DATABASE: &str = "database";

/// The connections of the file, and the record database with its own. A connection that does not fit beside the others must
/// be seen and changed all the same.
struct Known<'a> {
    loaded: &'a Loaded,
    store: RecordStore,
    stored: Vec<StoredConnection>,
    /// Whom the journal names.
    by: String,
}

pub(crate) async fn run(loaded: &Loaded, args: Connections, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let known = Known::of(loaded, &store, &operator()).await?;
    match args {
        Connections::Add { key, kind, fields } => known.add(&key, kind.as_deref(), *fields, output).await,
        Connections::List => known.list(output).await,
        Connections::Show { key } => known.show(&key, output).await,
        Connections::Edit { key, fields, unset } => {
            // What is given wins over what is put back.
            let change = |config: &mut ConnectionConfig| {
                fields::unset(config, &unset)?;
                fields::apply(config, *fields)
            };
            known.change(&key, "edited", change, output).await
        }
        Connections::Enable { key } => known.enable(&key, true, output).await,
        Connections::Disable { key } => known.enable(&key, false, output).await,
        Connections::Remove { key, yes, force } => known.remove(&key, yes, force, output).await,
        Connections::Test { .. } => Err(CliError::usage("not_here", "a test is `check --connection KEY`")),
    }
}

/// Every connection, without its fields.
pub(crate) async fn all(loaded: &Loaded, store: &RecordStore) -> Result<Vec<ConnectionShape>, CliError> {
    let known = Known::of(loaded, store, "").await?;
    let mut tell = |error: CliError| tracing::warn!("{}", error.message);
    known.shapes(&mut tell).await
}

impl<'a> Known<'a> {
    async fn of(loaded: &'a Loaded, store: &RecordStore, by: &str) -> Result<Self, CliError> {
        Ok(Self { loaded, store: store.clone(), stored: store.connections().await?, by: by.to_owned() })
    }

    fn in_file(&self, key: &str) -> Option<&ConnectionConfig> {
        self.loaded.file.connections.iter().find(|config| config.key == key)
    }

    fn missing(&self, key: &str) -> CliError {
        let file = self.loaded.file.connections.iter().map(|config| config.key.as_str());
        let known: Vec<_> = file.chain(self.stored.iter().map(|one| one.key.as_str())).collect();
        let hint =
            if known.is_empty() { "there are none".to_owned() } else { format!("there are: {}", known.join(", ")) };
        CliError::usage("no_connection", format!("there is no connection {key}")).hint(hint)
    }

    /// The one to be changed, which must be of the record database alone: a change of one that the file has, too, would have
    /// no effect.
    fn of_database(&self, key: &str) -> Result<&StoredConnection, CliError> {
        if self.in_file(key).is_some() {
            return Err(in_file(key));
        }
        self.stored.iter().find(|one| one.key.as_str() == key).ok_or_else(|| self.missing(key))
    }

    /// There is none of this key yet.
    fn is_new(&self, key: &str) -> Result<(), CliError> {
        if self.in_file(key).is_some() {
            return Err(in_file(key));
        }
        if self.stored.iter().any(|one| one.key.as_str() == key) { Err(exists(key)) } else { Ok(()) }
    }

    async fn add(
        &self,
        key: &str,
        kind: Option<&str>,
        fields: ConnectionFields,
        output: &Output,
    ) -> Result<Exit, CliError> {
        self.is_new(key)?;
        let kind = match kind {
            Some("segment") => Kind::Segment,
            Some(_) => Kind::SegmentUnify,
            None => fields::ask_kind()?,
        };
        let mut config = fields::new(key, kind);
        fields::apply(&mut config, fields)?;
        fields::ask_missing(&mut config)?;
        self.put(&config, "added").await?;
        output.say(&format!("added; test it: segment-privacy connections test {key}"));
        self.print(&config, DATABASE, output).await
    }

    async fn enable(&self, key: &str, enabled: bool, output: &Output) -> Result<Exit, CliError> {
        let change = |config: &mut ConnectionConfig| {
            config.enabled = enabled;
            Ok(())
        };
        let exit = self.change(key, if enabled { "enabled" } else { "disabled" }, change, output).await?;
        if !enabled {
            output.say(
                "it takes no new requests and sends no regulations; what was recorded is looked up, and what Segment has \
                 accepted is followed",
            );
        }
        Ok(exit)
    }

    async fn change(
        &self,
        key: &str,
        step: &str,
        change: impl FnOnce(&mut ConnectionConfig) -> Result<(), CliError>,
        output: &Output,
    ) -> Result<Exit, CliError> {
        let mut config = stored::read(self.of_database(key)?)?;
        let before = stored::write(&config)?;
        change(&mut config)?;
        if before.expose_secret() == stored::write(&config)?.expose_secret() {
            output.say("nothing is different; nothing was changed");
        } else {
            self.put(&config, step).await?;
        }
        self.print(&config, DATABASE, output).await
    }

    /// Stores a connection, if it fits beside all others: also those that somebody else adds or changes at this moment.
    async fn put(&self, config: &ConnectionConfig, step: &str) -> Result<(), CliError> {
        let (key, settings) = (ConnectionKey::new(config.key.as_str()), stored::write(config)?);
        let version = |all: &[StoredConnection]| all.iter().find(|one| one.key == key).map(|one| one.version);
        let mut seen = self.stored.clone();
        loop {
            self.check(config, &seen)?;
            if self.store.put_connection(&key, &settings, &seen, &self.told(step)).await? {
                return Ok(());
            }
            let before = version(&seen);
            seen = self.store.connections().await?;
            if before.is_none() && version(&seen).is_some() {
                return Err(exists(key.as_str()));
            }
            if before != version(&seen) {
                return Err(CliError::usage(
                    "connection_changed",
                    format!("somebody else has changed or removed the connection {key} meanwhile; nothing was changed"),
                )
                .hint("look at it with `connections show`, then run the command again"));
            }
        }
    }

    /// That this was done now, and by whom.
    fn told(&self, step: &str) -> AuditEntry {
        AuditEntry::new(now(), step, json!({"by": self.by}))
    }

    /// Whether it would be taken beside all others. A disabled one must fit, too: enabling it is one step.
    fn check(&self, config: &ConnectionConfig, seen: &[StoredConnection]) -> Result<(), CliError> {
        let others: Vec<_> = seen.iter().filter(|one| one.key.as_str() != config.key).cloned().collect();
        self.loaded.clone().with_stored(&others)?.accepts(config)
    }

    async fn remove(&self, key: &str, yes: bool, force: bool, output: &Output) -> Result<Exit, CliError> {
        let stored = self.stored.iter().find(|one| one.key.as_str() == key);
        let stored =
            stored.ok_or_else(|| if self.in_file(key).is_some() { in_file(key) } else { self.missing(key) })?;
        // What the file has, too, goes on there.
        let shadowed = self.in_file(key).is_some();
        let question = format!("The connection {key} and its secrets will be removed from the record database.");
        ask::confirm(&question, yes, output)?;
        match self.store.remove_connection(&stored.key, force || shadowed, &self.told("removed")).await? {
            Removal::Removed => {
                output.result(&RemovedShape { removed: key.to_owned() }, |_| format!("removed {key}"))?;
                Ok(Exit::Done)
            }
            Removal::InUse(people) => Err(CliError::usage(
                "connection_in_use",
                format!("nothing was removed; requests with something open at {key}: {people}"),
            )
            .hint(
                "`connections disable` lets them come to their end; --force removes it, and a worker then hands each to a \
                 human",
            )),
            _ => Err(self.missing(key)),
        }
    }

    async fn list(&self, output: &Output) -> Result<Exit, CliError> {
        let mut tell = |error: CliError| output.say(&format!("warning: {}", error.message));
        let all = ConnectionsShape { connections: self.shapes(&mut tell).await? };
        output.result(&all, |output| tables::connections(&all, output))?;
        self.warn(output);
        Ok(Exit::Done)
    }

    /// All of them, without their fields; `tell` is told of those that cannot be read.
    async fn shapes(&self, tell: &mut (dyn FnMut(CliError) + Send)) -> Result<Vec<ConnectionShape>, CliError> {
        let tests = self.store.tests().await?;
        let mut all: Vec<_> = self.loaded.file.connections.iter().map(|config| shape(config, FILE, &tests)).collect();
        for one in self.stored.iter().filter(|one| self.in_file(one.key.as_str()).is_none()) {
            all.push(match stored::read(one) {
                Ok(config) => shape(&config, DATABASE, &tests),
                Err(error) => {
                    tell(error);
                    unreadable(one.key.as_str())
                }
            });
        }
        Ok(all)
    }

    /// What is in both, or does not fit together, is told.
    fn warn(&self, output: &Output) {
        for one in self.stored.iter().filter(|one| self.in_file(one.key.as_str()).is_some()) {
            output.say(&format!("warning: {} is in the record database, too; the configuration file wins", one.key));
        }
        if let Err(error) = self.loaded.clone().with_stored(&self.stored) {
            output.say(&format!("warning: no command can work as it is: {}", error.message));
        }
    }

    async fn show(&self, key: &str, output: &Output) -> Result<Exit, CliError> {
        match self.in_file(key) {
            Some(config) => self.print(config, FILE, output).await,
            None => self.print(&stored::read(self.of_database(key)?)?, DATABASE, output).await,
        }
    }

    async fn print(&self, config: &ConnectionConfig, from: &str, output: &Output) -> Result<Exit, CliError> {
        let tests = self.store.tests().await?;
        let mut shape = shape(config, from, &tests);
        shape.fields = fields::shown(config);
        output.result(&shape, |output| tables::connection(&shape, output))?;
        Ok(Exit::Done)
    }
}

fn shape(config: &ConnectionConfig, from: &str, tests: &[TestRecord]) -> ConnectionShape {
    let test = tests.iter().find(|test| test.connection.as_str() == config.key);
    ConnectionShape {
        key: config.key.clone(),
        kind: config.kind.name().to_owned(),
        from: from.to_owned(),
        enabled: config.enabled,
        workspace: config.workspace.clone(),
        source: config.scope.as_ref().map(|scope| scope.source.clone()),
        last_test: test.map(last_test),
        fields: Vec::new(),
    }
}

fn last_test(test: &TestRecord) -> LastTestShape {
    let status = if test.succeeded { "succeeded" } else { "failed" };
    LastTestShape { at: test.at, status: status.to_owned(), checks: test.checks.clone() }
}

/// A connection of which no more is known than that it is there.
fn unreadable(key: &str) -> ConnectionShape {
    ConnectionShape {
        key: key.to_owned(),
        kind: "unreadable".to_owned(),
        from: DATABASE.to_owned(),
        enabled: false,
        workspace: None,
        source: None,
        last_test: None,
        fields: Vec::new(),
    }
}

fn now() -> Timestamp {
    World::default().clock.now()
}

fn in_file(key: &str) -> CliError {
    CliError::usage("connection_in_file", format!("the connection {key} is in the configuration file, which wins"))
        .hint("change it there; the record database holds the others")
}

fn exists(key: &str) -> CliError {
    CliError::usage("connection_exists", format!("there is a connection {key} already; nothing was changed"))
        .hint("`connections edit` changes it")
}
