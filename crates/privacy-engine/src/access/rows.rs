//! The rows of the owned databases.

use segment_core::{
    Action, DatasetRows, Finding, FindingCode, Halt, HaltKind, Holder, IdentitySet, Outcome, Request, RequestUpdate,
    Resume, Subject, Task, TaskEvent, TaskState,
    ports::{PackageError, PackageWriter},
};

use crate::{
    Engine, Progress,
    owned::{no_dataset, subject, user_ids},
    process::{Failure, move_task},
};

/// The rows of an access that are to be collected.
#[derive(Default)]
pub(crate) struct RowsToCollect {
    pub(super) tasks: Vec<Task>,
    pub(super) subject: Option<Subject>,
    /// The owned databases know more than one person by what was given, or one of them is missing.
    pub(crate) puzzled: bool,
}

impl Engine {
    /// Whose rows an access is to collect, as far as the owned databases say. What fails is in the update.
    pub(crate) async fn rows_to_collect(
        &self,
        request: &Request,
        identities: &IdentitySet,
        update: &mut RequestUpdate,
    ) -> RowsToCollect {
        let queued = |task: &&Task| task.holder == Holder::Dataset && task.state == TaskState::Queued;
        let tasks: Vec<_> = request.tasks.iter().filter(queued).cloned().collect();
        if request.action != Action::Access || tasks.is_empty() {
            return RowsToCollect::default();
        }
        let known = self.datasets_for(request.action, None);
        let (tasks, gone): (Vec<_>, Vec<_>) = tasks.into_iter().partition(|task| known.contains(&task.connection));
        let puzzled = !gone.is_empty();
        for task in gone {
            let failure = no_dataset(&task, request.action);
            self.failed(task, failure, update);
        }
        match self.found_by_directories(request, identities).await {
            Ok(found) => {
                let subject = subject(request, identities, user_ids(&found));
                RowsToCollect { subject: Some(subject), tasks, puzzled }
            }
            Err(error) => {
                let failure = Failure::from(error);
                for task in tasks {
                    self.failed(task, failure.clone(), update);
                }
                RowsToCollect { puzzled: puzzled || failure.decides, ..RowsToCollect::default() }
            }
        }
    }

    pub(super) async fn copy_rows(
        &self,
        subject: Option<&Subject>,
        tasks: &[Task],
        writer: &dyn PackageWriter,
    ) -> Result<Vec<DatasetRows>, PackageError> {
        let (Some(owned), Some(subject)) = (&self.owned, subject) else { return Ok(Vec::new()) };
        self.progress.tell(Progress::Reading);
        let wanted = tasks.iter().filter(|task| task.holder == Holder::Dataset).map(|task| task.connection.clone());
        owned.sources.rows.copy(subject, &wanted.collect(), writer).await
    }
}

/// Completes a task whose rows are copied, or labels its holes.
pub(super) fn finish_rows(mut task: Task, rows: DatasetRows) -> Task {
    let found: u64 = rows.collections.values().sum();
    task.collections = rows.collections;
    task.findings = rows.findings;
    for (collection, reason) in &rows.holes {
        let message = format!("{collection} could not be read to its end: {reason}");
        task.findings.insert(Finding::new(FindingCode::CollectionIncomplete, message));
    }
    let event = if !rows.holes.is_empty() {
        let message = rows.holes.iter().map(|(collection, reason)| format!("{collection}: {reason}"));
        let message = message.collect::<Vec<_>>().join("; ");
        TaskEvent::GiveUp(Halt { kind: HaltKind::Incomplete, message, resume: Resume::Queued })
    } else if found > 0 {
        TaskEvent::Complete(Outcome::Collected)
    } else {
        TaskEvent::Complete(Outcome::NoData)
    };
    move_task(&mut task, event);
    task
}
