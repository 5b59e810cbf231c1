//! A regulation to create: what is ordered, for whom, and where it holds (docs/segment-api.md, 2.5).

use std::collections::BTreeSet;

use crate::{Pii, RegulationType};

/// Subjects in one regulation, at most (documented).
pub const MAX_SUBJECTS: usize = 5_000;

/// Where a regulation holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RegulationScope {
    /// The whole workspace.
    #[default]
    Workspace,
    /// One source: by its id on the Public API, by its slug on the Config API.
    Source(String),
    /// Objects of one collection of a cloud source.
    CloudSource {
        /// The source's id.
        source: String,
        /// The collection, such as `contacts`.
        collection: String,
    },
}

impl RegulationScope {
    /// One source, or the whole workspace without one.
    #[must_use]
    pub fn of_source(source: Option<&str>) -> Self {
        source.map_or(Self::Workspace, |source| Self::Source(source.to_owned()))
    }
}

/// What the ids of a regulation are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SubjectType {
    /// User ids.
    #[default]
    UserId,
    /// Anonymous ids: only with [`RegulationType::DeleteArchiveOnly`] at a source, in workspaces that Segment has enabled it
    /// for.
    AnonymousId,
    /// Object ids, of a cloud source or of the workspace.
    ObjectId,
}

impl SubjectType {
    /// The Public API's spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserId => "USER_ID",
            Self::AnonymousId => "ANONYMOUS_ID",
            Self::ObjectId => "OBJECT_ID",
        }
    }
}

/// A regulation to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRegulation {
    /// What is ordered.
    pub kind: RegulationType,
    /// Where it holds.
    pub scope: RegulationScope,
    /// What the subjects are.
    pub subject_type: SubjectType,
    /// The ids, 1 to [`MAX_SUBJECTS`], without repetition.
    pub subjects: BTreeSet<Pii<String>>,
}

impl NewRegulation {
    /// An order about users in the whole workspace.
    #[must_use]
    pub fn of_users(kind: RegulationType, subjects: BTreeSet<Pii<String>>) -> Self {
        Self { kind, scope: RegulationScope::Workspace, subject_type: SubjectType::UserId, subjects }
    }

    /// The same order for another scope.
    #[must_use]
    pub fn at(self, scope: RegulationScope) -> Self {
        Self { scope, ..self }
    }

    /// Why Segment cannot take it, by what is documented of types, subjects and scopes; a type that is not documented is
    /// left to Segment. Clients ask this before anything is sent.
    #[must_use]
    pub fn contradiction(&self) -> Option<&'static str> {
        use {RegulationScope as Scope, SubjectType as Of};
        let archive = self.kind == RegulationType::DeleteArchiveOnly;
        if self.subjects.is_empty() || self.subjects.len() > MAX_SUBJECTS {
            return Some("a regulation is about 1 to 5,000 ids");
        }
        match (&self.scope, self.subject_type) {
            (Scope::Workspace | Scope::CloudSource { .. }, _) if archive => {
                Some("DELETE_ARCHIVE_ONLY is for one source only")
            }
            (Scope::Source(_), Of::AnonymousId) if archive => None,
            (_, Of::AnonymousId) => Some("anonymous ids are taken only by DELETE_ARCHIVE_ONLY at a source"),
            (Scope::CloudSource { .. }, Of::UserId) => Some("a cloud source has objects, not users"),
            (Scope::Source(_), Of::ObjectId) => Some("a source has users, not objects"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: RegulationType, scope: RegulationScope, subject_type: SubjectType) -> NewRegulation {
        NewRegulation { kind, scope, subject_type, subjects: BTreeSet::from([Pii::from("id-1")]) }
    }

    #[test]
    fn what_is_documented_is_taken() {
        use {RegulationType as Type, SubjectType as Of};
        let source = || RegulationScope::Source("qW3e".into());
        let cloud = || RegulationScope::CloudSource { source: "qW3e".into(), collection: "contacts".into() };
        for taken in [
            order(Type::SuppressOnly, RegulationScope::Workspace, Of::UserId),
            order(Type::DeleteOnly, RegulationScope::Workspace, Of::ObjectId),
            order(Type::SuppressWithDelete, source(), Of::UserId),
            order(Type::DeleteArchiveOnly, source(), Of::UserId),
            order(Type::DeleteArchiveOnly, source(), Of::AnonymousId),
            order(Type::DeleteOnly, cloud(), Of::ObjectId),
            order(Type::parse("DELETE_TOMORROW"), source(), Of::UserId),
        ] {
            assert_eq!(taken.contradiction(), None, "{taken:?}");
        }
        for refused in [
            order(Type::DeleteArchiveOnly, RegulationScope::Workspace, Of::UserId),
            order(Type::DeleteArchiveOnly, RegulationScope::Workspace, Of::AnonymousId),
            order(Type::DeleteOnly, source(), Of::AnonymousId),
            order(Type::DeleteOnly, source(), Of::ObjectId),
            order(Type::DeleteOnly, cloud(), Of::UserId),
            order(Type::DeleteArchiveOnly, cloud(), Of::ObjectId),
            NewRegulation::of_users(Type::DeleteOnly, BTreeSet::new()),
        ] {
            assert!(refused.contradiction().is_some(), "{refused:?}");
        }
    }
}
