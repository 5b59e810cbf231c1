//! Collecting everything that Unify holds on a person, side by side, page by page, into the package.

use std::collections::BTreeMap;

use futures_util::{
    StreamExt,
    future::{join, join_all, join5},
};
use segment_core::{
    Action, AuditEntry, ConnectionKey, DatasetRows, EventsQuery, ExternalIdsQuery, Finding, FindingCode, Halt,
    HaltKind, Holder, IdentitySet, LinksQuery, NewPackage, Outcome, PackageReceipt, Page, Paged, Pii, ProfileRef,
    Records, Request, RequestUpdate, Resume, SegmentError, Service, Subject, Task, TaskEvent, TaskState, TraitsQuery,
    pages,
    ports::{PackageError, PackageWriter, Profiles},
};
use serde_json::{Value, json};

use crate::{
    Engine, Found, Progress,
    owned::subject,
    process::{Failure, move_task},
    resolve::there,
    wording,
};

/// One collection of one connection: how many records, and why it may have a hole.
struct Collected {
    name: &'static str,
    records: u64,
    problem: Option<SegmentError>,
}

/// The rows of an access that are to be collected.
#[derive(Default)]
pub(crate) struct RowsToCollect {
    tasks: Vec<Task>,
    subject: Option<Subject>,
    /// The owned databases know more than one person by what was given.
    pub(crate) puzzled: bool,
}

/// Reads one profile of one connection into the package.
struct Collector<'a> {
    engine: &'a Engine,
    connection: &'a ConnectionKey,
    api: &'a dyn Profiles,
    writer: &'a dyn PackageWriter,
    /// With several profiles, traits say whose they are.
    label: bool,
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
        match self.found_by_directories(request, identities).await {
            Ok(found) => {
                let found = found.iter().map(|(key, found)| (key, &found.resolution.user_ids));
                RowsToCollect { subject: Some(subject(identities, found)), tasks, puzzled: false }
            }
            Err(error) => {
                let failure = Failure::from(error);
                for task in tasks {
                    self.failed(task, failure.clone(), update);
                }
                RowsToCollect { puzzled: failure.decides, ..RowsToCollect::default() }
            }
        }
    }

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
                        self.failed(task, Failure { halt, passing: false, decides: false }, update);
                    } else {
                        update.tasks.push(task);
                    }
                }
            }
        }
    }

    async fn package(
        &self,
        request: &Request,
        people: &BTreeMap<ConnectionKey, Found>,
        subject: Option<&Subject>,
        tasks: Vec<Task>,
        update: &mut RequestUpdate,
    ) -> Result<(), PackageError> {
        let Some(staging_key) = request.staging_key.clone() else {
            return Err(PackageError::Destination("the request's data key is destroyed".to_owned()));
        };
        let tables = self.owned.as_ref().map(|owned| owned.sources.tables.clone()).unwrap_or_default();
        let new = NewPackage {
            request: request.id.clone(),
            action: request.action,
            created_at: update.at,
            staging_key,
            tables,
        };
        let writer = self.packages.begin(new).await?;
        let connections = tasks.iter().map(|task| self.collect_connection(task, people, writer.as_ref()));
        let (collected, rows) = join(join_all(connections), self.copy_rows(subject, writer.as_ref())).await;
        let rows = rows?;
        let mut parts = Vec::new();
        for (task, collected) in tasks.into_iter().zip(collected) {
            let part = match rows.iter().find(|rows| task.holder == Holder::Dataset && rows.dataset == task.connection)
            {
                Some(rows) => Part::Rows(rows.clone()),
                None => Part::Connection(collected?),
            };
            parts.push((task, part));
        }
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

    async fn copy_rows(
        &self,
        subject: Option<&Subject>,
        writer: &dyn PackageWriter,
    ) -> Result<Vec<DatasetRows>, PackageError> {
        let (Some(owned), Some(subject)) = (&self.owned, subject) else { return Ok(Vec::new()) };
        self.progress.tell(Progress::Reading);
        owned.sources.rows.copy(subject, writer).await
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
                Some(Failure { halt, passing: true, decides: false })
            }
            Part::Rows(_) => None,
        };
        failure.filter(|_| task.attempts + 1 < self.policy.attempts)
    }

    async fn collect_connection(
        &self,
        task: &Task,
        people: &BTreeMap<ConnectionKey, Found>,
        writer: &dyn PackageWriter,
    ) -> Result<Vec<Collected>, PackageError> {
        let connection = self.connections.get(&task.connection);
        let profiles =
            people.get(&task.connection).map(|found| found.resolution.profiles.as_slice()).unwrap_or_default();
        let Some(api) = connection.and_then(|connection| connection.sources.profiles.as_ref()) else {
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
        };
        let all = join_all(profiles.iter().map(|profile| collector.profile(profile))).await;
        let mut sums: BTreeMap<&'static str, Collected> = BTreeMap::new();
        for collected in all.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            let name = collected.name;
            let sum = sums.entry(name).or_insert(Collected { name, records: 0, problem: None });
            sum.records += collected.records;
            sum.problem = sum.problem.take().or(collected.problem);
        }
        Ok(sums.into_values().collect())
    }
}

impl Collector<'_> {
    async fn profile(&self, profile: &ProfileRef) -> Result<Vec<Collected>, PackageError> {
        let api = self.api;
        let label = match profile {
            ProfileRef::SegmentId(id) if self.label => Some(id.expose().clone()),
            _ => None,
        };
        let traits = self.read("traits", |next| {
            let query = TraitsQuery { next, ..TraitsQuery::default() };
            let label = label.clone();
            async move {
                let record = |item: segment_core::Trait| {
                    labelled(json!({"name": item.name, "value": item.value.into_exposed()}), label.as_ref())
                };
                there(records(api.traits(profile, &query).await?, record))
            }
        });
        let external_ids = self.read("external_ids", |next| {
            let query = ExternalIdsQuery { next, ..ExternalIdsQuery::default() };
            async move { there(records(api.external_ids(profile, &query).await?, |item| item.record.into_exposed())) }
        });
        let events = self.read("events", |next| {
            let query = EventsQuery { next, ..EventsQuery::default() };
            async move { there(records(api.events(profile, &query).await?, |item| item.record.into_exposed())) }
        });
        // Links are documented for accounts only: not to know the resource may be how Segment says that there are none.
        let links = self.read("links", |next| {
            let query = LinksQuery { next, ..LinksQuery::default() };
            async move { Ok(records(api.links(profile, &query).await?, |item| item.record.into_exposed())) }
        });
        let metadata = self.read("metadata", |_| async move {
            there(api.metadata(profile).await?.map(|metadata| {
                let id = metadata.segment_id.as_ref().map(|id| id.expose().clone());
                Page::only(vec![Pii::new(labelled(metadata.fields.into_exposed(), id.as_ref()))])
            }))
        });
        let (traits, external_ids, events, links, metadata) =
            join5(traits, external_ids, events, links, metadata).await;
        Ok(vec![traits?, external_ids?, events?, links?, metadata?])
    }

    async fn read<Fut>(
        &self,
        name: &'static str,
        fetch: impl FnMut(Option<segment_core::Cursor>) -> Fut + Send,
    ) -> Result<Collected, PackageError>
    where
        Fut: Future<Output = Paged<Pii<Value>>> + Send,
    {
        let source = self.connection.as_str();
        self.writer.append(source, name, Records::new()).await?;
        let mut collected = Collected { name, records: 0, problem: None };
        let mut stream = Box::pin(pages(Service::ProfileApi, fetch));
        let mut next = stream.next().await;
        while let Some(page) = next {
            match page {
                Ok(page) => {
                    let records = page.items.len() as u64;
                    // The next page is on its way while this one is encrypted and written.
                    let (appended, following) = join(self.writer.append(source, name, page.items), stream.next()).await;
                    appended?;
                    collected.records += records;
                    let connection = self.connection.clone();
                    self.engine.progress.tell(Progress::Collected { connection, collection: name, records });
                    next = following;
                }
                Err(error) => {
                    collected.problem = Some(error);
                    next = None;
                }
            }
        }
        Ok(collected)
    }
}

fn records<T>(page: Option<Page<T>>, record: impl Fn(T) -> Value) -> Option<Page<Pii<Value>>> {
    page.map(|page| Page {
        items: page.items.into_iter().map(|item| Pii::new(record(item))).collect(),
        next: page.next,
    })
}

fn labelled(mut record: Value, segment_id: Option<&String>) -> Value {
    if let (Some(fields), Some(id)) = (record.as_object_mut(), segment_id) {
        fields.insert("segment_id".to_owned(), Value::from(id.clone()));
    }
    record
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

/// Completes a task whose rows are copied, or labels its holes.
fn finish_rows(mut task: Task, rows: DatasetRows) -> Task {
    let found: u64 = rows.collections.values().sum();
    task.collections = rows.collections;
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
