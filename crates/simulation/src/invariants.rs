//! What must hold after every step (docs/architecture.md, "Invariants").

use std::collections::BTreeSet;

use futures_util::FutureExt;
use segment_core::{
    Action, LedgerState, NewRegulation, Outcome, RegulationId, RegulationType, Request, RequestFilter, RequestStatus,
    Task, TaskState,
    ports::{RequestStore, StoreError},
};

use crate::world::World;

const NO_FALSE_SUCCESS: &str = "no path from Segment did not confirm to complete";
const NO_FALSE_PROOF: &str = "no path to verified without a read-back";
const INTENT_FIRST: &str = "the intent is committed before the call leaves";
const NOT_TWICE: &str = "a regulation is never sent twice";
const NOT_AFTER_CANCEL: &str = "what was called off is not sent";
const NOT_LOST: &str = "nothing is lost";
const NOT_UNDONE: &str = "what is over stays over";

/// The store in memory answers at once.
pub(crate) fn at_once<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    answer.now_or_never().and_then(Result::ok)
}

/// Every request, as it is recorded.
pub(crate) fn all_requests(world: &World) -> Vec<Request> {
    let list = at_once(world.store.requests(&RequestFilter::default())).unwrap_or_default();
    list.iter().filter_map(|one| at_once(world.store.request(&one.id)).flatten()).collect()
}

pub(crate) fn check(world: &World) {
    let now = world.now();
    for request in all_requests(world) {
        let truth = world.segment.truth();
        for task in &request.tasks {
            let ids = user_ids(task);
            let is_erased = matches!(task.state, TaskState::Complete(Outcome::Deleted | Outcome::Suppressed));
            if is_erased && !truth.is_done(&ids, now) {
                let what = format!("{} is {:?}, and no regulation of {ids:?} ended so", request.id, task.state);
                world.trace.violation(NO_FALSE_SUCCESS, what);
            }
            // Whoever says that it is verified must have looked.
            let gone = |id: &String| truth.person_of(id).is_some_and(|one| truth.seen_gone.contains(&one.number));
            let blocked = |id: &String| truth.seen_suppressed.contains(id);
            let deletes = task.kind.as_ref().is_some_and(RegulationType::deletes);
            let is_seen = !ids.is_empty() && ids.iter().all(|id| if deletes { gone(id) } else { blocked(id) });
            if task.verified_at.is_some() && !is_seen {
                let what = format!("{} is verified, and nobody has seen it of {ids:?}", request.id);
                world.trace.violation(NO_FALSE_PROOF, what);
            }
        }
        drop(truth);
        stays_over(world, &request);
    }
}

fn stays_over(world: &World, request: &Request) {
    let mut seen = world.history.seen();
    let before = seen.status.insert(request.id.clone(), request.status);
    let retried = seen.retried.remove(&request.id);
    let Some(before) = before.filter(|before| *before != request.status) else { return };
    let is_over = matches!(before, RequestStatus::Complete | RequestStatus::Canceled | RequestStatus::Denied);
    // An access that was complete is never halted, so nobody retries it here.
    if is_over || (before.is_terminal() && !retried) {
        drop(seen);
        let what = format!("{} went from {before:?} to {:?}", request.id, request.status);
        world.trace.violation(NOT_UNDONE, what);
    }
}

pub(crate) fn user_ids(task: &Task) -> BTreeSet<String> {
    let ids = task.resolution.iter().flat_map(|found| found.user_ids.iter());
    ids.map(|id| id.expose().clone()).collect()
}

/// A call arrives at Segment.
pub(crate) fn check_arrival(world: &World, call: u64, order: &NewRegulation) {
    let now = world.now();
    let wanted: BTreeSet<String> = order.subjects.iter().map(|id| id.expose().clone()).collect();
    let requests = all_requests(world);
    let mine = |task: &&Task| task.kind.as_ref() == Some(&order.kind) && user_ids(task).is_subset(&wanted);
    let tasks: Vec<(&Request, &Task)> = requests
        .iter()
        .filter(|request| request.action == Action::Erasure)
        .flat_map(|request| request.tasks.iter().filter(mine).map(move |task| (request, task)))
        .filter(|(_, task)| !user_ids(task).is_empty())
        .collect();
    // The answer may have been given up on meanwhile, but the intent must be there.
    let recorded = |task: &Task| task.regulation.is_some() && task.state != TaskState::Resolved;
    let intended: BTreeSet<String> =
        tasks.iter().filter(|(_, task)| recorded(task)).flat_map(|(_, task)| user_ids(task)).collect();
    if !wanted.is_subset(&intended) {
        world.trace.violation(INTENT_FIRST, format!("call {call} with {wanted:?}"));
    }
    for (request, _) in tasks.iter().filter(|(_, task)| task.state == TaskState::Canceled) {
        world.trace.violation(NOT_AFTER_CANCEL, format!("call {call} has {}", request.id));
    }
    let truth = world.segment.truth();
    // Of a call that was delivered twice, one is followed.
    let ended: BTreeSet<u64> =
        truth.regulations.iter().filter(|one| one.may_be_repeated(now)).map(|one| one.call).collect();
    let earlier = truth.regulations.iter().filter(|one| one.call != call && !ended.contains(&one.call));
    let twice: Vec<_> = earlier.filter(|one| one.kind == order.kind && !one.subjects.is_disjoint(&wanted)).collect();
    for one in twice {
        let both: Vec<_> = one.subjects.intersection(&wanted).collect();
        world.trace.violation(NOT_TWICE, format!("call {call} has {both:?}, as {} has", one.id));
    }
}

/// The ledger holds what Segment has, at the end.
pub(crate) fn check_end(world: &World) {
    let ledgers = at_once(world.store.regulations(&segment_core::LedgerFilter::default())).unwrap_or_default();
    let known: BTreeSet<&str> =
        ledgers.iter().filter_map(|ledger| ledger.regulation.as_ref()).map(RegulationId::as_str).collect();
    let truth = world.segment.truth();
    for one in &truth.regulations {
        let twin = truth.regulations.iter().any(|other| other.call == one.call && known.contains(other.id.as_str()));
        if !twin {
            world.trace.violation(NOT_LOST, format!("{} is at Segment and not in the ledger", one.id));
        }
    }
    for ledger in &ledgers {
        if matches!(ledger.state, LedgerState::Sending | LedgerState::Unknown | LedgerState::Tracking) {
            world.trace.violation(NOT_LOST, format!("{} is {} at the end", ledger.intent, ledger.state.as_str()));
        }
    }
    drop(truth);
    for request in all_requests(world) {
        if !ends_well(world, &request) {
            let states: Vec<_> = request.tasks.iter().map(|task| &task.state).collect();
            let what = format!("{} ({}) is {:?} at the end: {states:?}", request.id, request.action, request.status);
            world.trace.violation(NOT_LOST, what);
        }
        if request.action == Action::Access && request.status == RequestStatus::Complete {
            whole_package(world, &request);
        }
    }
}

/// Done, called off, or handed to a human for somebody whom Segment refuses, or who crashes whoever looks.
pub(crate) fn ends_well(world: &World, request: &Request) -> bool {
    let truth = world.segment.truth();
    let Some(person) = truth.whom(request) else { return false };
    let is_hopeless = person.is_poison || (person.is_refused && request.action == Action::Erasure);
    match request.status {
        RequestStatus::Complete => !is_hopeless,
        RequestStatus::Canceled => true,
        RequestStatus::RequiresAttention => is_hopeless,
        // It waits for the access, which is never made.
        RequestStatus::Approved | RequestStatus::InProcessing => person.is_poison,
        _ => false,
    }
}

fn whole_package(world: &World, request: &Request) {
    let collected = request.tasks.iter().any(|task| task.state == TaskState::Complete(Outcome::Collected));
    let package = world.sink.package(&request.id);
    let holds = package.as_ref().map(|package| {
        package
            .records
            .iter()
            .filter(|((_, name), _)| name == "events")
            .map(|(_, records)| records.len())
            .sum::<usize>()
    });
    let ids: Vec<_> = request.tasks.iter().flat_map(user_ids).collect();
    let truth = world.segment.truth();
    let expected = ids.iter().find_map(|id| truth.person_of(id)).map(|person| person.events);
    if collected && (holds != expected || package.is_some_and(|package| !package.holes.is_empty())) {
        let what = format!("{} has {holds:?} events of {expected:?}", request.id);
        world.trace.violation("a package is whole, or labelled", what);
    }
}
