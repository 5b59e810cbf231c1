//! Masking a person's rows in the owned databases, once Segment has accepted everything else.

use std::collections::BTreeMap;

use segment_core::{
    AuditEntry, ConnectionKey, Finding, FindingCode, Halt, HaltKind, Holder, IdentitySet, Lease, MaskOrder, MaskReport,
    Outcome, Request, RequestUpdate, Resolution, Resume, RowTrace, Subject, Task, TaskEvent, TaskState,
    ports::{Begun, DirectoryError, StoreError},
};
use serde_json::json;

use crate::{
    Engine, Found, Owned, Progress, ResolveError,
    access::chain,
    owned::{no_dataset, subject, user_ids},
    process::{Failure, move_task},
    wording,
};

impl Failure {
    /// Nothing of it was written, or it is not known whether: the marks tell. Segment has accepted already, so a human is called
    /// where waiting does not help.
    fn masking(error: &DirectoryError) -> Self {
        let passing = matches!(error, DirectoryError::Unavailable(_));
        let message = format!("the rows could not be masked: {}", chain(error));
        let halt = Halt { kind: HaltKind::MaskingFailed, message, resume: Resume::Queued };
        Self { halt, passing, wait: None, decides: true }
    }
}

impl Engine {
    /// The datasets of an erasure whose rows are to be masked.
    pub(crate) fn to_mask(request: &Request) -> Vec<Task> {
        let queued =
            request.tasks.iter().filter(|task| task.holder == Holder::Dataset && task.state == TaskState::Queued);
        queued.cloned().collect()
    }

    /// Masks the rows in one database after the other, each in one transaction.
    pub(crate) async fn mask(
        &self,
        request: &Request,
        identities: &IdentitySet,
        lease: &Lease,
        update: &mut RequestUpdate,
    ) -> Result<(), StoreError> {
        let is_masked = |task: &Task| self.datasets_for(request.action, None).contains(&task.connection);
        let (mut tasks, gone): (Vec<_>, Vec<_>) = Self::to_mask(request).into_iter().partition(is_masked);
        // Rows in another database may have to be found from one that is missing.
        let lacks = gone.iter().any(|task| task.resolution.is_none());
        for task in gone {
            let failure = no_dataset(&task, request.action);
            self.failed(task, failure, update);
        }
        let (Some(owned), Some(key), false) = (&self.owned, &request.masking_key, lacks) else { return Ok(()) };
        let found = match self.who(request, identities).await {
            Ok(found) => found,
            Err(error) => {
                self.all_failed(tasks, &error.into(), update);
                return Ok(());
            }
        };
        let subject = subject(request, identities, user_ids(&found));
        if let Err(failure) = self.trace(owned, &subject, &found, &mut tasks, lease).await? {
            self.all_failed(tasks, &failure, update);
            return Ok(());
        }
        for mut task in tasks {
            // Also one that was placed while the database before was masked.
            if let Some(halt) = self.hold_of(request, identities, found.values()).await? {
                self.failed(task, Failure::decision(halt), update);
                continue;
            }
            let order = MaskOrder {
                dataset: task.connection.clone(),
                subject: subject.clone(),
                trace: task.resolution.clone().unwrap_or_default().rows,
                key: key.clone(),
            };
            self.progress.tell(Progress::Masking { dataset: task.connection.clone() });
            match self.mask_dataset(owned, &order, &mut task, lease).await? {
                Ok(()) => self.masked(task, update),
                Err(error) => self.failed(task, Failure::masking(&error), update),
            }
        }
        Self::nothing_erased(request, update);
        Ok(())
    }

    /// Who it is by the owned databases, for the connections that the request does not ask.
    async fn who(
        &self,
        request: &Request,
        identities: &IdentitySet,
    ) -> Result<BTreeMap<ConnectionKey, Found>, ResolveError> {
        // It was found out before the first row was masked, and is not asked again after.
        let begun = request.tasks.iter().any(|task| task.holder == Holder::Dataset && task.resolution.is_some());
        if begun { Ok(BTreeMap::new()) } else { self.found_by_directories(request, identities).await }
    }

    /// Stores whose rows they are and how they are found again, before the first is masked.
    async fn trace(
        &self,
        owned: &Owned,
        subject: &Subject,
        found: &BTreeMap<ConnectionKey, Found>,
        tasks: &mut [Task],
        lease: &Lease,
    ) -> Result<Result<(), Failure>, StoreError> {
        if tasks.iter().all(|task| task.resolution.is_some()) {
            return Ok(Ok(()));
        }
        let traces = match owned.masker.trace(subject).await {
            Ok(traces) => traces,
            Err(error) => return Ok(Err(Failure::masking(&error))),
        };
        for task in tasks.iter_mut().filter(|task| task.resolution.is_none()) {
            let rows = traces.get(&task.connection).cloned().unwrap_or_default();
            let rows = RowTrace { user_ids: user_ids(found), ..rows };
            let mut resolution = Resolution { rows, ..Resolution::default() };
            for found in found.values() {
                resolution.learn(&found.resolution);
            }
            task.resolution = Some(resolution);
            self.store.save_task(lease, task, self.clock.now()).await?;
        }
        Ok(Ok(()))
    }

    /// One transaction. By what it is recognised is stored before it is committed: should that never be recorded, nothing is
    /// masked twice.
    async fn mask_dataset(
        &self,
        owned: &Owned,
        order: &MaskOrder,
        task: &mut Task,
        lease: &Lease,
    ) -> Result<Result<(), DirectoryError>, StoreError> {
        let masking = match owned.masker.begin(order).await {
            Ok(Begun::Open(masking)) => masking,
            Ok(_) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        let MaskReport { collections, findings, marks } = masking.report().clone();
        task.collections = collections;
        task.findings = findings;
        if task.collections.values().all(|rows| *rows == 0) {
            // Nothing was changed.
            return Ok(Ok(()));
        }
        if let Some(resolution) = &mut task.resolution {
            resolution.rows.marks = marks;
        }
        self.store.save_task(lease, task, self.clock.now()).await?;
        Ok(masking.commit().await)
    }

    fn masked(&self, mut task: Task, update: &mut RequestUpdate) {
        let rows: u64 = task.collections.values().sum();
        let facts = json!({"dataset": task.connection.as_str(), "rows": task.collections});
        update.audit.push(AuditEntry::new(self.clock.now(), "masked", facts));
        task.attempts = 0;
        move_task(&mut task, TaskEvent::Complete(if rows > 0 { Outcome::Masked } else { Outcome::NoData }));
        update.tasks.push(task);
    }

    /// A strict erasure deletes nothing at Segment: if no row was masked either, nothing was erased.
    fn nothing_erased(request: &Request, update: &mut RequestUpdate) {
        let of =
            |task: &Task| update.tasks.iter().find(|new| new.connection == task.connection).unwrap_or(task).clone();
        let now: Vec<Task> = request.tasks.iter().map(of).collect();
        let masked = |task: &Task| task.state == TaskState::Complete(Outcome::Masked);
        let open = |task: &Task| task.holder == Holder::Dataset && task.state.outcome().is_none();
        let suppressed = now.iter().any(|task| task.kind.as_ref().is_some_and(|kind| !kind.deletes()));
        if suppressed && !now.iter().any(|task| masked(task) || open(task)) {
            let finding = Finding::new(FindingCode::NothingErased, wording::NO_ROWS_MASKED);
            update.tasks.iter_mut().for_each(|task| {
                task.findings.insert(finding.clone());
            });
        }
    }

    fn all_failed(&self, tasks: Vec<Task>, failure: &Failure, update: &mut RequestUpdate) {
        for task in tasks {
            self.failed(task, failure.clone(), update);
        }
    }
}
