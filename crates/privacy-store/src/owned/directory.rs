//! The port: identities of a person to Segment user ids.

use std::{
    collections::{BTreeSet, HashSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use privacy_dataset::{Dataset, FieldRef, LookupPlan, MaskingPolicy, PlanError};
use secrecy::SecretString;
use segment_core::{
    Identity, IdentityKind, Pii, RowStep,
    ports::{DirectoryAnswer, DirectoryCheck, DirectoryError, SubjectDirectory},
};

use super::{OwnedDatabases, OwnedError, OwnedOptions, describe, lookup::Lookup};

/// Finds a person's Segment user ids in the customer's own tables. Reads only.
pub struct OwnedDirectory {
    pub(super) databases: Arc<OwnedDatabases>,
    pub(super) target: FieldRef,
}

impl OwnedDirectory {
    /// The directory over these databases where `target` holds the Segment user ids.
    #[must_use]
    pub fn new(databases: Arc<OwnedDatabases>, target: FieldRef) -> Self {
        let target = databases.named(target);
        Self { databases, target }
    }

    /// The directory over one database that is only read; see [`OwnedDatabases::connect`].
    ///
    /// # Errors
    ///
    /// [`OwnedError`], which never repeats the URL.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect(
        url: &SecretString,
        key: &str,
        datasets: Vec<Dataset>,
        target: FieldRef,
        options: OwnedOptions,
    ) -> Result<Self, OwnedError> {
        let mut databases = OwnedDatabases::new(MaskingPolicy::default());
        databases.connect(url, key, datasets, false, options)?;
        Ok(Self::new(Arc::new(databases), target))
    }

    pub(super) fn plan(&self, kind: &IdentityKind) -> Result<Option<LookupPlan>, PlanError> {
        LookupPlan::new(&self.databases.datasets, &self.target, kind)
    }
}

impl fmt::Debug for OwnedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedDirectory").field("target", &self.target).finish_non_exhaustive()
    }
}

#[async_trait]
impl SubjectDirectory for OwnedDirectory {
    #[tracing::instrument(name = "owned.user_ids", skip_all, fields(dataset = %self.target.dataset(), kind = %identity.kind()))]
    async fn user_ids(&self, identity: &Identity, limit: usize) -> Result<DirectoryAnswer, DirectoryError> {
        let Some(plan) = self.plan(identity.kind()).map_err(|error| DirectoryError::Schema(with_cause(&error)))? else {
            return Ok(DirectoryAnswer::default());
        };
        let spellings = spellings(identity);
        let mut lookup = Lookup::new(&self.databases);
        let mut answer = DirectoryAnswer { searched: true, ..DirectoryAnswer::default() };
        let mut seen = HashSet::new();
        for route in plan.routes() {
            for user_id in lookup.follow(route, &spellings, *identity.kind() == IdentityKind::Email).await? {
                if seen.insert(user_id.clone()) {
                    answer.user_ids.push(Pii::new(user_id));
                }
            }
            if answer.user_ids.len() > limit {
                break;
            }
        }
        answer.mismatched = lookup.mismatched;
        answer.truncated = lookup.truncated || answer.user_ids.len() > limit;
        answer.user_ids.truncate(limit);
        Ok(answer)
    }

    #[tracing::instrument(name = "owned.steps", skip_all, fields(dataset = %self.target.dataset()))]
    async fn steps(&self, kinds: &BTreeSet<IdentityKind>) -> Result<Vec<RowStep>, DirectoryError> {
        let mut steps = Vec::new();
        for kind in kinds {
            let plan = self.plan(kind).map_err(|error| DirectoryError::Schema(with_cause(&error)))?;
            for route in plan.iter().flat_map(LookupPlan::routes) {
                let mut values_of = format!("identity {kind}");
                for step in route.steps() {
                    let found = describe::step(&self.databases, step, &mut values_of).await?;
                    if !steps.contains(&found) {
                        steps.push(found);
                    }
                }
            }
        }
        Ok(steps)
    }

    #[tracing::instrument(name = "owned.describe", skip_all, fields(dataset = %self.target.dataset()))]
    async fn describe(&self) -> Vec<DirectoryCheck> {
        describe::checks(self).await
    }
}

/// As given and, for e-mail, in lower case.
pub(super) fn spellings(identity: &Identity) -> Vec<String> {
    // Exposed to become a bind parameter.
    let given = identity.value().expose().clone();
    let lower = given.to_ascii_lowercase();
    if *identity.kind() == IdentityKind::Email && lower != given { vec![given, lower] } else { vec![given] }
}

/// An error with the errors below it; there are no values in any.
pub(super) fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_cause(source)),
        None => error.to_string(),
    }
}
