//! Collecting everything that Unify holds on a person, side by side, page by page, into the package.

use std::collections::BTreeMap;

use futures_util::{
    StreamExt,
    future::{join, join_all, join5},
};
use segment_core::{
    AuditEntry, ConnectionKey, EventsQuery, ExternalIdsQuery, Finding, FindingCode, Halt, HaltKind, LinksQuery,
    NewPackage, Outcome, PackageReceipt, Page, Paged, Pii, ProfileRef, Records, Request, RequestUpdate, Resume,
    SegmentError, Service, Task, TaskEvent, TaskState, TraitsQuery, pages,
    ports::{PackageError, PackageWriter, Profiles},
};
use serde_json::{Value, json};

use crate::{
    Engine, Found, Progress,
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
    /// Collects for every resolved task of an access and finishes the package. Tasks in the update are still queued.
    pub(crate) async fn collect(
        &self,
        request: &Request,
        people: &BTreeMap<ConnectionKey, Found>,
        update: &mut RequestUpdate,
    ) {
        let known = people.values().any(|found| !found.resolution.profiles.is_empty());
        let waits = |task: &Task| task.state == TaskState::Queued && !people.contains_key(&task.connection);
        if update.tasks.iter().any(waits) {
            // One connection is to be asked again: the package is made when all have answered.
            update.tasks.retain(|task| waits(task) || task.state != TaskState::Queued);
            return;
        }
        if !known {
            for task in update.tasks.iter_mut().filter(|task| task.state == TaskState::Queued) {
                move_task(task, TaskEvent::Complete(Outcome::NoData));
            }
            return;
        }
        let tasks = std::mem::take(&mut update.tasks);
        match self.package(request, people, tasks.clone(), update).await {
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
        tasks: Vec<Task>,
        update: &mut RequestUpdate,
    ) -> Result<(), PackageError> {
        let Some(staging_key) = request.staging_key.clone() else {
            return Err(PackageError::Destination("the request's data key is destroyed".to_owned()));
        };
        let new =
            NewPackage { request: request.id.clone(), action: request.action, created_at: update.at, staging_key };
        let writer = self.packages.begin(new).await?;
        let collected = join_all(tasks.iter().map(|task| self.collect_connection(task, people, writer.as_ref()))).await;
        let mut retry = false;
        let mut done = Vec::new();
        for (task, collected) in tasks.into_iter().zip(collected) {
            let collected = collected?;
            retry |= collected.iter().any(|collected| self.is_passing(&task, collected));
            done.push((task, collected));
        }
        if retry {
            // Everything is collected again then: only what may have passed by that time counts as an attempt.
            for (task, collected) in done {
                let passing = collected.iter().find(|collected| self.is_passing(&task, collected));
                match (&task.state, passing.and_then(|collected| collected.problem.as_ref())) {
                    (TaskState::Queued, Some(error)) => {
                        self.failed(task, Failure::segment(error, Resume::Queued), update);
                    }
                    (TaskState::Queued, None) => {}
                    _ => update.tasks.push(task),
                }
            }
            return Ok(());
        }
        for (task, collected) in done {
            update.tasks.push(finish_task(task, people, collected, writer.as_ref()).await?);
        }
        for task in &request.tasks {
            match &task.state {
                TaskState::Error(_) => missing(task, writer.as_ref()).await?,
                TaskState::Complete(Outcome::Settled) => {
                    let sentence = format!("Nothing of {} is in here: it was settled by hand.", task.connection);
                    writer.limit(&sentence).await?;
                }
                _ => {}
            }
        }
        for sentence in wording::PACKAGE_LIMITS {
            writer.limit(sentence).await?;
        }
        self.progress.tell(Progress::Packaging(request.id.clone()));
        let receipt = writer.finish().await?;
        update.audit.push(AuditEntry::new(self.clock.now(), "packaged", packaged(&receipt)));
        update.package = Some(receipt);
        Ok(())
    }

    /// Whether a hole may close by asking again later. At the last attempt a hole is labelled instead.
    fn is_passing(&self, task: &Task, collected: &Collected) -> bool {
        let problem = collected.problem.as_ref();
        problem.is_some_and(|error| Failure::segment(error, Resume::Queued).passing)
            && task.attempts + 1 < self.policy.attempts
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
