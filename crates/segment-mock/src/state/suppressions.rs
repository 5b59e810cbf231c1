//! Which users may send no data.

use std::collections::HashSet;

use crate::state::regulation::{NewRegulation, Scope};

#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    /// In the order of suppression.
    entries: Vec<Suppression>,
    covered: HashSet<Covered>,
}

/// A user and the source it is suppressed for; `None` for the whole workspace.
type Covered = (String, Option<String>);

#[derive(Debug)]
struct Suppression {
    what: Covered,
    regulation: String,
}

impl Suppressions {
    /// Applies a new regulation; `true` when processing must fail: the source level cannot lift what the workspace
    /// suppresses \[TS\].
    pub(crate) fn apply(&mut self, regulation: &str, new: &NewRegulation) -> bool {
        let source = match &new.scope {
            Scope::Workspace => None,
            Scope::Source(source) | Scope::CloudSource { source, .. } => Some(source.clone()),
        };
        if !new.of_users() {
            return false;
        }
        if new.kind == "UNSUPPRESS" {
            return self.lift(&new.subjects, source.as_deref());
        }
        if new.kind.starts_with("SUPPRESS_") {
            for user_id in &new.subjects {
                self.add((user_id.clone(), source.clone()), regulation);
            }
        }
        false
    }

    fn add(&mut self, what: Covered, regulation: &str) {
        if self.covered.insert(what.clone()) {
            self.entries.push(Suppression { what, regulation: regulation.to_owned() });
        }
    }

    fn lift(&mut self, users: &[String], source: Option<&str>) -> bool {
        let of_source = source.is_some();
        let lifted: HashSet<Covered> =
            users.iter().map(|user_id| (user_id.clone(), source.map(str::to_owned))).collect();
        self.keep(|one| !lifted.contains(&one.what));
        of_source && users.iter().any(|user_id| self.covered.contains(&(user_id.clone(), None)))
    }

    fn keep(&mut self, wanted: impl Fn(&Suppression) -> bool) {
        self.entries.retain(wanted);
        self.covered = self.entries.iter().map(|one| one.what.clone()).collect();
    }

    /// Whether data of this user from this source are dropped.
    pub(crate) fn drops(&self, user_id: &str, source: &str) -> bool {
        let covers = |source: Option<&str>| self.covered.contains(&(user_id.to_owned(), source.map(str::to_owned)));
        covers(None) || covers(Some(source))
    }

    pub(crate) fn withdraw(&mut self, regulation: &str) {
        self.keep(|one| one.regulation != regulation);
    }

    /// The users suppressed for the whole workspace, oldest first.
    pub(crate) fn of_workspace(&self) -> Vec<String> {
        self.entries.iter().filter(|one| one.what.1.is_none()).map(|one| one.what.0.clone()).collect()
    }
}
