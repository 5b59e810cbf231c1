//! Saving a step of a claimed regulation, and what it means for the people in it.

use jiff::Timestamp;

use super::state::{State, misuse};
use crate::{
    ConnectionKey, IntentId, Lease, LeaseSubject, Ledger, LedgerUpdate, MemberChange, MemberNote, RegulationId,
    RequestId, TaskEvent, TaskState, ports::StoreError,
};

impl State {
    pub(super) fn save_regulation(
        &mut self,
        lease: &Lease,
        update: &LedgerUpdate,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let LeaseSubject::Regulation(intent) = &lease.subject else {
            return Err(misuse("a step of a regulation needs the lease of a regulation"));
        };
        if &update.ledger.intent != intent {
            return Err(misuse("the lease is of another regulation"));
        }
        self.give_back(lease)?;
        self.write_ledger(intent, update, now)?;
        self.change_members(intent, update)
    }

    fn write_ledger(&mut self, intent: &IntentId, update: &LedgerUpdate, now: Timestamp) -> Result<(), StoreError> {
        let (new, taken) = (&update.ledger, self.owner_of(&update.ledger));
        if taken.is_some_and(|owner| owner != *intent) {
            return Err(misuse("Segment's id belongs to another regulation of the connection"));
        }
        let Some(regulation) = self.regulation(intent) else { return Err(StoreError::StaleLease) };
        let ledger = &mut regulation.ledger;
        ledger.state = new.state;
        ledger.regulation.clone_from(&new.regulation);
        ledger.status.clone_from(&new.status);
        if update.absent {
            ledger.absent_at.get_or_insert(now);
        }
        (ledger.accepted_at, ledger.finished_at, ledger.next_at) = (new.accepted_at, new.finished_at, new.next_at);
        (ledger.attempts, ledger.looks, ledger.rests_until) = (new.attempts, new.looks, new.rests_until);
        if !new.destinations.is_empty() {
            ledger.destinations.clone_from(&new.destinations);
        }
        Ok(())
    }

    /// Which of our regulations has Segment's id of this one.
    fn owner_of(&self, ledger: &Ledger) -> Option<IntentId> {
        let id = ledger.regulation.as_ref()?;
        self.with_id(&ledger.connection, id).cloned()
    }

    fn with_id(&self, connection: &ConnectionKey, id: &RegulationId) -> Option<&IntentId> {
        let mut all = self.regulations.values().map(|regulation| &regulation.ledger);
        all.find(|known| &known.connection == connection && known.regulation.as_ref() == Some(id))
            .map(|known| &known.intent)
    }

    pub(super) fn is_known(&self, connection: &ConnectionKey, id: &RegulationId) -> bool {
        self.with_id(connection, id).is_some()
    }

    /// Tasks that a human settled meanwhile stay as they are.
    fn change_members(&mut self, intent: &IntentId, update: &LedgerUpdate) -> Result<(), StoreError> {
        for (request, connection) in self.tasks_in(intent) {
            let note = update.notes.iter().find(|note| note.request == request);
            let event = note.and_then(|note| note.event.clone()).or_else(|| match &update.members {
                MemberChange::None => None,
                MemberChange::All(event) => Some(event.clone()),
                MemberChange::Requeue { .. } => Some(TaskEvent::Requeue),
            });
            if let Some(event) = event {
                self.move_member(&request, &connection, event, &update.members)?;
            }
            let Some(entry) = self.entry(&request) else { continue };
            if let Some(MemberNote { findings, verified_at, .. }) = note {
                let task = entry.task_mut(&connection)?;
                task.findings.extend(findings.iter().cloned());
                task.verified_at = task.verified_at.or(*verified_at);
            }
            entry.log.extend(update.audit.iter().cloned());
            entry.refresh(update.at);
        }
        Ok(())
    }

    pub(super) fn tasks_in(&self, intent: &IntentId) -> Vec<(RequestId, ConnectionKey)> {
        let entries = self.requests.values();
        let tasks = entries.flat_map(|entry| entry.request.tasks.iter().map(|task| (&entry.request.id, task)));
        tasks
            .filter(|(_, task)| task.regulation.as_ref() == Some(intent))
            .map(|(id, task)| (id.clone(), task.connection.clone()))
            .collect()
    }

    fn move_member(
        &mut self,
        request: &RequestId,
        connection: &ConnectionKey,
        event: TaskEvent,
        change: &MemberChange,
    ) -> Result<(), StoreError> {
        let Some(entry) = self.entry(request) else { return Ok(()) };
        let task = entry.task_mut(connection)?;
        if !matches!(task.state, TaskState::Sending | TaskState::Awaiting) {
            return Ok(());
        }
        task.state = task.state.apply(event).map_err(misuse)?;
        if let MemberChange::Requeue { max_people: Some(most) } = change {
            let before = &mut entry.waits.entry(connection.clone()).or_default().max_people;
            *before = Some(before.map_or(*most, |before| before.min(*most)));
        }
        Ok(())
    }
}
