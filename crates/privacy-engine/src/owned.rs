//! The owned databases, as ports.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use segment_core::{
    Action, ConnectionKey, Halt, HaltKind, Holder, IdentitySet, Pii, Request, Resume, Subject, Task, TaskState,
    ports::{SubjectMasker, SubjectRows},
};

use crate::{Engine, Found, ResolveError, Sources, process::Failure, resolve};

/// What of the owned databases can only read.
#[derive(Debug, Clone)]
pub struct OwnedSources {
    /// The keys of their datasets, each with whether erasures mask rows in it. None is a connection's key.
    pub datasets: BTreeMap<ConnectionKey, bool>,
    /// What the sources of rows are called in a package.
    pub tables: BTreeSet<String>,
    /// The rows in them.
    pub rows: Arc<dyn SubjectRows>,
}

/// Owned databases whose rows can be masked.
#[derive(Debug, Clone)]
pub struct Owned {
    pub(crate) sources: OwnedSources,
    pub(crate) masker: Arc<dyn SubjectMasker>,
}

impl Owned {
    /// Joins what reads with what masks.
    #[must_use]
    pub fn new(sources: OwnedSources, masker: Arc<dyn SubjectMasker>) -> Self {
        Self { sources, masker }
    }
}

impl Engine {
    /// The datasets that take part in an action: all of an access, those that are masked of an erasure.
    pub(crate) fn datasets_for(&self, action: Action, only: Option<&ConnectionKey>) -> Vec<ConnectionKey> {
        let all = self.owned.iter().flat_map(|owned| &owned.sources.datasets);
        let able = all.filter(|(_, masks)| match action {
            Action::Access => true,
            Action::Erasure => **masks,
            _ => false,
        });
        able.map(|(key, _)| key.clone()).filter(|key| only.is_none_or(|only| only == key)).collect()
    }

    /// Who the person is by the owned databases alone, for the connections that are no part of the request. Whoever is more than
    /// one person there is so for the rows, too.
    pub(crate) async fn found_by_directories(
        &self,
        request: &Request,
        identities: &IdentitySet,
    ) -> Result<BTreeMap<ConnectionKey, Found>, ResolveError> {
        // One that a human settled without knowing who it is says nothing of whose the rows are.
        let says = |task: &Task| task.resolution.is_some() || task.state == TaskState::Queued;
        let is_asked = |key: &ConnectionKey| request.tasks.iter().any(|task| task.connection == *key && says(task));
        let mut all = BTreeMap::new();
        for sources in self.connections.values().map(crate::Connection::sources) {
            if is_asked(&sources.key) {
                continue;
            }
            if let Some(found) = by_directory(sources, identities, self.policy.max_user_ids).await? {
                all.insert(sources.key.clone(), found);
            }
        }
        Ok(all)
    }
}

/// Who somebody is by the owned database of a connection alone, where it has one: Segment is not asked.
pub(crate) async fn by_directory(
    sources: &Sources,
    identities: &IdentitySet,
    max_user_ids: usize,
) -> Result<Option<Found>, ResolveError> {
    if sources.directory.is_none() {
        return Ok(None);
    }
    let alone = Sources { profiles: None, ..sources.clone() };
    resolve(&alone, Action::Access, identities, max_user_ids).await.map(Some)
}

/// A task of a dataset that the configuration does not have, or not for such an action.
pub(crate) fn no_dataset(task: &Task, action: Action) -> Failure {
    let or_not = if action == Action::Erasure { ", or not with access = \"write\"" } else { "" };
    let message = format!("the dataset {} is not in the configuration any more{or_not}", task.connection);
    Failure::decision(Halt { kind: HaltKind::NoConnection, message, resume: Resume::Queued })
}

/// User ids by connection.
pub(crate) type UserIds = BTreeMap<ConnectionKey, BTreeSet<Pii<String>>>;

/// What was found, by connection.
pub(crate) fn user_ids(found: &BTreeMap<ConnectionKey, Found>) -> UserIds {
    found.iter().map(|(key, found)| (key.clone(), found.resolution.user_ids.clone())).collect()
}

/// Whose rows are looked for: by what was given, by what is known of the person at the connections of the request, and by what
/// was `found` apart.
pub(crate) fn subject(request: &Request, identities: &IdentitySet, found: UserIds) -> Subject {
    let mut known = found;
    for task in &request.tasks {
        let Some(resolution) = &task.resolution else { continue };
        known.extend(resolution.rows.user_ids.clone());
        if task.holder == Holder::Connection {
            known.insert(task.connection.clone(), resolution.user_ids.clone());
        }
    }
    Subject { identities: identities.clone(), user_ids: known }
}
