//! What the keys mean together.

use std::{path::PathBuf, time::Duration};

use privacy_dataset::MaskingPolicy;
use privacy_engine::{Policy, Tracking};
use privacy_service::RequestPolicy;
use privacy_store::{RecordStore, StoredConnection};
use segment_core::{ConnectionKey, Regime, RegulationType, Retention};
use segment_http::config_api;

use super::{
    ConfigFile, ConnectionConfig,
    connection::{Dialect, ResolvedConnection, connection},
    dataset::{self, ResolvedDataset},
    server,
};
use crate::error::CliError;

/// The configuration, checked.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) file: ConfigFile,
    /// Relative paths are relative to the configuration file.
    pub(crate) base: PathBuf,
    pub(crate) policy: Policy,
    /// How rows are masked.
    pub(crate) masking: MaskingPolicy,
    pub(crate) connections: Vec<ResolvedConnection>,
    pub(crate) datasets: Vec<ResolvedDataset>,
    /// What clients of the service may ask for, beside the default policies.
    pub(crate) policies: Vec<RequestPolicy>,
    /// The record database, once it was opened.
    pub(crate) store: Option<RecordStore>,
    /// The connections of the record database that were read, and their versions.
    pub(crate) stored: Vec<(ConnectionKey, i64)>,
}

impl Loaded {
    /// What connections of the record database mean beside those of the file, which win where both have a key.
    pub(crate) fn with_stored(mut self, stored: &[StoredConnection]) -> Result<Self, CliError> {
        for one in stored {
            if self.connections.iter().any(|known| known.config.key == one.key.as_str()) {
                continue;
            }
            let config = super::stored::read(one)?;
            self.connections.push(connection(&config, &self.datasets)?);
        }
        together(&self.policy, &self.connections, &self.datasets)?;
        self.stored = stored.iter().map(|one| (one.key.clone(), one.version)).collect();
        Ok(self)
    }

    /// How long personal data are kept.
    pub(crate) fn retention(&self) -> Retention {
        let days = |days: u32| Duration::from_hours(24) * days;
        let looks = self.policy.tracking.verify_after.iter();
        Retention {
            packages: days(self.file.retention.packages_days),
            identities: days(self.file.retention.identities_days),
            last_look: looks.max().copied().unwrap_or_default(),
        }
    }

    /// The same without the connections of the record database.
    pub(crate) fn of_file(&self) -> Self {
        let mut loaded = self.clone();
        let in_file = |key: &str| self.file.connections.iter().any(|one| one.key == key);
        loaded.connections.retain(|one| in_file(&one.config.key));
        loaded.stored.clear();
        loaded
    }

    /// The same with this connection in place of, or beside, the others: whether it would be taken.
    pub(crate) fn accepts(&self, config: &ConnectionConfig) -> Result<(), CliError> {
        let others = self.connections.iter().filter(|one| one.config.key != config.key).cloned();
        let all: Vec<_> = others.chain([connection(config, &self.datasets)?]).collect();
        together(&self.policy, &all, &self.datasets)
    }
}

pub(super) fn invalid(message: impl Into<String>) -> CliError {
    CliError::usage("config_invalid", message)
}

pub(crate) fn resolve(file: ConfigFile, base: PathBuf) -> Result<Loaded, CliError> {
    let policy = policy(&file)?;
    let masking = dataset::masking(&file.execution.masking)?;
    let datasets = dataset::datasets(&file, &base, &masking)?;
    let connections =
        file.connections.iter().map(|config| connection(config, &datasets)).collect::<Result<Vec<_>, _>>()?;
    unique(file.datasets.iter().map(|dataset| dataset.key.as_str()), "datasets")?;
    together(&policy, &connections, &datasets)?;
    let policies = server::policies(&file.policies)?;
    unique(file.webhooks.iter().map(|webhook| webhook.key.as_str()), "webhooks")?;
    Ok(Loaded { file, base, policy, masking, connections, datasets, policies, store: None, stored: Vec::new() })
}

/// What connections must be beside each other, and under the policy.
fn together(policy: &Policy, connections: &[ResolvedConnection], datasets: &[ResolvedDataset]) -> Result<(), CliError> {
    unique(connections.iter().map(|connection| connection.config.key.as_str()), "connections")?;
    let of_dataset = |one: &&ResolvedConnection| datasets.iter().any(|dataset| dataset.config.key == one.config.key);
    if let Some(one) = connections.iter().find(of_dataset) {
        return Err(invalid(format!("{} is the key of a connection and of a dataset", one.config.key))
            .hint("both have tasks and files in packages under their keys: rename one of them"));
    }
    for (at, one) in connections.iter().enumerate() {
        // Also with different sources: quota and limits are the workspace's.
        let same = |other: &&ResolvedConnection| other.domain == one.domain && other.workspace == one.workspace;
        if let Some(other) = connections[..at].iter().find(same) {
            return Err(invalid(format!(
                "the connections {} and {} are on the same host and workspace ({}); every person would be sent twice",
                other.config.key, one.config.key, one.workspace
            ))
            .hint("keep one of them: in the configuration, or by `connections remove`"));
        }
    }
    lacking(policy, connections)
}

/// What a dialect or a scope does not have is said at start, not when somebody is to be erased.
fn lacking(policy: &Policy, connections: &[ResolvedConnection]) -> Result<(), CliError> {
    if policy.masking_strict {
        return Ok(());
    }
    if policy.regulation == RegulationType::DeleteArchiveOnly
        && let Some(one) = connections.iter().find(|one| one.source.is_none())
    {
        return Err(invalid(format!(
            "execution.regulation = \"delete_archive_only\" is for single sources, and connection {} is for the whole workspace",
            one.config.key
        ))
        .hint("scope = { source = \"…\" } on the connection, in a workspace that Segment has enabled it for"));
    }
    let lacks = |one: &&ResolvedConnection| one.dialect == Dialect::Config && !config_api::supports(&policy.regulation);
    match connections.iter().find(lacks) {
        Some(one) => Err(invalid(format!(
            "connection {} is on the Config API, which has no {}",
            one.config.key, policy.regulation
        ))
        .hint("execution.regulation = \"suppress_with_delete\", \"delete_only\" or \"delete_internal\"")),
        None => Ok(()),
    }
}

pub(super) fn unique<'a>(keys: impl Iterator<Item = &'a str>, what: &str) -> Result<(), CliError> {
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
        .hint("suppress_with_delete, delete_only, delete_internal, suppress_with_delete_internal or, for a source, delete_archive_only"));
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
