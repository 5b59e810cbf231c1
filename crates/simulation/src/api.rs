//! Segment's APIs as one process sees them: slow, failing, lying in all the ways that docs/segment-api.md allows.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use segment_core::{
    Cursor, DestinationReport, ErrorKind, Event, EventsQuery, ExternalId, ExternalIdsQuery, Link, LinksQuery, Metadata,
    NewRegulation, Page, Paged, Pii, ProfileRef, RegulationEntry, RegulationId, RegulationQuery, RegulationReport,
    RegulationStatus, SegmentError, Service, Submission, Suppression, Trait, TraitsQuery, Workspace,
    ports::{Profiles, RegulationSubmit, Regulations},
};
use serde_json::json;
use tokio::{sync::oneshot, time::Instant};

use crate::{
    crashes::{Story, When},
    invariants,
    process::Process,
    scenario::{LEASE, month_after, month_of},
    segment::{End, Fate, Person, Regulation},
    world::World,
};

/// Failures of a read, in a thousand; the client has given up its own retries by then.
const READ_FAILS: u64 = 25;
/// How long a call may be on its way, and how long what it made may take to be listed: together less than `SETTLE`.
const ON_THE_WAY: Duration = Duration::from_secs(29);

#[derive(Debug)]
pub(crate) struct Api {
    pub(crate) process: Arc<Process>,
}

fn error(kind: ErrorKind) -> SegmentError {
    SegmentError::new(Service::PublicApi, kind)
}

impl Api {
    fn world(&self) -> &Arc<World> {
        &self.process.world
    }

    /// A read: it takes its time, and may fail.
    async fn reads(&self, step: &'static str) -> Result<Timestamp, SegmentError> {
        self.process.pass(When::Before, step).await;
        let world = self.world();
        let slow = if world.crashes.is(Story::SlowReads) { LEASE / 2 } else { Duration::from_millis(200) };
        tokio::time::sleep(world.dice.duration(slow / 2, slow)).await;
        self.process.pass(When::After, step).await;
        if !world.crashes.is_planned() && world.strikes(READ_FAILS) {
            let kinds = [
                ErrorKind::Server,
                ErrorKind::Timeout,
                ErrorKind::Broken,
                ErrorKind::Connect,
                ErrorKind::Unreadable,
                ErrorKind::RateLimited,
                ErrorKind::Unauthorized,
            ];
            let kind = world.dice.pick(&kinds).copied().unwrap_or(ErrorKind::Server);
            self.process.tell(format!("{step} fails: {}", kind.code()));
            return Err(error(kind));
        }
        Ok(world.now())
    }
}

/// What becomes of a call that creates.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    /// It arrives, and the answer comes back.
    Answered,
    /// It arrives, and the answer is lost, or cannot be read.
    AnswerLost(ErrorKind),
    /// It arrives late: the caller has given up, and until then nobody at Segment knows of it.
    Late,
    /// It never arrives, and the caller cannot know that.
    Swallowed(ErrorKind),
    /// It arrives twice: a proxy repeats it.
    Twice,
    /// It did not leave.
    NotSent(ErrorKind),
    /// Segment says no.
    Refused(ErrorKind),
}

fn deliver(world: &World, call: u64) -> Delivery {
    if call == 0 && world.crashes.is(Story::AnswerLost) {
        return Delivery::AnswerLost(ErrorKind::Broken);
    }
    if call == 0 && world.crashes.is(Story::CallLost) {
        return Delivery::Swallowed(ErrorKind::Timeout);
    }
    if world.crashes.is_planned() || world.is_calm() {
        return Delivery::Answered;
    }
    let lost = [ErrorKind::Server, ErrorKind::Timeout, ErrorKind::Broken, ErrorKind::Unreadable];
    let kind = world.dice.pick(&lost).copied().unwrap_or(ErrorKind::Timeout);
    match world.dice.below(100) {
        0..55 => Delivery::Answered,
        55..67 => Delivery::AnswerLost(kind),
        67..74 => Delivery::Late,
        74..81 => Delivery::Swallowed(kind),
        81..84 => Delivery::Twice,
        84..90 => Delivery::NotSent(ErrorKind::Connect),
        90..95 => Delivery::NotSent(ErrorKind::RateLimited),
        95..97 => Delivery::Refused(ErrorKind::TooLarge),
        97..99 => Delivery::Refused(ErrorKind::Unauthorized),
        _ => Delivery::NotSent(ErrorKind::QuotaExhausted),
    }
}

fn fate(world: &World, call: u64) -> Fate {
    let dice = &world.dice;
    let minutes = Duration::from_mins;
    let strange = world.strikes(150);
    let end = match dice.below(100) {
        _ if call == 0 && world.crashes.is(Story::Fails) => End::Failed,
        _ if world.is_calm() || world.crashes.is_planned() => End::Finished,
        0..80 => End::Finished,
        80..90 => End::OnlyUnsupported,
        90..96 => End::Failed,
        _ => End::Invalid,
    };
    Fate {
        listed_after: dice.duration(Duration::ZERO, ON_THE_WAY),
        told_after: if strange { minutes(dice.between(1, 30)) } else { Duration::ZERO },
        readable_after: if strange { minutes(dice.between(1, 20)) } else { Duration::ZERO },
        ends_after: minutes(dice.between(1, 240)),
        end,
        remains_for: if strange { minutes(dice.between(1, 90)) } else { Duration::ZERO },
        returns: world.strikes(100),
    }
}

/// The call reaches Segment.
fn arrive(world: &World, call: u64, order: &NewRegulation) -> Submission {
    let now = world.now();
    let users = order.subjects.len() as u64;
    {
        let mut truth = world.segment.truth();
        let refused = |id: &Pii<String>| truth.person_of(id.expose()).is_some_and(|person| person.is_refused);
        if let Some(at) = order.subjects.iter().position(refused) {
            // Some answers name the id, others do not.
            let field = call.is_multiple_of(2).then(|| format!("subjectIds[{at}]"));
            world.trace.tell(format!("Segment refuses call {call}"));
            return Submission::Refused(error(ErrorKind::Invalid).with_answer(None, field, None));
        }
        if !truth.take_quota(month_of(now), order.kind.quota(), users, world.segment.monthly_users) {
            world.trace.tell(format!("Segment has no quota left for call {call}"));
            let wait = Duration::try_from(month_after(now).duration_since(now)).unwrap_or_default();
            return Submission::NotSent(error(ErrorKind::QuotaExhausted).with_wait(Some(wait)));
        }
    }
    invariants::check_arrival(world, call, order);
    let fate = fate(world, call);
    let id = world.segment.truth().create(call, order, &fate, now);
    world.trace.tell(format!("Segment creates {id} of call {call}: {} ids, {:?}", users, fate.end));
    Submission::Accepted(RegulationId::new(id))
}

#[async_trait]
impl RegulationSubmit for Api {
    async fn create(&self, regulation: &NewRegulation, within: Duration) -> Submission {
        let world = self.world().clone();
        let deadline = Instant::now() + within;
        self.process.pass(When::Before, "create").await;
        // The client looks at its clock before it writes.
        if Instant::now() >= deadline {
            return Submission::NotSent(error(ErrorKind::Connect));
        }
        let call = world.segment.next_call();
        let delivery = deliver(&world, call);
        self.process.tell(format!("sends call {call}: {delivery:?}"));
        let room = deadline.duration_since(Instant::now());
        let way = world.dice.duration(Duration::from_millis(5), Duration::from_millis(300)).min(room / 2);
        let arrives_at = match delivery {
            Delivery::NotSent(kind) => {
                let wait = (kind != ErrorKind::Connect).then(|| Duration::from_mins(world.dice.between(1, 90)));
                self.process.pass(When::After, "create").await;
                return Submission::NotSent(error(kind).with_wait(wait));
            }
            Delivery::Refused(kind) => {
                self.process.pass(When::After, "create").await;
                return Submission::Refused(error(kind));
            }
            Delivery::Swallowed(kind) => {
                self.process.pass(When::After, "create").await;
                return Submission::Unknown(error(kind));
            }
            Delivery::Late => deadline + world.dice.duration(Duration::ZERO, ON_THE_WAY),
            _ => Instant::now() + way,
        };
        // Once written it arrives, whatever becomes of the process.
        let (answer, answered) = oneshot::channel();
        let order = regulation.clone();
        tokio::spawn(async move {
            tokio::time::sleep_until(arrives_at).await;
            let first = arrive(&world, call, &order);
            if matches!(delivery, Delivery::Twice) {
                let _ = arrive(&world, call, &order);
            }
            let _ = answer.send(first);
        });
        let answered = tokio::time::timeout_at(deadline, answered).await;
        self.process.pass(When::After, "create").await;
        match (answered, delivery) {
            (_, Delivery::AnswerLost(kind)) => Submission::Unknown(error(kind)),
            (Ok(Ok(answer)), _) => answer,
            _ => Submission::Unknown(error(ErrorKind::Timeout)),
        }
    }
}

/// Where a regulation stands: statuses that nobody has documented, and some that go backwards, before its end.
fn status(world: &World, one: &Regulation, now: Timestamp) -> RegulationStatus {
    let age = now.duration_since(one.created_at).as_secs() / 600;
    match one.end {
        _ if one.ends_at > now && world.is_calm() => RegulationStatus::Running,
        _ if one.ends_at > now => match age % 4 {
            1 => RegulationStatus::Running,
            2 => RegulationStatus::parse("PAUSED_FOR_REVIEW"),
            _ => RegulationStatus::Initialized,
        },
        End::Finished => RegulationStatus::Finished,
        End::OnlyUnsupported | End::Failed => RegulationStatus::Failed,
        End::Invalid => RegulationStatus::Invalid,
    }
}

fn destinations(one: &Regulation, now: Timestamp) -> Vec<DestinationReport> {
    let named = |name: &str, status| DestinationReport {
        stream: "web".to_owned(),
        id: name.to_owned(),
        name: name.to_owned(),
        status,
        message: Pii::default(),
    };
    match one.end {
        _ if one.ends_at > now => Vec::new(),
        End::OnlyUnsupported => {
            vec![named("Mail", RegulationStatus::Finished), named("Counter", RegulationStatus::NotSupported)]
        }
        End::Failed => vec![named("Mail", RegulationStatus::Failed)],
        End::Finished | End::Invalid => Vec::new(),
    }
}

#[async_trait]
impl Regulations for Api {
    async fn workspace(&self) -> Result<Workspace, SegmentError> {
        self.reads("workspace").await?;
        Ok(Workspace { id: "7hT2".into(), slug: "acme".into(), name: "Acme".into() })
    }

    async fn get(&self, id: &RegulationId) -> Result<Option<RegulationReport>, SegmentError> {
        let now = self.reads("get").await?;
        let world = self.world();
        let truth = world.segment.truth();
        let found = truth.regulations.iter().find(|one| one.id == id.as_str() && one.readable_at <= now);
        Ok(found.map(|one| RegulationReport {
            id: id.clone(),
            status: status(world, one, now),
            created_at: Some(one.created_at),
            finished_at: (one.ends_at <= now).then_some(one.ends_at),
            destinations: destinations(one, now),
        }))
    }

    async fn list(&self, query: &RegulationQuery) -> Result<Page<RegulationEntry>, SegmentError> {
        let now = self.reads("list").await?;
        let world = self.world();
        let truth = world.segment.truth();
        let is_asked_for =
            |one: &&Regulation| query.status.as_ref().is_none_or(|wanted| *wanted == status(world, one, now));
        let listed = truth.regulations.iter().filter(|one| one.listed_at <= now);
        let mut all: Vec<&Regulation> = listed.filter(is_asked_for).collect();
        if world.segment.newest_first {
            all.reverse();
        }
        let entry = |one: &Regulation| RegulationEntry {
            id: RegulationId::new(one.id.clone()),
            kind: Some(one.kind.clone()),
            status: status(world, one, now),
            subjects: (one.told_at <= now).then(|| one.subjects.iter().map(|id| Pii::from(id.as_str())).collect()),
            created_at: Some(one.created_at),
        };
        let start: usize = query.next.as_ref().and_then(|next| next.as_str().parse().ok()).unwrap_or(0);
        // Small pages, so that there are several.
        let end = all.len().min(start + usize::from(query.count.clamp(1, 3)));
        let items = all.get(start..end).unwrap_or_default().iter().map(|one| entry(one)).collect();
        Ok(Page { items, next: (end < all.len()).then(|| Cursor::new(end.to_string())).flatten() })
    }

    async fn suppressions(&self, _: Option<Cursor>) -> Result<Page<Suppression>, SegmentError> {
        let now = self.reads("suppressions").await?;
        let mut truth = self.world().segment.truth();
        let since = |since: &Timestamp| *since <= now;
        let shown: Vec<String> =
            truth.suppressed.iter().filter(|(_, at)| since(at)).map(|(id, _)| id.clone()).collect();
        let subjects = shown.iter().map(|id| Pii::from(id.as_str())).collect();
        truth.seen_suppressed.extend(shown);
        Ok(Page::only(vec![Suppression { is_user: true, subjects }]))
    }
}

impl Api {
    async fn person(&self, step: &'static str, profile: &ProfileRef) -> Result<Option<Person>, SegmentError> {
        let now = self.reads(step).await?;
        let person = {
            let mut truth = self.world().segment.truth();
            let is_meant = |person: &&Person| match profile {
                ProfileRef::SegmentId(id) => id.expose() == &format!("use_{}", person.number),
                ProfileRef::ExternalId { value, .. } => {
                    person.user_ids.contains(value.expose()) || &person.email == value.expose()
                }
            };
            let person = truth.people.iter().find(is_meant).cloned();
            let (person, gone) = match person {
                Some(person) if !person.has_profile(now) => (None, Some(person.number)),
                person => (person, None),
            };
            truth.seen_gone.extend(gone);
            person
        };
        if person.as_ref().is_some_and(|person| person.is_poison) {
            self.process.kill("by what it read");
            pending::<()>().await;
        }
        Ok(person)
    }
}

fn external_id(kind: &str, value: &str) -> ExternalId {
    ExternalId { kind: kind.to_owned(), value: Pii::from(value), record: Pii::new(json!({"type": kind, "id": value})) }
}

#[async_trait]
impl Profiles for Api {
    async fn metadata(&self, profile: &ProfileRef) -> Result<Option<Metadata>, SegmentError> {
        let person = self.person("metadata", profile).await?;
        Ok(person.map(|person| Metadata {
            segment_id: Some(Pii::new(format!("use_{}", person.number))),
            fields: Pii::new(json!({})),
        }))
    }

    async fn traits(&self, profile: &ProfileRef, _: &TraitsQuery) -> Paged<Trait> {
        let person = self.person("traits", profile).await?;
        Ok(person.map(|_| Page::only(vec![Trait { name: "plan".to_owned(), value: Pii::new(json!("free")) }])))
    }

    async fn external_ids(&self, profile: &ProfileRef, _: &ExternalIdsQuery) -> Paged<ExternalId> {
        let person = self.person("external_ids", profile).await?;
        Ok(person.map(|person| {
            let ids = person.user_ids.iter().map(|id| external_id("user_id", id));
            Page::only(ids.chain([external_id("email", &person.email)]).collect())
        }))
    }

    async fn events(&self, profile: &ProfileRef, query: &EventsQuery) -> Paged<Event> {
        let person = self.person("events", profile).await?;
        Ok(person.map(|person| {
            let ids: Vec<_> = person.user_ids.iter().map(|id| json!({"type": "user_id", "id": id})).collect();
            let all: Vec<usize> = (0..person.events).collect();
            let start: usize = query.next.as_ref().and_then(|next| next.as_str().parse().ok()).unwrap_or(0);
            let end = all.len().min(start + 5);
            let event = |number: &usize| Event { record: Pii::new(json!({"event": number, "external_ids": ids})) };
            let items = all.get(start..end).unwrap_or_default().iter().map(event).collect();
            Page { items, next: (end < all.len()).then(|| Cursor::new(end.to_string())).flatten() }
        }))
    }

    async fn links(&self, profile: &ProfileRef, _: &LinksQuery) -> Paged<Link> {
        Ok(self.person("links", profile).await?.map(|_| Page::only(Vec::new())))
    }
}
