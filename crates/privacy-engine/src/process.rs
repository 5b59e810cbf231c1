//! One claimed request: who is it, and then collect, or leave it ready for a regulation.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use segment_core::{
    Action, AuditEntry, Claimed, ConnectionKey, ErrorKind, Halt, HaltKind, Holder, IdentitySet, Lease, Outcome,
    Request, RequestUpdate, Resume, Retry, SegmentError, Task, TaskEvent, TaskState,
    ports::{DirectoryError, StoreError},
};
use serde_json::json;

use crate::{
    Engine, Found, Progress, ResolveError,
    engine::{WITHHELD, after},
    holds, resolve,
};

/// So long a call waits by itself, about.
const PATIENCE: Duration = Duration::from_mins(2);
/// Somebody's deadline does not pass because of one header: what is to be collected is asked for again after this, at most.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Why a task cannot go on now, and whether it may be tried again.
#[derive(Clone)]
pub(crate) struct Failure {
    pub(crate) halt: Halt,
    pub(crate) passing: bool,
    /// How long Segment asks to wait, where it says that there is no more now.
    pub(crate) wait: Option<Duration>,
    /// A human must decide, rather than somebody retry.
    pub(crate) decides: bool,
}

impl Failure {
    pub(crate) fn segment(error: &SegmentError, resume: Resume) -> Self {
        let kind = match error.kind() {
            ErrorKind::Unauthorized => HaltKind::Unauthorized,
            _ => HaltKind::SegmentFailed,
        };
        // The Config API's word for a wrong URL is a proxy's for an outage.
        let passing = error.retry() != Retry::Never || error.kind() == ErrorKind::NoRoute;
        let wait = match (error.kind(), error.retry()) {
            (ErrorKind::RateLimited | ErrorKind::QuotaExhausted, Retry::After(wait)) => {
                wait.map(|wait| wait.min(LONGEST_WAIT))
            }
            _ => None,
        };
        Self { halt: Halt { kind, message: error.to_string(), resume }, passing, wait, decides: false }
    }

    fn directory(error: &DirectoryError) -> Self {
        let passing = matches!(error, DirectoryError::Unavailable(_));
        let message = match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        };
        Self {
            halt: Halt { kind: HaltKind::DirectoryFailed, message, resume: Resume::Queued },
            passing,
            wait: None,
            decides: false,
        }
    }

    /// Whether it counts against the attempts. That Segment has no more for longer than a call waits by itself is no failure.
    fn counts(&self) -> bool {
        self.wait.is_none_or(|wait| wait < PATIENCE)
    }

    pub(crate) fn decision(halt: Halt) -> Self {
        Self { halt, passing: false, wait: None, decides: true }
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Puzzle(puzzle) => Self::decision(puzzle.halt()),
            ResolveError::Segment(error) => Self::segment(&error, Resume::Queued),
            ResolveError::Directory(error) => Self::directory(&error),
        }
    }
}

impl Engine {
    /// Works a claimed request and saves the step.
    pub(crate) async fn process(&self, claimed: Claimed<Request>) -> Result<(), StoreError> {
        let Claimed { lease, item: request, tries, .. } = claimed;
        if tries > self.policy.attempts {
            return self.store.save_request(&lease, &self.parked(&request, tries - 1)).await;
        }
        let update = self.keeping(&lease, self.step(&request, &lease)).await??;
        self.store.save_request(&lease, &update).await?;
        if let (Some(before), Some(now)) = (&request.package, &update.package)
            && before.location != now.location
            && let Err(error) = self.packages.remove(&before.location).await
        {
            tracing::warn!(request = %request.id, %error, "the package that was made before could not be deleted");
        }
        Ok(())
    }

    async fn step(&self, request: &Request, lease: &Lease) -> Result<RequestUpdate, StoreError> {
        let at = self.clock.now();
        let mut update = RequestUpdate { tasks: Vec::new(), package: None, next_at: None, audit: Vec::new(), at };
        let Some(identities) = &request.identities else { return Ok(update) };
        self.progress.tell(Progress::Resolving(request.id.clone()));
        let mut queued: Vec<Task> =
            request.tasks.iter().filter(|task| task.state == TaskState::Queued).cloned().collect();
        if self.waits_or_masks(request, identities, &queued, lease, &mut update).await? {
            update.at = self.clock.now();
            return Ok(update);
        }
        // Rows wait: those of an erasure until Segment has accepted, those of an access until it is known who it is.
        queued.retain(|task| task.holder == Holder::Connection);
        let found = join_all(queued.iter().map(|task| self.find(request.action, identities, task))).await;
        let hold = self.hold_of(request, identities, found.iter().flatten()).await?;
        let rows = self.rows_to_collect(request, identities, &mut update).await;
        // Nothing is collected and nothing is sent while it is open who the person is, at whichever connection: also when
        // that was found out in an earlier step, or may be found out in a later one.
        // What was halted after it was sent says nothing of who it is.
        let halted = request
            .tasks
            .iter()
            .any(|task| matches!(&task.state, TaskState::Attention(halt) if halt.resume == Resume::Queued));
        let puzzled = rows.puzzled
            || hold.is_some()
            || halted
            || found.iter().any(|found| matches!(found, Err(failure) if failure.decides));
        let open = queued
            .iter()
            .zip(&found)
            .any(|(task, found)| matches!(found, Err(failure) if self.tries_again(task, failure)));
        let waits = puzzled || (open && request.action.regulates());
        let mut people = BTreeMap::new();
        for (mut task, found) in queued.into_iter().zip(found) {
            match (found, &hold) {
                (Ok(found), Some(halt)) => {
                    // What was found of them stays known: it tells the other tasks of the request that they are meant.
                    take_found(&mut task, &found);
                    let failure = Failure::decision(halt.clone());
                    self.failed(task, failure, &mut update);
                }
                (Ok(_), None) if waits => {}
                (Ok(found), None) => {
                    update.audit.push(AuditEntry::new(at, "resolved", looked(request, &task.connection, &found)));
                    self.resolved(request.action, &mut task, &found);
                    people.insert(task.connection.clone(), found);
                    update.tasks.push(task);
                }
                (Err(failure), _) => self.failed(task, failure, &mut update),
            }
        }
        if request.action == Action::Access && !puzzled {
            self.collect(request, &people, rows, &mut update).await;
        }
        // A human's decision lets it go on.
        update.next_at = update.next_at.filter(|_| !puzzled);
        update.at = self.clock.now();
        Ok(update)
    }

    /// Whether the step is no more than that: what is needed for it cannot be used now, or its rows are masked.
    async fn waits_or_masks(
        &self,
        request: &Request,
        identities: &IdentitySet,
        queued: &[Task],
        lease: &Lease,
        update: &mut RequestUpdate,
    ) -> Result<bool, StoreError> {
        // Rows may have to be found from those of any other owned database.
        let rows = queued.iter().any(|task| task.holder == Holder::Dataset);
        let datasets = self.owned.iter().filter(|_| rows).flat_map(|owned| owned.sources.datasets.keys());
        let mut needed = queued.iter().map(|task| &task.connection).chain(datasets);
        if let Some(why) = needed.find_map(|key| self.withheld.get(key)) {
            // All of the request waits: who somebody is, and what they receive, is found out as a whole.
            self.progress.tell(Progress::Delayed { reason: why.clone() });
            update.next_at = Some(after(update.at, WITHHELD));
            return Ok(true);
        }
        let masks = request.may_mask() && !queued.is_empty();
        if masks {
            self.mask(request, identities, lease, update).await?;
        }
        Ok(masks)
    }

    /// A legal hold stops the whole request, at whichever connection the person was recognised.
    pub(crate) async fn hold_of(
        &self,
        request: &Request,
        identities: &IdentitySet,
        found: impl IntoIterator<Item = &Found>,
    ) -> Result<Option<Halt>, StoreError> {
        if !matches!(request.action, Action::Erasure | Action::Suppression) {
            return Ok(None);
        }
        let holds = self.holds().await?;
        let resolved = found.into_iter().map(|found| &found.resolution);
        let earlier = request.tasks.iter().filter_map(|task| task.resolution.as_ref());
        let known: Vec<_> = resolved.chain(earlier).collect();
        let hold = holds::of_person(&holds, identities, &known);
        Ok(hold.map(|hold| holds::halt(&hold.id, Resume::Queued)))
    }

    async fn find(&self, action: Action, identities: &IdentitySet, task: &Task) -> Result<Found, Failure> {
        let connection =
            self.connections.get(&task.connection).ok_or_else(|| no_connection(&task.connection, Resume::Queued))?;
        if action.regulates() {
            match connection.workspace_matches().await {
                Ok(true) => {}
                Ok(false) => return Err(wrong_workspace(&task.connection, Resume::Queued)),
                Err(error) => return Err(Failure::segment(&error, Resume::Queued)),
            }
        }
        Ok(resolve(connection.sources(), action, identities, self.policy.max_user_ids).await?)
    }

    /// Leaves an erasure ready for a regulation, or complete when nobody knows the person.
    fn resolved(&self, action: Action, task: &mut Task, found: &Found) {
        take_found(task, found);
        // An access is done when it is collected: its failures are counted until then.
        let Some(kind) = self.policy.orders(action) else { return };
        task.attempts = 0;
        let event = if found.resolution.user_ids.is_empty() {
            TaskEvent::Complete(Outcome::NoData)
        } else {
            task.kind = Some(kind);
            let connection = self.connections.get(&task.connection);
            task.source = connection.and_then(|connection| connection.sources.source.clone());
            TaskEvent::Resolve
        };
        move_task(task, event);
    }

    /// Whether a task that fails so now is tried again later.
    pub(crate) fn tries_again(&self, task: &Task, failure: &Failure) -> bool {
        failure.passing && (!failure.counts() || task.attempts + 1 < self.policy.attempts)
    }

    /// Tries again later, or halts the task.
    pub(crate) fn failed(&self, mut task: Task, failure: Failure, update: &mut RequestUpdate) {
        let again = self.tries_again(&task, &failure);
        task.attempts += u32::from(failure.counts());
        let facts = json!({"connection": task.connection.as_str(), "code": failure.halt.kind.as_str(),
            "message": failure.halt.message, "attempt": task.attempts});
        update.audit.push(AuditEntry::new(update.at, "failed", facts));
        if again {
            let pause = self.policy.pause(task.attempts).max(failure.wait.unwrap_or_default());
            let again = after(self.clock.now(), pause);
            update.next_at = Some(update.next_at.map_or(again, |other| other.min(again)));
            self.progress.tell(Progress::Delayed { reason: failure.halt.message });
        } else if failure.decides {
            move_task(&mut task, TaskEvent::NeedHuman(failure.halt));
        } else {
            move_task(&mut task, TaskEvent::GiveUp(failure.halt));
        }
        update.tasks.push(task);
    }
}

/// Writes who it is into a task.
fn take_found(task: &mut Task, found: &Found) {
    task.user_ids = found.resolution.user_ids.len() as u64;
    task.unreachable = found.resolution.unreachable;
    task.findings = found.findings.iter().cloned().collect();
    task.resolution = Some(found.resolution.clone());
}

/// Applies an event to a task that was claimed as queued; the lifecycle has every such step.
pub(crate) fn move_task(task: &mut Task, event: TaskEvent) {
    match task.state.apply(event) {
        Ok(state) => task.state = state,
        Err(error) => tracing::error!(%error, connection = %task.connection, "a step was skipped"),
    }
}

pub(crate) fn no_connection(key: &ConnectionKey, resume: Resume) -> Failure {
    Failure::decision(Halt {
        kind: HaltKind::NoConnection,
        message: format!("the connection {key} is not in the configuration any more"),
        resume,
    })
}

/// On the Public API the token alone decides where we delete.
pub(crate) fn wrong_workspace(key: &ConnectionKey, resume: Resume) -> Failure {
    Failure::decision(Halt {
        kind: HaltKind::WrongWorkspace,
        message: format!(
            "the access token of {key} belongs to another workspace than the configured one; nothing was sent"
        ),
        resume,
    })
}

fn looked(request: &Request, connection: &ConnectionKey, found: &Found) -> serde_json::Value {
    let hash = |id| request.evidence_salt.as_ref().map(|salt| salt.hash("user_id", id));
    json!({
        "connection": connection.as_str(), "looked_in": found.looked, "user_ids": found.resolution.user_ids.len(),
        "user_id_hashes": found.resolution.user_ids.iter().filter_map(hash).collect::<Vec<_>>(),
        "profiles": found.resolution.profiles.len(), "unreachable": found.resolution.unreachable,
    })
}

#[cfg(test)]
mod tests {
    use segment_core::{
        Service,
        ports::{MockRegulationSubmit, MockRegulations, MockRequestStore},
    };

    use super::*;
    use crate::submit::tests::engine;

    #[test]
    fn segment_asks_to_wait_and_that_is_no_failure() {
        let engine = engine(MockRequestStore::new(), MockRegulations::new(), MockRegulationSubmit::new());
        let now = engine.clock.now();
        let mut task = Task::new(ConnectionKey::new("main"));
        let wait = Duration::from_hours(1);
        for _ in 0..2 * engine.policy.attempts {
            let error = SegmentError::new(Service::ProfileApi, ErrorKind::RateLimited).with_wait(Some(wait));
            let mut update =
                RequestUpdate { tasks: Vec::new(), package: None, next_at: None, audit: Vec::new(), at: now };
            engine.failed(task, Failure::segment(&error, Resume::Queued), &mut update);
            task = update.tasks.remove(0);
            assert_eq!((&task.state, task.attempts), (&TaskState::Queued, 0));
            assert!(update.next_at >= Some(after(now, wait)), "never less than Segment asks for");
        }
        let years = SegmentError::new(Service::ProfileApi, ErrorKind::QuotaExhausted).with_wait(Some(Duration::MAX));
        assert_eq!(Failure::segment(&years, Resume::Queued).wait, Some(LONGEST_WAIT));
        let error = SegmentError::new(Service::ProfileApi, ErrorKind::Server);
        let mut update = RequestUpdate { tasks: Vec::new(), package: None, next_at: None, audit: Vec::new(), at: now };
        engine.failed(task, Failure::segment(&error, Resume::Queued), &mut update);
        assert_eq!(update.tasks[0].attempts, 1);
    }
}
