//! One run: people, requests, workers, weather, and then quiet until everything has come to its end.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use privacy_engine::{
    Asked, Connection, ConnectionKind, Engine, Parts, Policy, ProgressSink, Sources, Tracking, Until,
};
use segment_core::{
    Action, ClaimScope, ConnectionKey, Decision, HaltKind, Identity, IdentityKind, IdentitySet, Pii, RegulationType,
    Request, RequestId, TaskState, ports::RequestStore,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    api::Api,
    crashes::{Crashes, Point, Story},
    dice::Dice,
    invariants::{all_requests, at_once, check_end, ends_well},
    panics,
    process::Process,
    segment::{Person, Segment},
    store::Store,
    world::World,
};

pub(crate) const LEASE: Duration = Duration::from_secs(30);
pub(crate) const SETTLE: Duration = Duration::from_mins(1);
const STORM: Duration = Duration::from_hours(8);
/// After the storm; a month's turn and the last looks lie within.
const END: Duration = Duration::from_hours(24 * 5);
/// Wall clocks are that wrong, at most: with Segment's own less than the ten minutes that reconciliation allows for.
const SKEW: i64 = 8 * 60 * 1_000;

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) trace: Vec<String>,
    pub(crate) violations: Vec<String>,
    pub(crate) passed: BTreeMap<Point, u64>,
}

/// Runs a seed to its end.
pub(crate) fn run(seed: u64, crashes: Crashes) -> Outcome {
    let before = panics::count();
    let mut outcome = run_to_the_end(seed, crashes);
    let panicked = panics::count() - before;
    if panicked > 0 {
        outcome.violations.push(format!("VIOLATION of \"nothing panics\": {panicked} times"));
    }
    outcome
}

fn run_to_the_end(seed: u64, crashes: Crashes) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(play(seed, crashes)),
        Err(error) => {
            let violations = vec![format!("there is no runtime: {error}")];
            Outcome { trace: Vec::new(), violations, passed: BTreeMap::new() }
        }
    }
}

async fn play(seed: u64, crashes: Crashes) -> Outcome {
    let dice = Dice::of(seed);
    let world = Arc::new(set_up(dice, crashes));
    let workers = world.dice.between(2, 3);
    let policy = policy(&world);
    let (order, quota) = (policy.orders(Action::Erasure), world.segment.monthly_users);
    world.trace.tell(format!("{}: {workers} workers, orders {order:?}, {quota} users a month", world.now()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..workers {
        tasks.spawn(keep_working(world.clone(), policy.clone(), number));
    }
    tasks.spawn(take_in(world.clone(), policy.clone()));
    tasks.spawn(operate(world.clone(), policy));
    tokio::time::sleep(STORM).await;
    world.calm_down();
    let end = Instant::now() + END;
    while Instant::now() < end && !world.trace.is_broken() && !is_over(&world) {
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
    tasks.shutdown().await;
    if !world.trace.is_broken() {
        check_end(&world);
    }
    let (trace, violations) = world.trace.parts();
    Outcome { trace, violations, passed: world.crashes.passed() }
}

fn is_over(world: &World) -> bool {
    let next = at_once(world.store.next_due(&ClaimScope::All));
    all_requests(world).iter().all(|request| ends_well(world, request))
        && next.is_some_and(|due| due.earliest().is_none())
}

fn set_up(dice: Dice, crashes: Crashes) -> World {
    let planned = crashes.is_planned();
    let count = usize::try_from(dice.between(4, 12)).unwrap_or(4);
    let people: Vec<_> = (0..count).map(|number| person(&dice, number, planned)).collect();
    // Some runs begin shortly before a month's turn, and some with hardly any quota.
    let turn: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap_or_default();
    let turns_in_storm = dice.per_mille(400);
    let before = if turns_in_storm { dice.between(1, 7) } else { dice.between(13, 96) };
    let before = SignedDuration::from_hours(i64::try_from(before).unwrap_or(1));
    let epoch = turn.checked_sub(before).unwrap_or(turn);
    let ids = people.iter().map(|person| person.user_ids.len() as u64).sum::<u64>();
    // The two months have room for all, and for what fails and is sent again.
    let scarce = if turns_in_storm { dice.between(ids, ids + 2) } else { dice.between(ids * 3 / 4, ids).max(3) };
    let quota = if !planned && dice.per_mille(300) { scarce } else { 110_000 };
    let newest_first = dice.per_mille(500);
    World::new(dice, epoch, crashes, Segment::new(quota, newest_first, people))
}

fn person(dice: &Dice, number: usize, planned: bool) -> Person {
    let ids = if dice.per_mille(200) { 2 } else { 1 };
    Person {
        number,
        email: format!("p{number}@shop.example"),
        user_ids: (0..ids).map(|id| format!("user-{number}-{id}")).collect(),
        events: usize::try_from(dice.below(13)).unwrap_or_default(),
        is_refused: !planned && dice.per_mille(40),
        is_poison: !planned && dice.per_mille(20),
        gone_at: None,
        returns_at: None,
    }
}

fn policy(world: &World) -> Policy {
    let hours = Duration::from_hours;
    let (by_chance, internal) = (world.dice.per_mille(250), world.dice.per_mille(300));
    let masking_strict = if world.crashes.is_planned() { world.crashes.is(Story::Strict) } else { by_chance };
    let regulation =
        if internal { RegulationType::SuppressWithDeleteInternal } else { RegulationType::SuppressWithDelete };
    Policy {
        masking_strict,
        regulation,
        lease: LEASE,
        concurrency: 4,
        longest_nap: Duration::from_mins(5),
        tracking: Tracking {
            verify_after: vec![Duration::ZERO, hours(3), hours(24)],
            settle: SETTLE,
            max_poll: hours(1),
            ..Tracking::default()
        },
        ..Policy::default()
    }
}

fn engine(process: &Arc<Process>, policy: &Policy) -> Arc<Engine> {
    let world = &process.world;
    let api = Arc::new(Api { process: process.clone() });
    let sources = Sources {
        key: ConnectionKey::new("main"),
        kind: ConnectionKind::SegmentUnify,
        workspace: "acme".to_owned(),
        enabled: true,
        source: None,
        regulations: api.clone(),
        profiles: Some(api.clone()),
        directory: None,
        event_windows: std::num::NonZeroUsize::new(8).unwrap_or(std::num::NonZeroUsize::MIN),
    };
    Arc::new(Engine::new(Parts {
        store: Arc::new(Store { process: process.clone() }),
        packages: Arc::new(world.sink.clone()),
        clock: process.clone(),
        random: world.dice.clone(),
        connections: vec![Connection::new(sources, api, world.segment.monthly_users)],
        withheld: BTreeMap::new(),
        owned: None,
        policy: policy.clone(),
        owner: process.name.clone(),
        progress: ProgressSink::default(),
        hint: Arc::default(),
    }))
}

/// A worker, started again whenever it ended.
async fn keep_working(world: Arc<World>, policy: Policy, number: u64) {
    for life in 0_u64.. {
        let process = Process::start(format!("worker {number}.{life}"), world.clone());
        let engine = engine(&process, &policy);
        let cancel = CancellationToken::new();
        let scope = ClaimScope::All;
        let work = engine.run(&scope, Until::Canceled, &cancel);
        tokio::pin!(work);
        let mut until = Box::pin(weather(process.clone(), cancel.clone()));
        tokio::select! {
            biased;
            () = process.died() => {}
            ended = &mut work => process.tell(format!("ends: {ended:?}")),
            () = &mut until => {}
        }
        tokio::time::sleep(world.dice.duration(Duration::from_millis(100), LEASE * 2)).await;
    }
}

/// What happens to a process from outside: its clock jumps, or it is asked to end.
async fn weather(process: Arc<Process>, cancel: CancellationToken) {
    let world = &process.world;
    loop {
        tokio::time::sleep(world.dice.duration(Duration::from_mins(5), Duration::from_hours(1))).await;
        if world.crashes.is_planned() || world.is_calm() {
            continue;
        }
        if world.dice.per_mille(250) {
            process.tell("is asked to end");
            cancel.cancel();
        } else {
            let skew = i64::try_from(world.dice.between(0, SKEW.unsigned_abs() * 2)).unwrap_or_default() - SKEW;
            process.set_skew(skew);
        }
    }
}

/// People ask, some of them twice.
async fn take_in(world: Arc<World>, policy: Policy) {
    let count = world.segment.truth().people.len();
    for number in 0..count {
        if !world.crashes.is_planned() || number % 3 == 0 {
            tokio::time::sleep(world.dice.duration(Duration::ZERO, Duration::from_mins(30))).await;
        }
        let (email, user_id) = {
            let truth = world.segment.truth();
            let Some(person) = truth.people.get(number) else { return };
            (person.email.clone(), person.user_ids.first().cloned().unwrap_or_default())
        };
        let (kind, value) =
            if world.dice.per_mille(500) { (IdentityKind::Email, email) } else { (IdentityKind::UserId, user_id) };
        let actions: &[Action] = match world.dice.below(10) {
            0 => &[Action::Access],
            1..4 => &[Action::Access, Action::Erasure],
            _ => &[Action::Erasure],
        };
        for action in actions {
            let Ok(identities) = Identity::new(kind.clone(), &value).and_then(|one| IdentitySet::new([one])) else {
                continue;
            };
            let mut asked = Asked::new(*action, identities);
            asked.external_id = Some(Pii::new(format!("{action}-{number}")));
            ask(&world, &policy, &asked).await;
        }
    }
}

/// Asks until it is answered, and now and then once more.
async fn ask(world: &Arc<World>, policy: &Policy, asked: &Asked) {
    let mut times = if world.strikes(200) { 2 } else { 1 };
    while times > 0 {
        let process = Process::start("intake", world.clone());
        let engine = engine(&process, policy);
        tokio::select! {
            biased;
            () = process.died() => {}
            answer = engine.intake(vec![asked.clone()]) => {
                if answer.is_ok() {
                    times -= 1;
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Somebody looks after what is halted, and calls off a request now and then.
async fn operate(world: Arc<World>, policy: Policy) {
    loop {
        tokio::time::sleep(world.dice.duration(Duration::from_mins(10), Duration::from_mins(40))).await;
        for request in all_requests(&world) {
            let Some(decision) = decision(&world, &request) else { continue };
            decide(&world, &policy, &request.id, &decision).await;
        }
    }
}

fn decision(world: &World, request: &Request) -> Option<Decision> {
    let halted = request.tasks.iter().filter_map(|task| match &task.state {
        TaskState::Attention(halt) | TaskState::Error(halt) => Some(halt.kind),
        _ => None,
    });
    let kinds: Vec<_> = halted.collect();
    let lasts = kinds.contains(&HaltKind::Refused) || kinds.contains(&HaltKind::NeverFinished);
    if kinds.is_empty() {
        let cancels = !world.crashes.is_planned() && world.strikes(4);
        return (cancels && !request.status.is_terminal()).then_some(Decision::Cancel);
    }
    // What lies with the person happens again.
    let again = !lasts || world.dice.per_mille(100);
    again.then_some(Decision::Retry)
}

async fn decide(world: &Arc<World>, policy: &Policy, id: &RequestId, decision: &Decision) {
    let process = Process::start("operator", world.clone());
    let engine = engine(&process, policy);
    process.tell(format!("decides {decision:?} of {id}"));
    tokio::select! {
        biased;
        () = process.died() => {}
        _ = engine.store().decide(id, decision, "ops", world.now()) => {}
    }
}

/// When the calendar month began, in UTC.
pub(crate) fn month_of(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(TimeZone::UTC);
    zoned.first_of_month().and_then(|day| day.start_of_day()).map_or(now, |start| start.timestamp())
}

/// When the next one begins.
pub(crate) fn month_after(now: Timestamp) -> Timestamp {
    let zoned = now.to_zoned_datetime(TimeZone::UTC);
    let next = zoned.last_of_month().and_then(|day| day.tomorrow()).and_then(|day| day.start_of_day());
    next.map_or(now, |start| start.timestamp())
}
