//! What was seen of requests, to tell what must not be undone.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use segment_core::{Decision, Request, RequestId, RequestStatus, TaskState};

#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Seen>);

#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The last status.
    pub(crate) status: BTreeMap<RequestId, RequestStatus>,
    /// Asked to be done again since.
    pub(crate) retried: BTreeSet<RequestId>,
}

impl History {
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A human's word may take back what a worker's may not.
    pub(crate) fn decided(&self, before: &Request, decision: &Decision) {
        let is_halted =
            before.tasks.iter().any(|task| matches!(task.state, TaskState::Attention(_) | TaskState::Error(_)));
        if decision.is_retry() && is_halted {
            self.seen().retried.insert(before.id.clone());
        }
    }
}
