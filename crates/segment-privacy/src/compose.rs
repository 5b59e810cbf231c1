//! From a configuration to an engine: the only place where adapters are made.

mod owned;
mod records;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use privacy_engine::{Connection, ConnectionKind, Engine, Parts, Planner, Policy, ProgressSink, Sources};
use privacy_package::{StoreOptions, ZipSink};
use privacy_store::{Pace, SharedPacer, Turns};
use secrecy::ExposeSecret;
use segment_core::{
    ConnectionKey,
    ports::{Clock, Random, RegulationSubmit, Regulations, RequestStore},
};
use segment_http::{ConfigApi, Endpoint, Environment, OsRandom, PublicApi, SystemClock};
use segment_unify::ProfileApi;

use crate::{
    config::{self, Dialect, Kind, Loaded, ResolvedConnection},
    error::{CliError, Exit, chain},
};

pub(crate) use owned::Databases;
pub(crate) use records::{existing_store, named_store, store, to_read, with_records, with_records_if_possible};

/// What adapters take from outside: real, or moved by a rehearsal.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl Default for World {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock::new()), random: Arc::new(OsRandom) }
    }
}

/// A connection's reading half, and what creates regulations.
struct Adapters {
    sources: Sources,
    submit: Arc<dyn RegulationSubmit>,
}

fn adapters(
    loaded: &Loaded,
    databases: &Databases,
    connection: &ResolvedConnection,
    world: &World,
    turns: &Turns,
) -> Result<Adapters, CliError> {
    let key = &connection.config.key;
    let paces = connection.limits.paces().map(|(lane, interval, burst)| (lane, Pace { interval, burst }));
    let environment = Environment {
        clock: world.clock.clone(),
        random: world.random.clone(),
        pacer: Arc::new(SharedPacer::new(turns.clone(), ConnectionKey::new(key.as_str()), paces)),
    };
    let made = |error| CliError::usage("config_invalid", format!("connection {key}: {}", chain(&error)));
    let token = connection.access_token(&loaded.base)?;
    let domain = connection.domain.clone();
    let (regulations, submit): (Arc<dyn Regulations>, Arc<dyn RegulationSubmit>) = match connection.dialect {
        Dialect::Public => {
            let api = Arc::new(PublicApi::new(domain, token, environment.clone()).map_err(made)?);
            (api.clone(), api)
        }
        Dialect::Config => {
            let api = ConfigApi::new(domain, &connection.workspace, token, environment.clone()).map_err(made)?;
            let api = Arc::new(api);
            (api.clone(), api)
        }
    };
    let profiles = match (connection.config.kind, &connection.config.space_id) {
        (Kind::SegmentUnify, Some(space)) => {
            let secret = connection.access_secret(&loaded.base)?;
            let endpoint: Endpoint = connection.profiles_domain.clone();
            let api = ProfileApi::new(endpoint, space.clone(), secret, environment).map_err(made)?;
            Some(Arc::new(api) as Arc<dyn segment_core::ports::Profiles>)
        }
        _ => None,
    };
    let sources = Sources {
        key: ConnectionKey::new(key.clone()),
        kind: match connection.config.kind {
            Kind::Segment => ConnectionKind::Segment,
            Kind::SegmentUnify => ConnectionKind::SegmentUnify,
        },
        workspace: connection.workspace.clone(),
        enabled: connection.config.enabled,
        source: connection.source.clone(),
        regulations,
        profiles,
        directory: databases.directory(connection)?,
        event_windows: connection.limits.event_windows(),
    };
    Ok(Adapters { sources, submit })
}

/// A connection, and its reading half if it can be made.
pub(crate) type Reading<'a> = (&'a ResolvedConnection, Result<Sources, CliError>);

/// The reading halves of all connections, or of one: what one of them lacks says nothing of the others.
pub(crate) fn each_source<'a>(loaded: &'a Loaded, only: Option<&str>) -> Result<Vec<Reading<'a>>, CliError> {
    let databases = Databases::new(loaded);
    Ok(chosen(loaded, only)?.into_iter().map(|one| (one, reading(loaded, &databases, one))).collect())
}

fn reading(loaded: &Loaded, databases: &Databases, connection: &ResolvedConnection) -> Result<Sources, CliError> {
    // What only reads keeps the pace by itself: it writes nothing anywhere.
    Ok(adapters(loaded, databases, connection, &World::default(), &Turns::default())?.sources)
}

fn chosen<'a>(loaded: &'a Loaded, only: Option<&str>) -> Result<Vec<&'a ResolvedConnection>, CliError> {
    let all: Vec<_> = loaded.connections.iter().filter(|one| only.is_none_or(|key| key == one.config.key)).collect();
    if all.is_empty() {
        let error = match only {
            Some(key) if !loaded.connections.is_empty() => no_such_connection(loaded, key),
            _ => CliError::usage("no_connection", "no connection is configured")
                .hint("add [[connections]] to the configuration, or use `segment-privacy connections add`"),
        };
        return Err(error);
    }
    Ok(all)
}

/// There is no connection of this key.
pub(crate) fn no_such_connection(loaded: &Loaded, key: &str) -> CliError {
    let datasets = loaded.datasets.iter().map(|dataset| dataset.config.key.as_str());
    let known: Vec<_> = loaded.connections.iter().map(|one| one.config.key.as_str()).chain(datasets).collect();
    CliError::usage("no_connection", format!("there is no connection or dataset {key}"))
        .hint(format!("there are: {}", known.join(", ")))
}

/// Plans, and holds nothing that can write. Disabled connections take no part.
pub(crate) async fn planner(loaded: &Loaded, only: Option<&str>) -> Result<Planner, CliError> {
    let databases = Databases::new(loaded);
    let of_dataset = only.is_some_and(|key| is_dataset(loaded, key));
    let chosen = if of_dataset { Vec::new() } else { chosen(loaded, only)? };
    let enabled = chosen.into_iter().filter(|one| one.config.enabled);
    let sources = enabled.map(|one| reading(loaded, &databases, one)).collect::<Result<Vec<_>, _>>()?;
    if sources.is_empty() && !of_dataset {
        return Err(CliError::usage("no_connection", "every connection that could do this is disabled")
            .hint("`segment-privacy connections enable KEY`, or enabled = true in the configuration"));
    }
    let holds = match &loaded.store {
        Some(store) => store.holds().await?,
        None => Vec::new(),
    };
    let takes_part = |one: &&ResolvedConnection| sources.iter().any(|other| other.key.as_str() == one.config.key);
    let others = loaded.connections.iter().filter(|one| one.user_id.is_some() && !takes_part(one));
    // Like a worker, that goes on without those that cannot be used.
    let bystanders = others.filter_map(|one| reading(loaded, &databases, one).ok()).collect();
    let planner = Planner::new(sources, loaded.policy.clone()).with_holds(holds).with_bystanders(bystanders);
    let rows = databases.sources(loaded, &World::default().random);
    let rows = rows.map(|mut rows| {
        rows.datasets.retain(|key, _| only.is_none_or(|only| only == key.as_str()));
        rows
    });
    if let Some(error) = databases.broken.iter().find(|(key, _)| only.is_none_or(|only| only == key.as_str())) {
        return Err(error.1.clone());
    }
    Ok(rows.into_iter().fold(planner, Planner::with_rows))
}

/// Whether a key is a dataset's.
pub(crate) fn is_dataset(loaded: &Loaded, key: &str) -> bool {
    loaded.datasets.iter().any(|dataset| dataset.config.key == key)
}

/// Where packages go; `out` overrides the configuration and is relative to the working directory.
pub(crate) fn packages(loaded: &Loaded, out: Option<&Path>) -> Result<ZipSink, CliError> {
    let packages = &loaded.file.packages;
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let made = match out {
        // The record says where it is, whatever folder somebody works in when it is to be deleted.
        Some(folder) => {
            let folder = std::path::absolute(folder)
                .map_err(|error| CliError::usage("config_invalid", format!("--out: {error}")))?;
            ZipSink::new(&folder.display().to_string(), Path::new("."), &StoreOptions::default(), random)
        }
        None => ZipSink::new(&packages.destination, &loaded.base, &store_options(loaded)?, random),
    };
    let made = made.map_err(|error| CliError::usage("config_invalid", format!("[packages]: {}", chain(&error))))?;
    let staging = match &packages.staging {
        Some(folder) => Some(loaded.base.join(folder)),
        None if packages.destination.contains("://") && out.is_none() => Some(config::temporary_folder()),
        None => None,
    };
    let made = staging.into_iter().fold(made, ZipSink::with_staging_root);
    Ok(made.with_report(packages.report))
}

/// How a bucket is reached: by the environment, as its own tools read it, and by what the configuration says.
fn store_options(loaded: &Loaded) -> Result<StoreOptions, CliError> {
    let packages = &loaded.file.packages;
    let prefix = match packages.destination.split_once("://") {
        Some(("s3", _)) => "AWS_",
        Some(("gs", _)) => "GOOGLE_",
        Some(("az", _)) => "AZURE_",
        _ => return Ok(StoreOptions::default()),
    };
    let options = StoreOptions::default().with_environment(config::variables(prefix));
    packages.options.iter().try_fold(options, |all, (name, secret)| {
        let value = secret.read(&format!("option {name} of [packages]"), &loaded.base)?;
        // Exposed to be handed to the store's client, which keeps it.
        Ok(all.with(name, value.expose_secret()))
    })
}

/// Which connections a command cannot do without.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need<'a> {
    /// Every enabled one: somebody asks for something everywhere.
    All,
    /// This one.
    One(&'a str),
    /// None: what cannot be used now waits.
    None,
}

impl<'a> Need<'a> {
    /// Of a command that may name a connection.
    pub(crate) fn of(only: Option<&'a str>) -> Self {
        only.map_or(Self::All, Self::One)
    }

    fn includes_dataset(self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::One(one) => one == key,
            Self::None => false,
        }
    }

    fn includes(self, connection: &ResolvedConnection) -> bool {
        match self {
            Self::All => connection.config.enabled,
            Self::One(key) => connection.config.key == key,
            Self::None => false,
        }
    }
}

/// The engine with everything it needs.
pub(crate) async fn engine(
    loaded: &Loaded,
    need: Need<'_>,
    world: &World,
    policy: Policy,
    out: Option<&Path>,
    progress: ProgressSink,
) -> Result<Arc<Engine>, CliError> {
    match need {
        Need::All => chosen(loaded, None).map(drop)?,
        Need::One(key) if is_dataset(loaded, key) => {}
        Need::One(key) => chosen(loaded, Some(key)).map(drop)?,
        Need::None => {}
    }
    let databases = Databases::new(loaded);
    let (mut connections, mut withheld) = (Vec::new(), BTreeMap::new());
    let turns = Turns::default();
    for (key, error) in &databases.broken {
        if need.includes_dataset(key) {
            return Err(error.clone());
        }
        tracing::warn!(dataset = key, "cannot be used now, its work waits: {}", error.message);
        withheld.insert(ConnectionKey::new(key.as_str()), error.message.clone());
    }
    for one in &loaded.connections {
        match adapters(loaded, &databases, one, world, &turns) {
            Ok(Adapters { sources, submit }) => connections.push(Connection::new(sources, submit, one.monthly_users)),
            Err(error) if need.includes(one) => return Err(error),
            Err(error) => {
                tracing::warn!(connection = one.config.key, "cannot be used now, its work waits: {}", error.message);
                withheld.insert(ConnectionKey::new(one.config.key.as_str()), error.message);
            }
        }
    }
    let packages = packages(loaded, out)?;
    let store = store(loaded).await?;
    turns.share(&store);
    let mut owner = [0; 8];
    world.random.fill(&mut owner);
    Ok(Arc::new(Engine::new(Parts {
        store: Arc::new(store),
        packages: Arc::new(packages),
        clock: world.clock.clone(),
        random: world.random.clone(),
        connections,
        withheld,
        owned: databases.owned(loaded, &world.random),
        policy,
        owner: format!("{}-{:016x}", std::process::id(), u64::from_le_bytes(owner)),
        progress,
        hint: Arc::default(),
    })))
}

/// Nothing was found under this id.
pub(crate) fn no_such_request(id: &str) -> CliError {
    CliError::new(Exit::NoSuchRequest, "no_such_request", format!("there is no request {id}"))
        .hint("`segment-privacy requests list` shows them all")
}
