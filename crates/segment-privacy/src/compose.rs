//! From a configuration to an engine: the only place where adapters are made.

mod records;

use std::{path::Path, sync::Arc};

use privacy_engine::{Connection, ConnectionKind, Engine, Parts, Planner, Policy, ProgressSink, Sources};
use privacy_package::ZipSink;
use privacy_store::owned::{OwnedDirectory, OwnedOptions};
use secrecy::{ExposeSecret, SecretString};
use segment_core::{
    ConnectionKey,
    ports::{Clock, Random, RegulationSubmit, Regulations, SubjectDirectory},
};
use segment_http::{ConfigApi, Endpoint, Environment, OsRandom, PublicApi, SoloPacer, SystemClock};
use segment_unify::ProfileApi;

use crate::{
    config::{Dialect, Kind, Loaded, ResolvedConnection},
    error::{CliError, Exit, chain},
};

pub(crate) use records::{named_store, store, with_records};

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

fn adapters(loaded: &Loaded, connection: &ResolvedConnection, world: &World) -> Result<Adapters, CliError> {
    let key = &connection.config.key;
    let environment = Environment {
        clock: world.clock.clone(),
        random: world.random.clone(),
        pacer: Arc::new(SoloPacer::new(connection.limits)),
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
        directory: directory(loaded, connection)?,
    };
    Ok(Adapters { sources, submit })
}

fn directory(loaded: &Loaded, connection: &ResolvedConnection) -> Result<Option<Arc<dyn SubjectDirectory>>, CliError> {
    let Some((key, field)) = &connection.user_id else { return Ok(None) };
    let Some(dataset) = loaded.datasets.iter().find(|dataset| &dataset.config.key == key) else { return Ok(None) };
    let url = dataset.config.url.read(&format!("url of dataset {key}"), &loaded.base)?;
    let url = relative_sqlite(&url, &loaded.base);
    let directory =
        OwnedDirectory::connect(&url, key, dataset.datasets.clone(), field.clone(), OwnedOptions::default())
            .map_err(|error| CliError::usage("config_invalid", chain(&error)))?;
    Ok(Some(Arc::new(directory)))
}

/// Relative SQLite files are relative to the configuration file.
fn relative_sqlite(url: &SecretString, base: &Path) -> SecretString {
    match url.expose_secret().strip_prefix("sqlite://") {
        Some(path) => SecretString::from(format!("sqlite://{}", base.join(path).display())),
        None => url.clone(),
    }
}

/// The reading halves of all connections, or of one.
pub(crate) fn sources(loaded: &Loaded, only: Option<&str>) -> Result<Vec<Sources>, CliError> {
    let world = World::default();
    chosen(loaded, only)?.into_iter().map(|one| Ok(adapters(loaded, one, &world)?.sources)).collect()
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
    let known: Vec<_> = loaded.connections.iter().map(|one| one.config.key.as_str()).collect();
    CliError::usage("no_connection", format!("there is no connection {key}"))
        .hint(format!("the configuration has: {}", known.join(", ")))
}

/// Plans, and holds nothing that can write. Disabled connections take no part.
pub(crate) fn planner(loaded: &Loaded, only: Option<&str>) -> Result<Planner, CliError> {
    let mut sources = sources(loaded, only)?;
    sources.retain(|one| one.enabled);
    if sources.is_empty() {
        return Err(CliError::usage("no_connection", "every connection that could do this is disabled")
            .hint("`segment-privacy connections enable KEY`, or enabled = true in the configuration"));
    }
    Ok(Planner::new(sources, loaded.policy.clone()))
}

/// Where packages go; `out` overrides the configuration and is relative to the working directory.
pub(crate) fn packages(loaded: &Loaded, out: Option<&Path>) -> Result<ZipSink, CliError> {
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let made = match out {
        Some(folder) => ZipSink::new(&folder.display().to_string(), Path::new("."), random),
        None => ZipSink::new(&loaded.file.packages.destination, &loaded.base, random),
    };
    made.map_err(|error| CliError::usage("config_invalid", chain(&error)))
}

/// The engine with everything it needs.
pub(crate) async fn engine(
    loaded: &Loaded,
    world: &World,
    policy: Policy,
    out: Option<&Path>,
    progress: ProgressSink,
) -> Result<Arc<Engine>, CliError> {
    let connections = chosen(loaded, None)?.into_iter().map(|one| {
        let Adapters { sources, submit } = adapters(loaded, one, world)?;
        Ok(Connection::new(sources, submit, one.monthly_users))
    });
    let connections = connections.collect::<Result<Vec<_>, CliError>>()?;
    let packages = packages(loaded, out)?;
    let store = store(loaded).await?;
    let mut owner = [0; 8];
    world.random.fill(&mut owner);
    Ok(Arc::new(Engine::new(Parts {
        store: Arc::new(store),
        packages: Arc::new(packages),
        clock: world.clock.clone(),
        random: world.random.clone(),
        connections,
        policy,
        owner: format!("{}-{:016x}", std::process::id(), u64::from_le_bytes(owner)),
        progress,
    })))
}

/// Nothing was found under this id.
pub(crate) fn no_such_request(id: &str) -> CliError {
    CliError::new(Exit::NoSuchRequest, "no_such_request", format!("there is no request {id}"))
        .hint("`segment-privacy requests list` shows them all")
}
