//! What waits for a regulation, and closing a batch into an intent.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::json;

use super::state::{Entry, Hold, Regulation, State, after, covers, misuse};
use crate::{
    Action, Backlog, ClaimScope, ConnectionKey, Gate, Intended, IntentPlan, Ledger, LedgerState, Pii, QuotaCategory,
    RequestId, Task, TaskEvent, TaskState, ports::StoreError,
};

/// The people picked for a regulation, and their user ids.
#[derive(Default)]
struct Batch {
    people: Vec<RequestId>,
    subjects: BTreeSet<Pii<String>>,
}

impl State {
    /// The resolved tasks of a scope.
    fn waiting<'a>(&'a self, scope: &'a ClaimScope) -> impl Iterator<Item = (&'a Entry, &'a Task)> {
        let entries = self.requests.values().map(Arc::as_ref).filter(|entry| covers(scope, &entry.request.id));
        let tasks = entries.flat_map(|entry| entry.request.tasks.iter().map(move |task| (entry, task)));
        tasks.filter(|(_, task)| task.state == TaskState::Resolved)
    }

    pub(super) fn backlog(&self, scope: &ClaimScope, at: Timestamp) -> Vec<Backlog> {
        let mut groups: BTreeMap<_, Backlog> = BTreeMap::new();
        for (entry, task) in self.waiting(scope) {
            let (Some(kind), Some(since)) = (&task.kind, since(entry, task)) else { continue };
            let group =
                groups.entry((task.connection.clone(), kind.clone(), task.source.clone())).or_insert_with(|| Backlog {
                    connection: task.connection.clone(),
                    kind: kind.clone(),
                    source: task.source.clone(),
                    people: 0,
                    subjects: 0,
                    since,
                    resolvable: self.resolvable(&task.connection, scope, at),
                    rests_until: self.rests_until(&task.connection, kind.quota(), at),
                });
            group.people += 1;
            group.subjects += task.user_ids;
            group.since = group.since.min(since);
        }
        groups.into_values().collect()
    }

    /// Whether an erasure that has this connection is due, or being resolved right now.
    fn resolvable(&self, connection: &ConnectionKey, scope: &ClaimScope, at: Timestamp) -> bool {
        self.requests.values().any(|entry| {
            let request = &entry.request;
            entry.task(connection).is_some_and(|task| task.state == TaskState::Queued)
                && request.action != Action::Access
                && request.gate == Gate::Open
                && entry.next_at.is_some_and(|next| next <= at)
                && covers(scope, &request.id)
                && self.need_not_wait(entry)
        })
    }

    /// Until when Segment asked to wait with a category, if that lies ahead.
    fn rests_until(&self, connection: &ConnectionKey, category: QuotaCategory, at: Timestamp) -> Option<Timestamp> {
        let ledgers = self.regulations.values().map(|regulation| &regulation.ledger);
        let of_category = ledgers.filter(|ledger| (&ledger.connection, ledger.kind.quota()) == (connection, category));
        of_category.filter_map(|ledger| ledger.rests_until).max().filter(|until| *until > at)
    }

    pub(super) fn intend(&mut self, plan: &IntentPlan, now: Timestamp) -> Result<Intended, StoreError> {
        let Some(batch) = self.pick(plan) else { return Ok(Intended::Nothing) };
        if batch.people.is_empty() {
            return Ok(Intended::OverQuota);
        }
        if self.regulations.contains_key(&plan.intent) {
            return Err(misuse("an intent of this id is recorded already"));
        }
        let facts = json!({
            "intent": plan.intent.as_str(), "connection": plan.connection.as_str(), "type": plan.kind.as_str(),
            "people": batch.people.len(), "subjects": batch.subjects.len(),
        });
        for id in &batch.people {
            let Some(entry) = self.entry(id) else { continue };
            let task = entry.task_mut(&plan.connection)?;
            task.state = task.state.apply(TaskEvent::Intend).map_err(misuse)?;
            task.regulation = Some(plan.intent.clone());
            // An earlier regulation's read-back says nothing of this one.
            task.verified_at = None;
            entry.log(plan.at, "intended", facts.clone());
        }
        let ledger = ledger(plan, batch.subjects, now);
        let regulation = Regulation { ledger, people: batch.people, hold: Hold::default() };
        self.regulations.insert(plan.intent.clone(), Arc::new(regulation));
        let claimed = self.take_regulation(&plan.intent, plan.lease, now);
        Ok(claimed.map_or(Intended::Nothing, |claimed| Intended::Recorded(Box::new(claimed))))
    }

    /// People who cannot wait for the next month, and of whom it is not known yet who they are.
    fn urgent(&self, plan: &IntentPlan) -> u64 {
        let is_queued = |task: &&Task| task.connection == plan.connection && task.state == TaskState::Queued;
        let urgent = self.requests.values().filter(|entry| {
            entry.next_at.is_some()
                && entry.request.gate == Gate::Open
                && entry.request.action == Action::Erasure
                && entry.request.due_at < plan.quota.urgent_before
        });
        urgent.flat_map(|entry| entry.request.tasks.iter().filter(is_queued)).count() as u64
    }

    /// By deadline, until one of the limits is reached. A person's ids are not split. `None` when nobody waits.
    fn pick(&self, plan: &IntentPlan) -> Option<Batch> {
        let of_plan = |task: &Task| {
            (&task.connection, task.kind.as_ref(), &task.source) == (&plan.connection, Some(&plan.kind), &plan.source)
        };
        let limit = |entry: &Entry| entry.waits.get(&plan.connection).and_then(|waiting| waiting.max_people);
        let mut waiting: Vec<_> = self.waiting(&plan.scope).filter(|(_, task)| of_plan(task)).collect();
        waiting.sort_by_key(|(entry, _)| (entry.request.due_at, entry.request.id.clone()));
        let own = limit(waiting.first()?.0);
        let used = self.submitted(&plan.connection, plan.kind.quota(), plan.quota.since);
        let urgent = self.urgent(plan);
        let left = |entry: &Entry| {
            let is_urgent = entry.request.due_at < plan.quota.urgent_before;
            let kept = if is_urgent { 0 } else { plan.quota.reserve.min(urgent) };
            plan.quota.users.saturating_sub(kept).saturating_sub(used)
        };
        // Parts of a refused batch go the larger ones first, so that a part is tried next to its other half. A part for which
        // the month has no room keeps back no smaller one, whose people may be more urgent.
        let first_of_part = waiting.iter().rev().filter_map(|&(entry, task)| Some((limit(entry)?, (entry, task))));
        let mut parts = first_of_part.collect::<BTreeMap<_, _>>().into_iter().rev().filter(|_| own.is_some());
        let part = parts.find(|(_, (entry, task))| task.user_ids <= left(entry)).map(|(most, _)| most).or(own);
        let mut batch = Batch::default();
        let mut bytes = 2;
        for (entry, task) in waiting.into_iter().filter(|(entry, _)| limit(entry) == part) {
            let Some(resolution) = &task.resolution else { continue };
            bytes += resolution.user_ids.iter().map(json_bytes).sum::<u64>();
            let subjects = batch.subjects.len() as u64 + task.user_ids;
            let full = subjects > plan.max_subjects || bytes > plan.max_bytes;
            let first = batch.people.is_empty();
            if subjects > left(entry) || (full && !first) || part.is_some_and(|most| batch.people.len() as u64 >= most)
            {
                break;
            }
            batch.people.push(entry.request.id.clone());
            batch.subjects.extend(resolution.user_ids.iter().cloned());
        }
        Some(batch)
    }
}

/// An id in a JSON list, with the comma.
fn json_bytes(id: &Pii<String>) -> u64 {
    serde_json::Value::from(id.expose().as_str()).to_string().len() as u64 + 1
}

/// Since when a resolved task waits.
pub(super) fn since(entry: &Entry, task: &Task) -> Option<Timestamp> {
    entry.waits.get(&task.connection).and_then(|waiting| waiting.since)
}

fn ledger(plan: &IntentPlan, subjects: BTreeSet<Pii<String>>, now: Timestamp) -> Ledger {
    Ledger {
        intent: plan.intent.clone(),
        connection: plan.connection.clone(),
        kind: plan.kind.clone(),
        source: plan.source.clone(),
        state: LedgerState::Sending,
        regulation: None,
        status: None,
        subject_count: subjects.len() as u64,
        subjects,
        created_at: plan.at,
        send_by: after(now, plan.send_within),
        absent_at: None,
        accepted_at: None,
        finished_at: None,
        next_at: None,
        rests_until: None,
        attempts: 0,
        looks: 0,
        destinations: Vec::new(),
        members: Vec::new(),
    }
}
