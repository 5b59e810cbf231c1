//! What the keys mean together: hosts, dialects, what each kind of connection requires.

use std::{num::NonZeroU32, path::PathBuf};

use privacy_dataset::{Dataset, FieldRef};
use privacy_engine::{Policy, Tracking};
use secrecy::SecretString;
use segment_core::{Regime, RegulationType};
use segment_http::{Endpoint, Limits};

use super::{
    ConfigFile, ConnectionConfig, Kind,
    model::{DatasetConfig, UserIdField},
};
use crate::error::CliError;

const CONFIG_API: &str = "platform.segmentapis.com";
const MONTHLY_USERS: u64 = 110_000;

/// The configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) file: ConfigFile,
    /// Relative paths are relative to the configuration file.
    pub(crate) base: PathBuf,
    pub(crate) policy: Policy,
    pub(crate) connections: Vec<ResolvedConnection>,
    pub(crate) datasets: Vec<ResolvedDataset>,
}

/// A connection, checked, its secrets not yet read.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedConnection {
    pub(crate) config: ConnectionConfig,
    pub(crate) domain: Endpoint,
    pub(crate) profiles_domain: Endpoint,
    pub(crate) workspace: String,
    pub(crate) limits: Limits,
    pub(crate) monthly_users: u64,
    /// The dataset's key in the configuration, and the field.
    pub(crate) user_id: Option<(String, FieldRef)>,
}

/// A dataset whose YAML is read.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedDataset {
    pub(crate) config: DatasetConfig,
    pub(crate) datasets: Vec<Dataset>,
}

fn invalid(message: impl Into<String>) -> CliError {
    CliError::usage("config_invalid", message)
}

pub(crate) fn resolve(file: ConfigFile, base: PathBuf) -> Result<Loaded, CliError> {
    let policy = policy(&file)?;
    let datasets = file.datasets.iter().map(|config| dataset(config, &base)).collect::<Result<Vec<_>, _>>()?;
    let connections =
        file.connections.iter().map(|config| connection(config, &datasets)).collect::<Result<Vec<_>, _>>()?;
    unique(file.connections.iter().map(|connection| connection.key.as_str()), "connections")?;
    unique(file.datasets.iter().map(|dataset| dataset.key.as_str()), "datasets")?;
    for (at, one) in connections.iter().enumerate() {
        let same = |other: &&ResolvedConnection| other.domain == one.domain && other.workspace == one.workspace;
        if let Some(other) = connections[..at].iter().find(same) {
            return Err(invalid(format!(
                "the connections {} and {} are on the same host and workspace ({}); every person would be sent twice",
                other.config.key, one.config.key, one.workspace
            ))
            .hint("keep one of them"));
        }
    }
    Ok(Loaded { file, base, policy, connections, datasets })
}

fn unique<'a>(keys: impl Iterator<Item = &'a str>, what: &str) -> Result<(), CliError> {
    let mut seen = std::collections::BTreeSet::new();
    for key in keys {
        let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !plain {
            return Err(invalid(format!("the key \"{key}\" in {what} may hold letters, digits, _ and - only")));
        }
        if !seen.insert(key) {
            return Err(invalid(format!("the key {key} stands twice in {what}")));
        }
    }
    Ok(())
}

fn policy(file: &ConfigFile) -> Result<Policy, CliError> {
    let execution = &file.execution;
    let kind = RegulationType::parse(&execution.regulation.to_ascii_uppercase());
    if !kind.deletes() {
        return Err(invalid(format!(
            "execution.regulation \"{}\" deletes nothing, or is not known on the Public API",
            execution.regulation
        ))
        .hint("suppress_with_delete, delete_only, delete_internal or suppress_with_delete_internal"));
    }
    let regime = Regime::parse(&execution.regime)
        .ok_or_else(|| invalid(format!("execution.regime \"{}\" is not gdpr or ccpa", execution.regime)))?;
    if execution.max_user_ids == 0 || file.worker.concurrency == 0 {
        return Err(invalid("execution.max_user_ids and worker.concurrency must be at least 1"));
    }
    if file.worker.lease.0.as_millis() < 1_000 {
        return Err(invalid("worker.lease must be at least 1s: a regulation has to be sent within it"));
    }
    retention(file)?;
    let tracking = &file.tracking;
    Ok(Policy {
        masking_strict: execution.masking_strict,
        regulation: kind,
        require_approval: execution.require_approval,
        max_user_ids: execution.max_user_ids,
        regime,
        tracking: Tracking {
            first_poll: tracking.first_poll.0,
            max_poll: tracking.max_poll.0,
            verify_after: tracking.verify_after.iter().map(|span| span.0).collect(),
            settle: tracking.settle.0,
            batch_window: tracking.batch_window.0,
        },
        lease: file.worker.lease.0,
        concurrency: file.worker.concurrency,
        ..Policy::default()
    })
}

/// Personal data must outlive the last read-back, which asks for it.
fn retention(file: &ConfigFile) -> Result<(), CliError> {
    let last = file.tracking.verify_after.iter().map(|span| span.0.as_secs() / 86_400).max().unwrap_or_default();
    if u64::from(file.retention.identities_days) < last {
        return Err(invalid(format!(
            "retention.identities_days = {} ends before the last of tracking.verify_after ({last} days), which needs the identities",
            file.retention.identities_days
        )));
    }
    Ok(())
}

fn dataset(config: &DatasetConfig, base: &std::path::Path) -> Result<ResolvedDataset, CliError> {
    match config.access.as_str() {
        "read" => {}
        "write" => {
            return Err(invalid(format!(
                "access = \"write\" of dataset {}: this version masks no rows yet",
                config.key
            ))
            .hint("use access = \"read\"; erasure then says that nothing was masked"));
        }
        other => return Err(invalid(format!("access = \"{other}\" of dataset {} is not read or write", config.key))),
    }
    let text = std::fs::read_to_string(base.join(&config.file)).map_err(|error| {
        invalid(format!("the file {} of dataset {} cannot be read: {error}", config.file, config.key))
    })?;
    let datasets = Dataset::parse_all(&text).map_err(|error| {
        CliError::usage("dataset_invalid", format!("{}: {}", config.file, crate::error::chain(&error)))
    })?;
    Ok(ResolvedDataset { config: config.clone(), datasets })
}

fn connection(config: &ConnectionConfig, datasets: &[ResolvedDataset]) -> Result<ResolvedConnection, CliError> {
    let key = &config.key;
    let eu = match config.region.as_deref() {
        None | Some("us") => false,
        Some("eu") => true,
        Some(other) => return Err(invalid(format!("region = \"{other}\" of connection {key} is not us or eu"))),
    };
    let missing = |name: &str| invalid(format!("connection {key} (kind {}) needs `{name}`", kind_name(config.kind)));
    let domain = domain(config, eu)?;
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
    let limits = limits(config)?;
    let monthly_users = config.limits.monthly_users.unwrap_or(MONTHLY_USERS);
    Ok(ResolvedConnection {
        config: config.clone(),
        domain,
        profiles_domain,
        workspace,
        limits,
        monthly_users,
        user_id,
    })
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Segment => "segment",
        Kind::SegmentUnify => "segment_unify",
    }
}

fn domain(config: &ConnectionConfig, eu: bool) -> Result<Endpoint, CliError> {
    let key = &config.key;
    let domain = config.domain.as_deref().unwrap_or(if eu { Endpoint::PUBLIC_EU } else { CONFIG_API });
    let endpoint = endpoint(domain, config, "domain")?;
    let host = endpoint.host();
    let dialect = match (config.api.as_deref(), host.as_str()) {
        (Some(api @ ("config" | "public")), _) => api,
        (Some(other), _) => {
            return Err(invalid(format!("api = \"{other}\" of connection {key} is not config or public")));
        }
        (None, CONFIG_API) => "config",
        (None, _) if endpoint.is_loopback() => {
            return Err(
                invalid(format!("connection {key} is on this machine: say which API it is")).hint("api = \"public\"")
            );
        }
        (None, _) => "public",
    };
    if dialect == "config" && eu {
        return Err(invalid(format!("connection {key}: the Config API does not exist in the EU"))
            .hint("domain = \"eu1.api.segmentapis.com\" with a Public API token"));
    }
    if dialect == "config" {
        return Err(invalid(format!(
            "connection {key}: {host} is the older Config API, which this version does not speak"
        ))
        .hint("domain = \"api.segmentapis.com\" with a Public API token; Segment gives out no new Config API tokens"));
    }
    Ok(endpoint)
}

fn endpoint(domain: &str, config: &ConnectionConfig, name: &str) -> Result<Endpoint, CliError> {
    Endpoint::parse(domain, config.allow_custom_domain)
        .map_err(|error| invalid(format!("{name} of connection {}: {error}", config.key)))
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
    privacy_dataset::LookupPlan::new(&dataset.datasets, &in_file, &segment_core::IdentityKind::Email).map_err(
        |error| {
            CliError::usage(
                "dataset_field_missing",
                format!("segment_user_id of connection {connection}: {}", crate::error::chain(&error)),
            )
        },
    )?;
    Ok((dataset.config.key.clone(), in_file))
}

impl ResolvedConnection {
    /// The access token.
    pub(crate) fn access_token(&self, base: &std::path::Path) -> Result<SecretString, CliError> {
        read_secret(self.config.access_token.as_ref(), "access_token", &self.config.key, base)
    }

    /// The access secret of the space.
    pub(crate) fn access_secret(&self, base: &std::path::Path) -> Result<SecretString, CliError> {
        read_secret(self.config.access_secret.as_ref(), "access_secret", &self.config.key, base)
    }
}

fn read_secret(
    secret: Option<&super::secret::Secret>,
    name: &str,
    connection: &str,
    base: &std::path::Path,
) -> Result<SecretString, CliError> {
    let what = format!("{name} of connection {connection}");
    secret.ok_or_else(|| invalid(format!("the {what} is not configured")))?.read(&what, base)
}
