//! Collecting everything that Unify holds on a person, side by side, page by page, into the package.

mod profile;
mod rows;

use std::{collections::BTreeMap, num::NonZeroUsize};

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use segment_core::{
    AuditEntry, ConnectionKey, DatasetRows, ErrorKind, Finding, FindingCode, Halt, HaltKind, Holder, NewPackage,
    Outcome, PackageReceipt, Request, RequestUpdate, Resume, SegmentError, Subject, Task, TaskEvent, TaskState,
    ports::{PackageError, PackageWriter},
};
use serde_json::{Value, json};

use self::{profile::Collector, rows::finish_rows};
use crate::{
    Connection, Engine, Found, Progress,
    process::{Failure, move_task},
    wording,
};
pub(crate) use rows::RowsToCollect;

/// One collection of one connection: how many records, and why it may have a hole.
struct Collected {
    name: &'static str,
    records: u64,
    problem: Option<SegmentError>,
}

impl Engine {
    /// Collects for every resolved task of an access and finishes the package. Tasks in the update are still queued.
    pub(crate) async fn collect(
        &self,
        request: &Request,
        people: &BTreeMap<ConnectionKey, Found>,
        mut rows: RowsToCollect,
        update: &mut RequestUpdate,
    ) {
        let waits = |task: &Task| task.state == TaskState::Queued && !people.contains_key(&task.connection);
        if update.tasks.iter().any(waits) {
            // One connection is to be asked again: the package is made when all have answered.
            update.tasks.retain(|task| waits(task) || task.state != TaskState::Queued);
            return;
        }
        if let Some(subject) = &mut rows.subject {
            let found = people.iter().map(|(key, found)| (key.clone(), found.resolution.user_ids.clone()));
            subject.user_ids.extend(found);
        }
        let known = people.values().any(|found| !found.resolution.profiles.is_empty());
        if !known && rows.tasks.is_empty() {
            no_data(&mut update.tasks);
            return;
        }
        update.tasks.append(&mut rows.tasks);
        let tasks = std::mem::take(&mut update.tasks);
        match self.package(request, people, rows.subject.as_ref(), tasks.clone(), update).await {
            Ok(()) => {}
            Err(error) => {
                update.tasks.clear();
                let message = chain(&error);
                for task in tasks {
                    if task.state == TaskState::Queued {
                        let halt =
                            Halt { kind: HaltKind::PackageFailed, message: message.clone(), resume: Resume::Queued };
                        self.failed(task, Failure { halt, passing: false, wait: None, decides: false }, update);
                    } else {
                        update.tasks.push(task);
                    }
                }
            }
        }
    }

    fn new_package(&self, request: &Request, created_at: Timestamp) -> Result<NewPackage, PackageError> {
        let Some(staging_key) = request.staging_key.clone() else {
            return Err(PackageError::Destination("the request's data key is destroyed".to_owned()));
        };
        let tables = self.owned.as_ref().map(|owned| owned.sources.tables.clone()).unwrap_or_default();
        let Some(identities) = request.identities.clone() else {
            return Err(PackageError::Destination("what names the person is destroyed".to_owned()));
        };
        Ok(NewPackage {
            request: request.id.clone(),
            action: request.action,
            identities,
            received_at: request.received_at,
            created_at,
            staging_key,
            recipient: request.recipient.clone(),
            tables,
        })
    }

    async fn package(
        &self,
        request: &Request,
        people: &BTreeMap<ConnectionKey, Found>,
        subject: Option<&Subject>,
        tasks: Vec<Task>,
        update: &mut RequestUpdate,
    ) -> Result<(), PackageError> {
        let mut windows = true;
        let (writer, parts) = loop {
            let writer = self.packages.begin(self.new_package(request, update.at)?).await?;
            let parts = self.gather(people, subject, &tasks, writer.as_ref(), windows).await?;
            // Nothing of what was written is kept: everything is read once more, events page by page.
            if !windows || !self.contradicts_itself(&parts) {
                break (writer, parts);
            }
            windows = false;
        };
        if parts.iter().any(|(task, part)| self.passing(task, part).is_some()) {
            self.again(parts, update);
            return Ok(());
        }
        if parts.iter().all(|(task, part)| is_nothing(task, part, people)) {
            // Nobody gets a package of nothing.
            update.tasks.extend(parts.into_iter().map(|(task, _)| task));
            no_data(&mut update.tasks);
            return Ok(());
        }
        for (task, part) in parts {
            update.tasks.push(match part {
                Part::Connection(collected) => finish_task(task, people, collected, writer.as_ref()).await?,
                Part::Rows(rows) => finish_rows(task, rows),
            });
        }
        self.label(request, people, writer.as_ref()).await?;
        self.progress.tell(Progress::Packaging(request.id.clone()));
        let receipt = writer.finish().await?;
        update.audit.push(AuditEntry::new(self.clock.now(), "packaged", packaged(&receipt)));
        update.package = Some(receipt);
        Ok(())
    }

    async fn gather(
        &self,
        people: &BTreeMap<ConnectionKey, Found>,
        subject: Option<&Subject>,
        tasks: &[Task],
        writer: &dyn PackageWriter,
        windows: bool,
    ) -> Result<Vec<(Task, Part)>, PackageError> {
        let connections = tasks.iter().map(|task| self.collect_connection(task, people, writer, windows));
        let (collected, rows) = join(join_all(connections), self.copy_rows(subject, tasks, writer)).await;
        let rows = rows?;
        let mut parts = Vec::new();
        for (task, collected) in tasks.iter().zip(collected) {
            let part = match rows.iter().find(|rows| task.holder == Holder::Dataset && rows.dataset == task.connection)
            {
                Some(rows) => Part::Rows(rows.clone()),
                None => Part::Connection(collected?),
            };
            parts.push((task.clone(), part));
        }
        Ok(parts)
    }

    /// Whether answers of a connection about events of a time contradicted each other; they are read page by page for a while.
    fn contradicts_itself(&self, parts: &[(Task, Part)]) -> bool {
        let mut any = false;
        for (task, part) in parts {
            let Part::Connection(collected) = part else { continue };
            let problems = collected.iter().filter_map(|one| one.problem.as_ref());
            if problems.map(SegmentError::kind).any(|kind| kind == ErrorKind::Contradiction)
                && let Some(connection) = self.connections.get(&task.connection)
            {
                connection.doubt_times(self.clock.monotonic());
                metrics::counter!("segment_privacy_event_windows_given_up_total").increment(1);
                tracing::warn!(connection = %task.connection, "events of a time do not add up: they are read page by page");
                any = true;
            }
        }
        any
    }

    /// Says what is not in the package.
    async fn label(
        &self,
        request: &Request,
        people: &BTreeMap<ConnectionKey, Found>,
        writer: &dyn PackageWriter,
    ) -> Result<(), PackageError> {
        for task in &request.tasks {
            match &task.state {
                TaskState::Error(_) => missing(task, writer).await?,
                TaskState::Complete(Outcome::Settled) => {
                    let sentence = format!("Nothing of {} is in here: it was settled by hand.", task.connection);
                    writer.limit(&sentence).await?;
                }
                _ => {}
            }
        }
        if people.is_empty() {
            return writer.limit(wording::NOTHING_OF_SEGMENT).await;
        }
        for sentence in wording::PACKAGE_LIMITS {
            writer.limit(sentence).await?;
        }
        Ok(())
    }

    /// Everything is collected again: only what may have passed by that time counts as an attempt.
    fn again(&self, parts: Vec<(Task, Part)>, update: &mut RequestUpdate) {
        for (task, part) in parts {
            match (&task.state, self.passing(&task, &part)) {
                (TaskState::Queued, Some(failure)) => self.failed(task, failure, update),
                (TaskState::Queued, None) => {}
                _ => update.tasks.push(task),
            }
        }
    }

    /// Why a part has a hole that may close by asking again later. At the last attempt a hole is labelled instead.
    fn passing(&self, task: &Task, part: &Part) -> Option<Failure> {
        let failure = match part {
            Part::Connection(collected) => {
                let problems = collected.iter().filter_map(|collected| collected.problem.as_ref());
                problems.map(|error| Failure::segment(error, Resume::Queued)).find(|failure| failure.passing)
            }
            Part::Rows(rows) if rows.passing => {
                let message = rows.holes.values().cloned().collect::<Vec<_>>().join("; ");
                let halt = Halt { kind: HaltKind::DirectoryFailed, message, resume: Resume::Queued };
                Some(Failure { halt, passing: true, wait: None, decides: false })
            }
            Part::Rows(_) => None,
        };
        failure.filter(|failure| self.tries_again(task, failure))
    }

    async fn collect_connection(
        &self,
        task: &Task,
        people: &BTreeMap<ConnectionKey, Found>,
        writer: &dyn PackageWriter,
        windows: bool,
    ) -> Result<Vec<Collected>, PackageError> {
        let connection = self.connections.get(&task.connection);
        let profiles =
            people.get(&task.connection).map(|found| found.resolution.profiles.as_slice()).unwrap_or_default();
        let api = |connection: &Connection| {
            let at_once = if windows { connection.windows(self.clock.monotonic()) } else { NonZeroUsize::MIN };
            Some((connection.sources.profiles.clone()?, at_once))
        };
        let Some((api, windows)) = connection.and_then(api) else {
            return Ok(Vec::new());
        };
        if task.state != TaskState::Queued || profiles.is_empty() {
            return Ok(Vec::new());
        }
        let collector = Collector {
            engine: self,
            connection: &task.connection,
            api: api.as_ref(),
            writer,
            label: profiles.len() > 1,
            windows,
        };
        let all = join_all(profiles.iter().map(|profile| collector.profile(profile))).await;
        let mut sums: BTreeMap<&'static str, Collected> = BTreeMap::new();
        for collected in all.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            let name = collected.name;
            let sum = sums.entry(name).or_insert(Collected { name, records: 0, problem: None });
            sum.records += collected.records;
            // One of them is enough for all to be read again.
            let doubt = |problem: &SegmentError| problem.kind() == ErrorKind::Contradiction;
            let is_worse = collected.problem.as_ref().is_some_and(doubt);
            sum.problem = if is_worse { collected.problem } else { sum.problem.take().or(collected.problem) };
        }
        Ok(sums.into_values().collect())
    }
}

/// What was collected of one task.
enum Part {
    Connection(Vec<Collected>),
    Rows(DatasetRows),
}

/// Whether there is nothing of the person, and nothing that could not be read.
fn is_nothing(task: &Task, part: &Part, people: &BTreeMap<ConnectionKey, Found>) -> bool {
    match part {
        Part::Connection(_) => {
            let known = people.get(&task.connection).is_some_and(|found| !found.resolution.profiles.is_empty());
            task.state != TaskState::Queued || !known
        }
        Part::Rows(rows) => rows.holes.is_empty() && rows.collections.values().sum::<u64>() == 0,
    }
}

fn no_data(tasks: &mut [Task]) {
    for task in tasks.iter_mut().filter(|task| task.state == TaskState::Queued) {
        move_task(task, TaskEvent::Complete(Outcome::NoData));
    }
}

/// A connection was given up: the package says that its data are not in it.
async fn missing(task: &Task, writer: &dyn PackageWriter) -> Result<(), PackageError> {
    writer.limit(&format!("Nothing of {} is in here: it could not be asked.", task.connection)).await
}

/// Completes a task that was collected, or labels its holes.
async fn finish_task(
    mut task: Task,
    people: &BTreeMap<ConnectionKey, Found>,
    collected: Vec<Collected>,
    writer: &dyn PackageWriter,
) -> Result<Task, PackageError> {
    if task.state != TaskState::Queued {
        missing(&task, writer).await?;
        return Ok(task);
    }
    if people.get(&task.connection).is_none_or(|found| found.resolution.profiles.is_empty()) {
        move_task(&mut task, TaskEvent::Complete(Outcome::NoData));
        return Ok(task);
    }
    let mut holes = Vec::new();
    for Collected { name, records, problem } in collected {
        task.collections.insert(name.to_owned(), records);
        if let Some(error) = problem {
            let reason = format!("{name} could not be read to the end: {error}");
            writer.incomplete(task.connection.as_str(), name, &reason).await?;
            task.findings.insert(Finding::new(FindingCode::CollectionIncomplete, reason.clone()));
            holes.push(reason);
        }
    }
    if holes.is_empty() {
        move_task(&mut task, TaskEvent::Complete(Outcome::Collected));
    } else {
        let halt = Halt { kind: HaltKind::Incomplete, message: holes.join("; "), resume: Resume::Queued };
        move_task(&mut task, TaskEvent::GiveUp(halt));
    }
    Ok(task)
}

fn packaged(receipt: &PackageReceipt) -> Value {
    let complete = receipt.files.iter().all(|file| file.complete);
    json!({"location": receipt.location, "bytes": receipt.bytes, "sha256": receipt.sha256,
        "files": receipt.files.len(), "complete": complete})
}

/// An error with its causes, which hold no personal data either.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
