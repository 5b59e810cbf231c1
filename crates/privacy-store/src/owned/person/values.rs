//! Values on their way from one collection to the next.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use privacy_dataset::{Entry, FieldRef, Origin, Traversal, Visit};
use segment_core::{ConnectionKey, Identity, IdentityKind, RowTrace, Subject};

use crate::owned::{database::Column, directory::spellings};

/// A value, and whether the rows that it stands in are the person's alone.
pub(super) type Found = BTreeMap<String, bool>;

/// The values that a collection is asked by, in one of its columns.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) keys: Vec<String>,
    /// E-mail addresses are equal whatever their case.
    fold_case: bool,
    /// By what the column shows, whether a row with it is the person's alone.
    own: HashMap<String, bool>,
}

impl Asked {
    fn new(found: Found, fold_case: bool) -> Self {
        Self { keys: found.keys().cloned().collect(), fold_case, own: found.into_iter().collect() }
    }

    /// Makes it comparable with what a column shows.
    pub(super) fn for_column(self, column: &Column) -> Self {
        let mut own = HashMap::with_capacity(self.own.len());
        for (value, is_own) in &self.own {
            let canonical = self.folded(&column.comparison.asked(value));
            *own.entry(canonical).or_default() |= *is_own;
        }
        Self { own, ..self }
    }

    /// Whether it is one of the values that was asked for, and then whether the row is the person's alone.
    pub(super) fn contains(&self, column: &Column, shown: &str) -> Option<bool> {
        let canonical = self.own.get(&self.folded(&column.comparison.canonical(shown)));
        canonical.or_else(|| self.own.get(&self.folded(shown))).copied()
    }

    fn folded(&self, text: &str) -> String {
        if self.fold_case { text.to_ascii_lowercase() } else { text.to_owned() }
    }
}

/// What is known on the way: of the person from outside, and of each visit what its rows hold.
pub(super) struct Values<'a> {
    subject: &'a Subject,
    targets: &'a BTreeMap<ConnectionKey, FieldRef>,
    /// What was stored of rows in databases that are not asked now.
    trace: Option<&'a RowTrace>,
    /// By visit and column.
    taken: HashMap<(usize, String), Found>,
}

impl<'a> Values<'a> {
    pub(super) fn new(
        subject: &'a Subject,
        targets: &'a BTreeMap<ConnectionKey, FieldRef>,
        trace: Option<&'a RowTrace>,
    ) -> Self {
        Self { subject, targets, trace, taken: HashMap::new() }
    }

    /// Notes a value of a visit's rows. An empty one says that there is none, and would join all who have none.
    pub(super) fn take(&mut self, visit: usize, column: &Column, value: &str, own: bool) {
        if value.trim().is_empty() {
            return;
        }
        let value = column.comparison.carried(value).into_owned();
        *self.taken.entry((visit, column.name.clone())).or_default().entry(value).or_default() |= own;
    }

    /// What an entry asks by.
    pub(super) fn asked(&self, plan: &Traversal, of: &Visit, entry: &Entry) -> Asked {
        match &entry.values {
            Origin::Identity(kind) => {
                let identities = self.subject.identities.iter().filter(|identity| identity.kind() == kind);
                let all = identities.flat_map(|identity: &Identity| spellings(identity));
                Asked::new(all.map(|value| (value, true)).collect(), *kind == IdentityKind::Email)
            }
            Origin::UserIds(target) => {
                let connections = self.targets.iter().filter(|(_, field)| *field == target).map(|(key, _)| key);
                let ids = connections.filter_map(|key| self.subject.user_ids.get(key)).flatten();
                // Exposed to become bind parameters.
                Asked::new(ids.map(|id| (id.expose().clone(), true)).collect(), false)
            }
            Origin::Rows { visit, column, .. } => {
                let stored = || {
                    let trace = self.trace?.entered_by.get(&of.field(&entry.column))?;
                    Some(trace.iter().map(|(value, own)| (value.expose().clone(), *own)).collect())
                };
                let elsewhere = plan.visits[*visit].dataset != of.dataset && self.trace.is_some();
                let taken = || self.taken.get(&(*visit, column.clone())).cloned();
                let found = taken().or_else(|| if elsewhere { stored() } else { None }).unwrap_or_default();
                Asked::new(followed(&entry.values, found), false)
            }
            _ => Asked::default(),
        }
    }

    /// The values that lead from one visit to another, as they are followed.
    pub(super) fn leading(&self, entry: &Entry) -> Found {
        let Origin::Rows { visit, column, .. } = &entry.values else { return Found::new() };
        followed(&entry.values, self.taken.get(&(*visit, column.clone())).cloned().unwrap_or_default())
    }

    /// The kinds of identity that are given.
    pub(super) fn kinds(subject: &Subject) -> BTreeSet<IdentityKind> {
        subject.identities.iter().map(|identity| identity.kind().clone()).collect()
    }
}

/// Which of the values are followed, and what becomes of whose they are.
fn followed(origin: &Origin, found: Found) -> Found {
    let Origin::Rows { up, only_own, .. } = origin else { return found };
    let found = found.into_iter().filter(|(_, own)| *own || !only_own);
    found.map(|(value, own)| (value, own && !up)).collect()
}
