//! Saving a step of a claimed request.

use jiff::Timestamp;

use super::state::{Entry, State, misuse};
use crate::{IntentId, Lease, LeaseSubject, RequestUpdate, Task, TaskState, ports::StoreError};

impl State {
    pub(super) fn save_request(&mut self, lease: &Lease, update: &RequestUpdate) -> Result<(), StoreError> {
        let LeaseSubject::Request(id) = &lease.subject else {
            return Err(misuse("a step of a request needs the lease of a request"));
        };
        self.give_back(lease)?;
        let entry = self.entry(id).ok_or(StoreError::StaleLease)?;
        for task in &update.tasks {
            save_task(entry, task, update.at)?;
        }
        entry.next_at = update.next_at;
        if update.package.is_some() {
            entry.package_deleted = false;
            entry.request.package.clone_from(&update.package);
        }
        entry.log.extend(update.audit.iter().cloned());
        entry.refresh(update.at);
        Ok(())
    }

    pub(super) fn save_task(&mut self, lease: &Lease, task: &Task, at: Timestamp) -> Result<(), StoreError> {
        let LeaseSubject::Request(id) = &lease.subject else {
            return Err(misuse("a step of a request needs the lease of a request"));
        };
        self.hold(lease)?;
        save_task(self.entry(id).ok_or(StoreError::StaleLease)?, task, at)
    }
}

fn save_task(entry: &mut Entry, task: &Task, at: Timestamp) -> Result<(), StoreError> {
    if task.state == TaskState::Resolved {
        let ids = task.resolution.as_ref().map_or(0, |resolution| resolution.user_ids.len());
        if ids == 0 || task.kind.is_none() {
            return Err(misuse("a task without user ids and a type cannot wait for a regulation"));
        }
        entry.waits.entry(task.connection.clone()).or_default().since = Some(at);
    }
    let stored = entry.task_mut(&task.connection)?;
    // Which regulation it is part of changes with regulations only.
    let regulation: Option<IntentId> = stored.regulation.take();
    *stored = Task { regulation, ..task.clone() };
    Ok(())
}
