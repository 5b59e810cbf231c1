//! What humans decide.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::{Entry, State, misuse};
use crate::{
    ConnectionKey, Decision, Finding, FindingCode, Gate, IntentId, LedgerState, Outcome, Pii, Request, RequestId,
    Resume, Task, TaskEvent, TaskState, ports::StoreError,
};

impl State {
    pub(super) fn decide(
        &mut self,
        id: &RequestId,
        decision: &Decision,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<Request>, StoreError> {
        let Some(entry) = self.entry(id) else { return Ok(None) };
        if decision.is_retry() && entry.request.identities.is_none() {
            return Err(misuse("what names the person was destroyed when its time was over: ask anew"));
        }
        let reopened = if decision.is_retry() { regulations_to_reopen(entry) } else { Vec::new() };
        let (step, mut facts) = apply(entry, decision, at)?;
        facts["by"] = by.into();
        entry.log(at, step, facts);
        // Whoever works on it right now must not overwrite the decision.
        entry.hold.revoke();
        entry.refresh(at);
        let decided = entry.request.clone();
        for intent in reopened {
            self.reopen(&intent, at);
        }
        if decision.is_retry() {
            // Whoever says "again" has seen to the quota, too.
            let mine = self.regulations.values_mut().filter(|one| one.people.contains(id));
            mine.for_each(|one| Arc::make_mut(one).ledger.rests_until = None);
        }
        Ok(Some(decided))
    }

    /// A task that goes on with its regulation takes everybody in it along: it is one regulation at Segment.
    fn reopen(&mut self, intent: &IntentId, at: Timestamp) {
        if let Some(regulation) = self.regulation(intent)
            && regulation.ledger.state == LedgerState::Halted
        {
            let ledger = &mut regulation.ledger;
            ledger.state = if ledger.regulation.is_none() { LedgerState::Unknown } else { LedgerState::Tracking };
            (ledger.next_at, ledger.attempts) = (Some(at), 0);
        }
        for (request, connection) in self.tasks_in(intent) {
            let Some(entry) = self.entry(&request) else { continue };
            let Ok(task) = entry.task_mut(&connection) else { continue };
            if goes_on_with_its_regulation(task)
                && let Ok(state) = task.state.apply(TaskEvent::Retry)
            {
                task.state = state;
                entry.refresh(at);
            }
        }
    }
}

fn goes_on_with_its_regulation(task: &Task) -> bool {
    task.state.halt().is_some_and(|halt| matches!(halt.resume, Resume::Sending | Resume::Awaiting))
}

fn regulations_to_reopen(entry: &Entry) -> Vec<IntentId> {
    let tasks = entry.request.tasks.iter().filter(|task| goes_on_with_its_regulation(task));
    tasks.filter_map(|task| task.regulation.clone()).collect()
}

/// Changes the request, and says the step and its facts.
fn apply(entry: &mut Entry, decision: &Decision, at: Timestamp) -> Result<(&'static str, Value), StoreError> {
    Ok(match decision {
        Decision::Approve => {
            decide_gate(entry, Gate::Open, None)?;
            ("approved", json!({}))
        }
        Decision::Deny { reason } => {
            decide_gate(entry, Gate::Denied, Some(reason))?;
            ("denied", json!({"reason": reason.expose()}))
        }
        Decision::Cancel => {
            let changed = entry.each(&TaskEvent::Cancel);
            go_on(entry, None);
            ("canceled", json!({"tasks": changed, "of": entry.request.tasks.len()}))
        }
        Decision::Retry | Decision::RetryAlone => {
            if *decision == Decision::RetryAlone {
                wait_alone(entry);
            }
            let halted = entry.request.tasks.iter().any(|task| task.state.halt().is_some());
            wait_anew(entry, at);
            let changed = if halted { entry.each(&TaskEvent::Retry) } else { 0 };
            go_on(entry, Some(at));
            ("retried", json!({"tasks": changed, "alone": *decision == Decision::RetryAlone}))
        }
        Decision::Settle { connection, note } => {
            settle(entry, connection)?;
            // What stood still because of it goes on.
            go_on(entry, Some(at));
            ("settled", json!({"connection": connection.as_str(), "note": note.expose()}))
        }
        Decision::Extend { reason } => {
            if entry.request.status.is_over() {
                return Err(misuse(format!("the request is over: it is {}", entry.request.status.as_str())));
            }
            if entry.extended {
                return Err(misuse("the deadline was lengthened before; the law allows it once"));
            }
            entry.extended = true;
            entry.request.due_at = entry.request.regime.extended(entry.request.due_at);
            ("extended", json!({"reason": reason.expose()}))
        }
    })
}

fn decide_gate(entry: &mut Entry, gate: Gate, reason: Option<&Pii<String>>) -> Result<(), StoreError> {
    let request = &mut entry.request;
    if request.gate != Gate::Pending {
        return Err(misuse(format!("the request does not wait for approval, it is {}", request.status.as_str())));
    }
    request.gate = gate;
    request.denied_reason = reason.cloned();
    Ok(())
}

/// A worker takes up the tasks that are queued now, if there are any.
fn go_on(entry: &mut Entry, at: Option<Timestamp>) {
    entry.next_at = if entry.has_queued() { at.or(entry.next_at) } else { None };
    for task in entry.request.tasks.iter_mut().filter(|task| task.state == TaskState::Queued) {
        task.attempts = 0;
    }
}

/// What is to be sent again is sent with nobody else.
fn wait_alone(entry: &mut Entry) {
    let again: Vec<_> = entry
        .request
        .tasks
        .iter()
        .filter(|task| task.state.halt().is_some())
        .map(|task| task.connection.clone())
        .collect();
    for connection in again {
        entry.waits.entry(connection).or_default().max_people = Some(1);
    }
}

/// What waits for a regulation again waits, and is counted, from now on.
fn wait_anew(entry: &mut Entry, at: Timestamp) {
    let resumes = |task: &&Task| task.state.halt().is_some_and(|halt| halt.resume == Resume::Resolved);
    let again: Vec<_> = entry.request.tasks.iter().filter(resumes).map(|task| task.connection.clone()).collect();
    for connection in again {
        entry.waits.entry(connection).or_default().since = Some(at);
    }
}

fn settle(entry: &mut Entry, connection: &ConnectionKey) -> Result<(), StoreError> {
    let task = entry.task_mut(connection)?;
    task.state = task.state.apply(TaskEvent::Complete(Outcome::Settled)).map_err(misuse)?;
    task.findings.insert(Finding::new(FindingCode::SettledByHand, "a human settled it; the note stands in the log"));
    Ok(())
}
