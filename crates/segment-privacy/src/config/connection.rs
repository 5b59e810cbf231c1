//! What one connection's keys mean: hosts, dialects, what each kind requires.

use std::{num::NonZeroU32, path::Path};

use privacy_dataset::FieldRef;
use secrecy::SecretString;
use segment_http::{Endpoint, Limits};

use super::{ConnectionConfig, Kind, dataset::ResolvedDataset, model::UserIdField, resolved::invalid};
use crate::error::CliError;

const MONTHLY_USERS: u64 = 110_000;

/// Which of Segment's APIs of regulations a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The legacy one.
    Config,
    Public,
}

impl Dialect {
    fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Public => "public",
        }
    }
}

/// A connection, checked, its secrets not yet read.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedConnection {
    pub(crate) config: ConnectionConfig,
    pub(crate) domain: Endpoint,
    pub(crate) dialect: Dialect,
    pub(crate) profiles_domain: Endpoint,
    pub(crate) workspace: String,
    /// The source that regulations are for; `None` for the whole workspace.
    pub(crate) source: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) monthly_users: u64,
    /// The dataset's key in the configuration, and the field.
    pub(crate) user_id: Option<(String, FieldRef)>,
}

pub(super) fn connection(
    config: &ConnectionConfig,
    datasets: &[ResolvedDataset],
) -> Result<ResolvedConnection, CliError> {
    let key = &config.key;
    let eu = match config.region.as_deref() {
        None | Some("us") => false,
        Some("eu") => true,
        Some(other) => return Err(invalid(format!("region = \"{other}\" of connection {key} is not us or eu"))),
    };
    let missing = |name: &str| invalid(format!("connection {key} (kind {}) needs `{name}`", config.kind.name()));
    let (domain, dialect) = domain(config, eu)?;
    let default_profiles = if eu { Endpoint::PROFILES_EU } else { Endpoint::PROFILES_US };
    let profiles = config.profiles_domain.as_deref().unwrap_or(default_profiles);
    let profiles_domain = endpoint(profiles, config, "profiles_domain")?;
    let workspace = config.workspace.as_deref().map(|workspace| workspace.trim_start_matches("workspaces/"));
    let workspace = workspace.filter(|workspace| !workspace.is_empty()).ok_or_else(|| missing("workspace"))?.to_owned();
    if config.access_token.is_none() {
        return Err(missing("access_token"));
    }
    if config.kind == Kind::SegmentUnify {
        config.space_id.as_ref().filter(|id| !id.is_empty()).ok_or_else(|| missing("space_id"))?;
        config.access_secret.as_ref().ok_or_else(|| missing("access_secret"))?;
    }
    let user_id = config.segment_user_id.as_ref().map(|field| user_id(field, key, datasets)).transpose()?;
    if config.kind == Kind::Segment && user_id.is_none() {
        return Err(missing("segment_user_id").hint(
            "the basic integration asks the owned database who it is: add [[datasets]] and segment_user_id = \
             \"dataset.collection.field\"",
        ));
    }
    let source = source(config)?;
    let limits = limits(config)?;
    let monthly_users = config.limits.monthly_users.unwrap_or(MONTHLY_USERS);
    if monthly_users == 0 {
        return Err(invalid(format!("limits.monthly_users of connection {key} must be at least 1")));
    }
    Ok(ResolvedConnection {
        config: config.clone(),
        domain,
        dialect,
        profiles_domain,
        workspace,
        source,
        limits,
        monthly_users,
        user_id,
    })
}

/// The domain decides the dialect, unless `api` says it.
fn domain(config: &ConnectionConfig, eu: bool) -> Result<(Endpoint, Dialect), CliError> {
    let key = &config.key;
    let domain = config.domain.as_deref().unwrap_or(if eu { Endpoint::PUBLIC_EU } else { Endpoint::CONFIG });
    let endpoint = endpoint(domain, config, "domain")?;
    let host = endpoint.host();
    let by_host = match host.as_str() {
        Endpoint::CONFIG => Some(Dialect::Config),
        Endpoint::PUBLIC_US | Endpoint::PUBLIC_EU => Some(Dialect::Public),
        _ => None,
    };
    let dialect = match config.api.as_deref() {
        Some("config") => Dialect::Config,
        Some("public") => Dialect::Public,
        Some(other) => {
            return Err(invalid(format!("api = \"{other}\" of connection {key} is not config or public")));
        }
        None => by_host.or((!endpoint.is_loopback()).then_some(Dialect::Public)).ok_or_else(|| {
            invalid(format!("connection {key} is on this machine: say which API it is"))
                .hint("api = \"public\" or api = \"config\"")
        })?,
    };
    if by_host.is_some_and(|by_host| by_host != dialect) {
        return Err(invalid(format!("connection {key}: api = \"{}\" is not what {host} speaks", dialect.name()))
            .hint("leave api out: the domain decides it"));
    }
    if dialect == Dialect::Config && eu {
        return Err(invalid(format!("connection {key}: the Config API does not exist in the EU"))
            .hint("domain = \"eu1.api.segmentapis.com\" with a Public API token"));
    }
    Ok((endpoint, dialect))
}

fn endpoint(domain: &str, config: &ConnectionConfig, name: &str) -> Result<Endpoint, CliError> {
    Endpoint::parse(domain, config.allow_custom_domain)
        .map_err(|error| invalid(format!("{name} of connection {}: {error}", config.key)))
}

/// Names such as `workspaces/acme/sources/web` are the Config API's too, and are shortened.
fn source(config: &ConnectionConfig) -> Result<Option<String>, CliError> {
    let Some(scope) = &config.scope else { return Ok(None) };
    let given = scope.source.trim();
    let source =
        given.strip_prefix("workspaces/").and_then(|rest| rest.split_once("/sources/")).map_or(given, |(_, one)| one);
    let wrong = |why: &str| {
        Err(invalid(format!("scope.source of connection {} {why}", config.key)).hint(
            "the source's id on the Public API, its slug on the Config API; leave scope out for the whole workspace",
        ))
    };
    match source {
        "" => wrong("is empty"),
        // Ids in paths are 1 to 255 characters long (documented).
        _ if source.chars().count() > 255 => wrong("is longer than 255 characters"),
        "." | ".." => wrong("is no source"),
        _ if source.contains('/') || source.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            wrong("holds a slash, white space or a control character")
        }
        _ => Ok(Some(source.to_owned())),
    }
}

fn limits(config: &ConnectionConfig) -> Result<Limits, CliError> {
    let positive = |name: &str, value: Option<u32>, default: NonZeroU32| match value {
        None => Ok(default),
        Some(value) => NonZeroU32::new(value)
            .ok_or_else(|| invalid(format!("limits.{name} of connection {} must be at least 1", config.key))),
    };
    let default = Limits::default();
    Ok(Limits {
        profiles_per_second: positive(
            "profile_requests_per_second",
            config.limits.profile_requests_per_second,
            default.profiles_per_second,
        )?,
        creates_per_minute: positive(
            "regulations_per_minute",
            config.limits.regulations_per_minute,
            default.creates_per_minute,
        )?,
        config_calls_per_minute: positive(
            "config_calls_per_minute",
            config.limits.config_calls_per_minute,
            default.config_calls_per_minute,
        )?,
        ..default
    })
}

/// The dataset is named by its key in the configuration, or by its own Fides key.
fn user_id(
    field: &UserIdField,
    connection: &str,
    datasets: &[ResolvedDataset],
) -> Result<(String, FieldRef), CliError> {
    let wrong = |error: String| invalid(format!("segment_user_id of connection {connection}: {error}"));
    let field: FieldRef = match field {
        UserIdField::Text(text) => text.parse().map_err(|error| wrong(crate::error::chain(&error)))?,
        UserIdField::Table(table) => {
            if table.direction.as_deref().is_some_and(|direction| direction != "from") {
                return Err(wrong("its direction is always \"from\": the user id comes from the dataset".to_owned()));
            }
            FieldRef::new(&table.dataset, &table.field).map_err(|error| wrong(crate::error::chain(&error)))?
        }
    };
    let names = |dataset: &&ResolvedDataset| {
        dataset.config.key == field.dataset() || dataset.datasets.iter().any(|one| one.fides_key == field.dataset())
    };
    let Some(dataset) = datasets.iter().find(names) else {
        let known: Vec<_> = datasets.iter().map(|dataset| dataset.config.key.as_str()).collect();
        let near = super::nearest::nearest(field.dataset(), &known).map(|near| format!(", did you mean {near}?"));
        return Err(CliError::usage(
            "dataset_missing",
            format!(
                "segment_user_id of connection {connection} names the dataset {}, which is not among [[datasets]]{}",
                field.dataset(),
                near.unwrap_or_default()
            ),
        ));
    };
    // The field itself is checked here too: a plan for any identity says what does not exist.
    let in_file = if dataset.datasets.len() == 1 && dataset.config.key == field.dataset() {
        field.in_dataset(&dataset.datasets[0].fides_key)
    } else {
        field
    };
    // References may lead through other databases.
    let all: Vec<_> = datasets.iter().flat_map(|one| one.datasets.iter().cloned()).collect();
    privacy_dataset::LookupPlan::new(&all, &in_file, &segment_core::IdentityKind::Email).map_err(|error| {
        CliError::usage(
            "dataset_field_missing",
            format!("segment_user_id of connection {connection}: {}", crate::error::chain(&error)),
        )
    })?;
    Ok((dataset.config.key.clone(), in_file))
}

impl ResolvedConnection {
    /// The access token.
    pub(crate) fn access_token(&self, base: &Path) -> Result<SecretString, CliError> {
        read_secret(self.config.access_token.as_ref(), "access_token", &self.config.key, base)
    }

    /// The access secret of the space.
    pub(crate) fn access_secret(&self, base: &Path) -> Result<SecretString, CliError> {
        read_secret(self.config.access_secret.as_ref(), "access_secret", &self.config.key, base)
    }
}

fn read_secret(
    secret: Option<&super::secret::Secret>,
    name: &str,
    connection: &str,
    base: &Path,
) -> Result<SecretString, CliError> {
    let what = format!("{name} of connection {connection}");
    secret.ok_or_else(|| invalid(format!("the {what} is not configured")))?.read(&what, base)
}
