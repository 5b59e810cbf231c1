//! Masking a person's rows in the owned databases, once Segment has accepted everything else.

use segment_core::{
    AuditEntry, Finding, FindingCode, Halt, HaltKind, Holder, IdentitySet, Lease, MaskOrder, MaskReport, Outcome,
    Request, RequestUpdate, Resolution, Resume, Subject, Task, TaskEvent, TaskState,
    ports::{Begun, DirectoryError, StoreError},
};
use serde_json::json;

use crate::{
    Engine, Owned, Progress,
    access::chain,
    owned::subject,
    process::{Failure, move_task},
    wording,
};

impl Failure {
    /// Nothing of it was written, or it is not known whether: the marks tell. Segment has accepted already, so a human is called
    /// where waiting does not help.
    fn masking(error: &DirectoryError) -> Self {
        let passing = matches!(error, DirectoryError::Unavailable(_));
        let message = format!("the rows could not be masked: {}", chain(error));
        Self { halt: Halt { kind: HaltKind::MaskingFailed, message, resume: Resume::Queued }, passing, decides: true }
    }
}

fn no_dataset(task: &Task) -> Failure {
    let message =
        format!("the dataset {} is not in the configuration any more, or not with access = \"write\"", task.connection);
    Failure::decision(Halt { kind: HaltKind::NoConnection, message, resume: Resume::Queued })
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
        for task in gone {
            let failure = no_dataset(&task);
            self.failed(task, failure, update);
        }
        let (Some(owned), Some(key)) = (&self.owned, &request.masking_key) else { return Ok(()) };
        if let Some(failure) = self.not_to_be_masked(request, identities).await? {
            self.all_failed(tasks, &failure, update);
            return Ok(());
        }
        let found = request.tasks.iter().filter(|task| task.holder == Holder::Connection);
        let found = found.filter_map(|task| Some((&task.connection, &task.resolution.as_ref()?.user_ids)));
        let subject = subject(identities, found);
        if let Err(failure) = self.trace(owned, &subject, &mut tasks, lease).await? {
            self.all_failed(tasks, &failure, update);
            return Ok(());
        }
        for mut task in tasks {
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

    /// A legal hold that came after Segment accepted, or, where no connection was asked, more than one person.
    async fn not_to_be_masked(
        &self,
        request: &Request,
        identities: &IdentitySet,
    ) -> Result<Option<Failure>, StoreError> {
        if let Some(halt) = self.hold_of(request, identities, &[]).await? {
            return Ok(Some(Failure::decision(halt)));
        }
        // Who it is was found out before the first row was masked, and is not asked again after.
        let begun = request.tasks.iter().any(|task| task.resolution.is_some());
        if begun {
            return Ok(None);
        }
        Ok(self.found_by_directories(request, identities).await.err().map(Failure::from))
    }

    /// Stores how rows are found again, before the first is masked.
    async fn trace(
        &self,
        owned: &Owned,
        subject: &Subject,
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
            task.resolution = Some(Resolution { rows, ..Resolution::default() });
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
        if marks.is_empty() {
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
