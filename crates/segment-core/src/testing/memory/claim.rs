//! Who works on what: leases by the store's clock, with fencing tokens.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{
    batch::since,
    state::{Entry, Hold, Regulation, State, after, covers},
};
use crate::{
    ClaimScope, Claimed, Gate, Holder, IntentId, Lease, LeaseSubject, Ledger, LedgerState, Member, Request, RequestId,
    Resolution, Task, ports::StoreError,
};

impl State {
    pub(super) fn claim_requests(
        &mut self,
        scope: &ClaimScope,
        lease: Duration,
        limit: u32,
        at: Timestamp,
        now: Timestamp,
    ) -> Vec<Claimed<Request>> {
        let due = |entry: &Entry| {
            entry.request.gate == Gate::Open
                && entry.next_at.is_some_and(|next| next <= at)
                && entry.hold.is_free(now)
                && covers(scope, &entry.request.id)
                && self.need_not_wait(entry)
        };
        let all = self.requests.values().filter(|entry| due(entry));
        let mut ids: Vec<_> = all.map(|entry| (entry.request.due_at, entry.request.id.clone())).collect();
        ids.sort();
        ids.truncate(limit as usize);
        ids.into_iter().filter_map(|(_, id)| self.take_request(&id, lease, at, now)).collect()
    }

    fn take_request(
        &mut self,
        id: &RequestId,
        lease: Duration,
        at: Timestamp,
        now: Timestamp,
    ) -> Option<Claimed<Request>> {
        let entry = self.entry(id)?;
        let fence = entry.hold.take(lease, now);
        entry.request.begun = true;
        entry.refresh(at);
        let lease = Lease { subject: LeaseSubject::Request(id.clone()), fence };
        Some(Claimed { lease, item: entry.request.clone(), store_now: now, tries: entry.hold.tries })
    }

    pub(super) fn claim_regulation(
        &mut self,
        scope: &ClaimScope,
        lease: Duration,
        at: Timestamp,
        now: Timestamp,
    ) -> Option<Claimed<Ledger>> {
        let free = self
            .regulations
            .values()
            .filter(|regulation| regulation.hold.is_free(now) && regulation.people.iter().any(|id| covers(scope, id)));
        let due = free.filter(|regulation| match regulation.ledger.state {
            LedgerState::Sending => true,
            LedgerState::Unknown | LedgerState::Tracking | LedgerState::Looking => {
                regulation.ledger.next_at.is_some_and(|next| next <= at)
            }
            LedgerState::Closed | LedgerState::Halted => false,
        });
        let first = due.min_by_key(|regulation| regulation.ledger.next_at)?;
        let intent = first.ledger.intent.clone();
        if let Some(regulation) = self.regulation(&intent)
            && regulation.ledger.state.taken_over() != regulation.ledger.state
        {
            // Should this worker go too, the next one finds it due.
            regulation.ledger.state = regulation.ledger.state.taken_over();
            regulation.ledger.next_at = Some(at);
        }
        self.take_regulation(&intent, lease, now)
    }

    /// Takes the lease of a regulation and reads it whole.
    pub(super) fn take_regulation(
        &mut self,
        intent: &IntentId,
        lease: Duration,
        now: Timestamp,
    ) -> Option<Claimed<Ledger>> {
        let members = self.members(intent);
        let regulation = self.regulation(intent)?;
        let fence = regulation.hold.take(lease, now);
        let tries = regulation.hold.tries;
        let item = Ledger { members, ..regulation.ledger.clone() };
        let lease = Lease { subject: LeaseSubject::Regulation(intent.clone()), fence };
        Some(Claimed { lease, item, store_now: now, tries })
    }

    /// Who is part of it now; a task that went on to another regulation is not.
    fn members(&self, intent: &IntentId) -> Vec<Member> {
        let entries = self.requests.values().map(Arc::as_ref);
        let tasks = entries.flat_map(|entry| entry.request.tasks.iter().map(move |task| (entry, task)));
        let member = tasks.filter(|(_, task)| task.regulation.as_ref() == Some(intent)).map(|(entry, task)| {
            let request = &entry.request;
            let resolution = task.resolution.clone().unwrap_or_default();
            let mut known = Resolution::default();
            request.tasks.iter().filter_map(|task| task.resolution.as_ref()).for_each(|found| known.learn(found));
            Member {
                request: request.id.clone(),
                given: request.identities.clone(),
                known,
                subjects: resolution.user_ids,
                identifiers: resolution.identifiers,
                verified: task.verified_at.is_some(),
                masks: request.tasks.iter().any(|task| task.holder == Holder::Dataset),
                lost: self.lost(entry, task),
            }
        });
        member.collect()
    }

    /// How many of a person's regulations before this one came to nothing, where this one is looked for.
    fn lost(&self, entry: &Entry, task: &Task) -> u32 {
        let of_task = |intent: &IntentId| task.regulation.as_ref() == Some(intent);
        let looked_for = |one: &Regulation| of_task(&one.ledger.intent) && one.ledger.state == LedgerState::Unknown;
        let regulations = || self.regulations.values().map(Arc::as_ref);
        if !regulations().any(looked_for) {
            return 0;
        }
        let lost = regulations().filter(|one| {
            let ledger = &one.ledger;
            (ledger.state, &ledger.regulation) == (LedgerState::Closed, &None)
                && ledger.absent_at.is_some()
                && ledger.connection == task.connection
                && one.people.contains(&entry.request.id)
                && since(entry, task).is_some_and(|since| ledger.created_at >= since)
        });
        u32::try_from(lost.count()).unwrap_or(u32::MAX)
    }

    /// The hold of a lease, if it is still that lease's.
    pub(super) fn hold(&mut self, lease: &Lease) -> Result<&mut Hold, StoreError> {
        let hold = match &lease.subject {
            LeaseSubject::Request(id) => self.entry(id).map(|entry| &mut entry.hold),
            LeaseSubject::Regulation(intent) => self.regulation(intent).map(|regulation| &mut regulation.hold),
        };
        hold.filter(|hold| cfg!(sabotage = "no_fencing") || hold.fence == lease.fence).ok_or(StoreError::StaleLease)
    }

    pub(super) fn extend(&mut self, lease: &Lease, by: Duration, now: Timestamp) -> Result<(), StoreError> {
        let hold = self.hold(lease)?;
        if hold.until.is_none() {
            return Err(StoreError::StaleLease);
        }
        hold.until = Some(after(now, by));
        Ok(())
    }

    /// Checks the fence and gives the lease back, within the step that it guards. A lease is good for one step.
    pub(super) fn give_back(&mut self, lease: &Lease) -> Result<(), StoreError> {
        self.hold(lease)?.revoke();
        Ok(())
    }
}
