//! `connections …`: those of the record database are managed here, those of the configuration file are shown.

mod fields;
mod secrets;

use privacy_store::{RecordStore, Removal, StoredConnection, TestRecord};
use segment_core::ConnectionKey;

use super::ask;
use crate::{
    cli::{ConnectionFields, Connections},
    compose::{self, World},
    config::{ConnectionConfig, Kind, Loaded, stored},
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
}

pub(crate) async fn run(loaded: &Loaded, args: Connections, output: &Output) -> Result<Exit, CliError> {
    let store = compose::store(loaded).await?;
    let stored = store.connections().await?;
    let known = Known { loaded, store, stored };
    match args {
        Connections::Add { key, kind, fields } => known.add(&key, kind.as_deref(), *fields, output).await,
        Connections::List => known.list(output).await,
        Connections::Show { key } => known.show(&key, output).await,
        Connections::Edit { key, fields, unset } => {
            let change = |config: &mut ConnectionConfig| {
                fields::apply(config, *fields)?;
                fields::unset(config, &unset)
            };
            known.change(&key, change, output).await
        }
        Connections::Enable { key } => known.enable(&key, true, output).await,
        Connections::Disable { key } => known.enable(&key, false, output).await,
        Connections::Remove { key, yes, force } => known.remove(&key, yes, force, output).await,
        Connections::Test { .. } => Err(CliError::usage("not_here", "a test is `check --connection KEY`")),
    }
}

impl Known<'_> {
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

    /// The one to be changed, which must be of the record database.
    fn of_database(&self, key: &str) -> Result<&StoredConnection, CliError> {
        if let Some(stored) = self.stored.iter().find(|one| one.key.as_str() == key) {
            return Ok(stored);
        }
        Err(match self.in_file(key) {
            Some(_) => in_file(key),
            None => self.missing(key),
        })
    }

    async fn add(
        &self,
        key: &str,
        kind: Option<&str>,
        fields: ConnectionFields,
        output: &Output,
    ) -> Result<Exit, CliError> {
        if self.in_file(key).is_some() {
            return Err(in_file(key));
        }
        if self.stored.iter().any(|one| one.key.as_str() == key) {
            return Err(exists(key));
        }
        let kind = match kind {
            Some("segment") => Kind::Segment,
            Some(_) => Kind::SegmentUnify,
            None => fields::ask_kind()?,
        };
        let mut config = fields::new(key, kind);
        fields::apply(&mut config, fields)?;
        fields::ask_missing(&mut config)?;
        self.check(&config)?;
        let now = World::default().clock.now();
        if !self.store.add_connection(&ConnectionKey::new(key), &stored::write(&config)?, now).await? {
            return Err(exists(key));
        }
        output.say(&format!("added; test it: segment-privacy connections test {key}"));
        self.print(&config, DATABASE, output).await
    }

    async fn enable(&self, key: &str, enabled: bool, output: &Output) -> Result<Exit, CliError> {
        let change = |config: &mut ConnectionConfig| {
            config.enabled = enabled;
            Ok(())
        };
        let exit = self.change(key, change, output).await?;
        if !enabled {
            output.say("it takes no new requests and sends nothing; what Segment has accepted is followed");
        }
        Ok(exit)
    }

    async fn change(
        &self,
        key: &str,
        change: impl FnOnce(&mut ConnectionConfig) -> Result<(), CliError>,
        output: &Output,
    ) -> Result<Exit, CliError> {
        let before = self.of_database(key)?;
        let mut config = stored::read(before)?;
        change(&mut config)?;
        self.check(&config)?;
        let now = World::default().clock.now();
        let changed = self.store.change_connection(&before.key, before.version, &stored::write(&config)?, now).await?;
        if !changed {
            return Err(CliError::usage(
                "connection_changed",
                format!("somebody else has changed or removed the connection {key} meanwhile; nothing was changed"),
            )
            .hint("look at it with `connections show`, then run the command again"));
        }
        self.print(&config, DATABASE, output).await
    }

    /// Whether it would be taken beside all others. A disabled one must fit, too: enabling it is one step.
    fn check(&self, config: &ConnectionConfig) -> Result<(), CliError> {
        let others: Vec<_> = self.stored.iter().filter(|one| one.key.as_str() != config.key).cloned().collect();
        self.loaded.clone().with_stored(&others)?.accepts(config)
    }

    async fn remove(&self, key: &str, yes: bool, force: bool, output: &Output) -> Result<Exit, CliError> {
        let stored = self.of_database(key)?;
        let question = format!("The connection {key} and its secrets will be removed from the record database.");
        ask::confirm(&question, yes, output)?;
        match self.store.remove_connection(&stored.key, force).await? {
            Removal::Removed => {
                output.result(&RemovedShape { removed: key.to_owned() }, |_| format!("removed {key}"))?;
                Ok(Exit::Done)
            }
            Removal::InUse(people) => Err(CliError::usage(
                "connection_in_use",
                format!("{people} requests have something open at {key}; nothing was removed"),
            )
            .hint(
                "`connections disable` lets them come to their end; --force removes it, and each then needs a human",
            )),
            _ => Err(self.missing(key)),
        }
    }

    async fn list(&self, output: &Output) -> Result<Exit, CliError> {
        let tests = self.store.tests().await?;
        let mut connections = Vec::new();
        for config in &self.loaded.file.connections {
            connections.push(shape(config, FILE, &tests));
        }
        for one in self.stored.iter().filter(|one| self.in_file(one.key.as_str()).is_none()) {
            connections.push(shape(&stored::read(one)?, DATABASE, &tests));
        }
        let all = ConnectionsShape { connections };
        output.result(&all, |output| tables::connections(&all, output))?;
        self.warn(output);
        Ok(Exit::Done)
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
        last_test: test.map(LastTestShape::from),
        fields: Vec::new(),
    }
}

fn in_file(key: &str) -> CliError {
    CliError::usage("connection_in_file", format!("the connection {key} is in the configuration file, which wins"))
        .hint("change it there; the record database holds the others")
}

fn exists(key: &str) -> CliError {
    CliError::usage("connection_exists", format!("there is a connection {key} already; nothing was changed"))
        .hint("`connections edit` changes it")
}
