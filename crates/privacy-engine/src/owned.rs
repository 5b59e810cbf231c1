//! The owned databases, as ports.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use segment_core::{
    Action, ConnectionKey, IdentitySet, Pii, Request, Subject, Task, TaskState,
    ports::{SubjectMasker, SubjectRows},
};

use crate::{Engine, Found, ResolveError, Sources, resolve};

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
            if is_asked(&sources.key) || sources.directory.is_none() {
                continue;
            }
            let alone = Sources { profiles: None, ..sources.clone() };
            let found = resolve(&alone, Action::Access, identities, self.policy.max_user_ids).await?;
            all.insert(sources.key.clone(), found);
        }
        Ok(all)
    }
}

/// Whose rows are looked for: by what was given, and by what was found at the connections.
pub(crate) fn subject<'a>(
    identities: &IdentitySet,
    found: impl IntoIterator<Item = (&'a ConnectionKey, &'a BTreeSet<Pii<String>>)>,
) -> Subject {
    let user_ids = found.into_iter().map(|(key, ids)| (key.clone(), ids.clone())).collect();
    Subject { identities: identities.clone(), user_ids }
}
