//! What is kept, and what follows from it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::json;

use crate::{
    Action, AuditEntry, ClaimScope, ConnectionKey, HoldId, Identity, IntentId, Ledger, LegalHold, Pii, Request,
    RequestId, RequestStatus, Task, TaskEvent, TaskState, ports::StoreError,
};

/// Everything. Entries are shared between copies until one of them changes.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) requests: BTreeMap<RequestId, Arc<Entry>>,
    pub(super) regulations: BTreeMap<IntentId, Arc<Regulation>>,
    /// By id, which sorts by time.
    pub(super) holds: BTreeMap<HoldId, LegalHold>,
}

/// A request and what only the store knows of it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) request: Request,
    pub(super) log: Vec<AuditEntry>,
    pub(super) extended: bool,
    /// When a worker may take it up; `None` when there is nothing to do.
    pub(super) next_at: Option<Timestamp>,
    /// When it ended; `None` while it is open.
    pub(super) ended_at: Option<Timestamp>,
    pub(super) package_deleted: bool,
    /// What recognises the same again, until it is forgotten: external id, and identities.
    pub(super) recognised: Option<(Option<Pii<String>>, Pii<String>)>,
    pub(super) hold: Hold,
    pub(super) waits: BTreeMap<ConnectionKey, Waiting>,
}

/// What a task's next regulation depends on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) since: Option<Timestamp>,
    pub(super) max_people: Option<u64>,
}

/// A regulation with everybody who was ever sent with it.
#[derive(Debug, Clone)]
pub(super) struct Regulation {
    pub(super) ledger: Ledger,
    pub(super) people: Vec<RequestId>,
    pub(super) hold: Hold,
}

/// Who holds something: until when, and the fencing token.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hold {
    pub(super) until: Option<Timestamp>,
    pub(super) fence: i64,
    /// Claims since the last step that was saved or given back.
    pub(super) tries: u32,
}

impl Hold {
    pub(super) fn is_free(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until <= now)
    }

    pub(super) fn take(&mut self, lease: Duration, now: Timestamp) -> i64 {
        self.until = Some(after(now, lease));
        self.fence += 1;
        self.tries += 1;
        self.fence
    }

    /// Takes it from whoever holds it: the token is worth nothing any more.
    pub(super) fn revoke(&mut self) {
        self.until = None;
        self.fence += 1;
        self.tries = 0;
    }
}

/// A moment later; the end of time where there is none.
pub(super) fn after(moment: Timestamp, by: Duration) -> Timestamp {
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(super) fn misuse(error: impl std::fmt::Display) -> StoreError {
    StoreError::Misuse(error.to_string())
}

pub(super) fn covers(scope: &ClaimScope, id: &RequestId) -> bool {
    match scope {
        ClaimScope::All => true,
        ClaimScope::Requests(ids) => ids.contains(id),
    }
}

impl Entry {
    pub(super) fn log(&mut self, at: Timestamp, step: &str, facts: serde_json::Value) {
        self.log.push(AuditEntry::new(at, step, facts));
    }

    /// Whether this is its external id, also when only that recognises it any more.
    pub(super) fn is_called(&self, external_id: &Pii<String>) -> bool {
        self.recognised.as_ref().is_some_and(|(known, _)| known.as_ref() == Some(external_id))
    }

    pub(super) fn task(&self, connection: &ConnectionKey) -> Option<&Task> {
        self.request.tasks.iter().find(|task| &task.connection == connection)
    }

    pub(super) fn task_mut(&mut self, connection: &ConnectionKey) -> Result<&mut Task, StoreError> {
        let task = self.request.tasks.iter_mut().find(|task| &task.connection == connection);
        task.ok_or_else(|| misuse("the request has no task of this connection"))
    }

    pub(super) fn has_queued(&self) -> bool {
        self.request.tasks.iter().any(|task| task.state == TaskState::Queued)
    }

    /// Applies a decision to every task that can take it; how many did.
    pub(super) fn each(&mut self, event: &TaskEvent) -> usize {
        let decided: Vec<_> = self.request.tasks.iter().map(|task| self.request.decided(task, event)).collect();
        let changed = decided.iter().flatten().count();
        for (task, state) in self.request.tasks.iter_mut().zip(decided) {
            task.state = state.unwrap_or_else(|| task.state.clone());
        }
        changed
    }

    /// Recomputes what follows from the tasks; a change of the status is told in the log.
    pub(super) fn refresh(&mut self, at: Timestamp) {
        let request = &mut self.request;
        let before = request.status;
        let tasks = request.tasks.iter().map(|task| (task.holder, &task.state));
        request.status = RequestStatus::of(request.gate, request.begun, RequestStatus::standing(request.action, tasks));
        let complete = request.status == RequestStatus::Complete;
        request.completed_at = complete.then(|| request.completed_at.unwrap_or(at));
        let regulated = request.tasks.iter().filter(|task| task.kind.is_some() && task.state.outcome().is_some());
        let looks: Option<Vec<_>> = regulated.map(|task| task.verified_at).collect();
        request.verified_at = looks.filter(|_| complete).and_then(|looks| looks.into_iter().max());
        let after = request.status;
        // Nothing else wakes an erasure whose rows may be masked from now on.
        if self.next_at.is_none() && self.request.may_mask() && self.has_queued() {
            self.next_at = Some(at);
        }
        self.ended_at = after.is_terminal().then(|| self.ended_at.unwrap_or(at));
        if before != after {
            self.log(at, "status", json!({"from": before.as_str(), "to": after.as_str()}));
        }
    }
}

impl State {
    pub(super) fn find(&self, id: &RequestId) -> Option<&Entry> {
        self.requests.get(id).map(Arc::as_ref)
    }

    pub(super) fn entry(&mut self, id: &RequestId) -> Option<&mut Entry> {
        self.requests.get_mut(id).map(Arc::make_mut)
    }

    pub(super) fn regulation(&mut self, intent: &IntentId) -> Option<&mut Regulation> {
        self.regulations.get_mut(intent).map(Arc::make_mut)
    }

    /// An erasure waits while an earlier access of the same person is open, since what is to be sent to the person must
    /// not be deleted before.
    pub(super) fn need_not_wait(&self, entry: &Entry) -> bool {
        self.waits_for(&entry.request).is_none()
    }

    /// The first access that this erasure waits for.
    pub(super) fn waits_for(&self, mine: &Request) -> Option<&RequestId> {
        let before = |theirs: &Request| theirs.received_at <= mine.received_at;
        let blocks = |theirs: &&Request| {
            theirs.action == Action::Access
                && !theirs.status.is_terminal()
                && before(theirs)
                && share_identity(theirs, mine)
        };
        let all = self.requests.values().map(|other| &other.request).filter(|_| mine.action == Action::Erasure);
        all.filter(blocks).map(|access| &access.id).min()
    }
}

fn share_identity(one: &Request, other: &Request) -> bool {
    let keys =
        |request: &Request| -> Vec<_> { request.identities.iter().flatten().map(Identity::comparison_key).collect() };
    let theirs = keys(other);
    keys(one).iter().any(|key| theirs.contains(key))
}
