//! All regulations, and the outcomes scripted for those to come.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;

use crate::config::MockConfig;
use crate::state::outcome::{Outcome, Which};
use crate::state::regulation::{NewRegulation, Regulation};

#[derive(Debug, Default)]
pub(crate) struct Regulations {
    /// In the order of creation.
    entries: Vec<Regulation>,
    index: HashMap<String, usize>,
    /// Indexes of those whose erasure may still come.
    open: Vec<usize>,
    next: VecDeque<Outcome>,
    rules: Vec<(Which, Outcome)>,
}

impl Regulations {
    pub(crate) fn add(
        &mut self,
        id: String,
        what: NewRegulation,
        outcome: Option<Outcome>,
        now: Timestamp,
        config: &MockConfig,
    ) {
        let scripted = self.next.pop_front().or_else(|| self.rule_for(&what));
        let outcome = scripted.or(outcome).unwrap_or_else(Outcome::finished);
        if what.deletes_profiles() {
            self.open.push(self.entries.len());
        }
        self.index.insert(id.clone(), self.entries.len());
        self.entries.push(Regulation::new(id, what, outcome, now, config));
    }

    fn rule_for(&self, what: &NewRegulation) -> Option<Outcome> {
        let fits = |which: &Which| match which {
            Which::Subject(subject) => what.subjects.contains(subject),
            _ => true,
        };
        self.rules.iter().rev().find(|(which, _)| fits(which)).map(|(_, outcome)| outcome.clone())
    }

    pub(crate) fn set_outcome(&mut self, which: Which, outcome: &Outcome, now: Timestamp) {
        let concerns = |one: &Regulation| match &which {
            Which::Next => false,
            Which::Id(id) => one.id == *id,
            Which::Subject(subject) => one.what.subjects.contains(subject),
            Which::Any => true,
        };
        for regulation in self.entries.iter_mut().filter(|one| concerns(one) && !one.ended(now)) {
            regulation.set_outcome(outcome.clone());
        }
        match which {
            Which::Next => self.next.push_back(outcome.clone()),
            Which::Id(_) => {}
            Which::Subject(_) | Which::Any => self.rules.push((which, outcome.clone())),
        }
    }

    /// Forces a status; `false` when there is no such regulation.
    pub(crate) fn force(&mut self, id: &str, status: &str, now: Timestamp) -> bool {
        let found = self.index.get(id).and_then(|index| self.entries.get_mut(*index));
        found.map(|regulation| regulation.force(status, now)).is_some()
    }

    pub(crate) fn all(&self) -> &[Regulation] {
        &self.entries
    }

    /// A regulation that get shows at this moment.
    pub(crate) fn get(&self, id: &str, now: Timestamp) -> Option<&Regulation> {
        let found = self.index.get(id).and_then(|index| self.entries.get(*index));
        found.filter(|regulation| regulation.shown(now))
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.entries.retain(|regulation| regulation.id != id);
        self.index = self.entries.iter().enumerate().map(|(index, one)| (one.id.clone(), index)).collect();
        let deleting = self.entries.iter().enumerate().filter(|(_, one)| one.what.deletes_profiles());
        self.open = deleting.map(|(index, _)| index).collect();
    }

    /// The users whose erasure has become due since the last call.
    pub(crate) fn take_due_erasures(&mut self, now: Timestamp) -> Vec<String> {
        let mut users = Vec::new();
        let entries = &mut self.entries;
        self.open.retain(|index| {
            let Some(regulation) = entries.get_mut(*index) else { return false };
            let due = regulation.take_due_erasure(now);
            users.extend_from_slice(due);
            // One without erasure stays open: its status or outcome may still be forced.
            due.is_empty()
        });
        users
    }
}
