//! A directory that knows what it is told.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::{
    Identity, IdentityKind, Pii, RowStep,
    ports::{DirectoryAnswer, DirectoryCheck, DirectoryError, SubjectDirectory},
};

/// Who is known by which user ids. It searches for the kinds that it holds.
#[derive(Debug, Clone, Default)]
pub struct FakeDirectory {
    kinds: BTreeSet<IdentityKind>,
    people: BTreeMap<Pii<String>, Vec<Pii<String>>>,
}

impl FakeDirectory {
    /// It knows nobody and holds no kind of identity.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It holds identities of this kind.
    #[must_use]
    pub fn holding(mut self, kind: IdentityKind) -> Self {
        self.kinds.insert(kind);
        self
    }

    /// It knows these user ids for the identity, and holds identities of its kind. Repetitions are rows that say the same.
    #[must_use]
    pub fn with(mut self, identity: &Identity, user_ids: &[&str]) -> Self {
        let known = self.people.entry(identity.comparison_key()).or_default();
        known.extend(user_ids.iter().map(|id| Pii::from(*id)));
        self.holding(identity.kind().clone())
    }
}

#[async_trait]
impl SubjectDirectory for FakeDirectory {
    async fn user_ids(&self, identity: &Identity, limit: usize) -> Result<DirectoryAnswer, DirectoryError> {
        let mut answer =
            DirectoryAnswer { searched: self.kinds.contains(identity.kind()), ..DirectoryAnswer::default() };
        for id in self.people.get(&identity.comparison_key()).into_iter().flatten() {
            if !answer.user_ids.contains(id) {
                answer.user_ids.push(id.clone());
            }
        }
        answer.truncated = answer.user_ids.len() > limit;
        answer.user_ids.truncate(limit);
        Ok(answer)
    }

    async fn steps(&self, _kinds: &BTreeSet<IdentityKind>) -> Result<Vec<RowStep>, DirectoryError> {
        Ok(Vec::new())
    }

    async fn describe(&self) -> Vec<DirectoryCheck> {
        let check = |kind| DirectoryCheck { name: format!("directory: {kind}"), result: Ok("held".to_owned()) };
        self.kinds.iter().map(check).collect()
    }
}
