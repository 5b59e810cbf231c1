//! Many seeds, side by side.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::{
    crashes::Crashes,
    scenario::{self, Outcome},
};

#[derive(Debug, Default)]
pub(crate) struct Ran {
    pub(crate) seeds: u64,
    pub(crate) steps: u64,
    pub(crate) killed: u64,
    /// The first seed that broke an invariant.
    pub(crate) broken: Option<(u64, Outcome)>,
}

/// Runs seeds until one breaks an invariant.
pub(crate) fn run(first: u64, count: u64, replay: bool) -> Ran {
    let next = AtomicU64::new(0);
    let stop_at = AtomicU64::new(count);
    let outcomes = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            // Seeds before a broken one are finished, so that the first is always the same.
            if index >= stop_at.load(Ordering::Relaxed) {
                return;
            }
            let outcome = scenario::run(first + index, Crashes::by_chance());
            if !outcome.violations.is_empty() {
                stop_at.fetch_min(index + 1, Ordering::Relaxed);
            }
            outcomes.lock().unwrap_or_else(PoisonError::into_inner).insert(index, outcome);
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut ran = Ran::default();
    for (index, outcome) in outcomes.into_inner().unwrap_or_else(PoisonError::into_inner) {
        ran.seeds += 1;
        ran.steps += outcome.trace.len() as u64;
        ran.killed += outcome.trace.iter().filter(|line| line.contains(" is killed ")).count() as u64;
        if !outcome.violations.is_empty() {
            ran.broken = Some((first + index, outcome));
            break;
        }
    }
    if let (true, Some((seed, outcome))) = (replay, &mut ran.broken) {
        let again = scenario::run(*seed, Crashes::by_chance());
        if again.trace != outcome.trace {
            outcome.violations.push("the seed does not replay exactly".to_owned());
        }
    }
    ran
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_exactly() {
        for seed in 1..6 {
            let (one, other) = (scenario::run(seed, Crashes::by_chance()), scenario::run(seed, Crashes::by_chance()));
            assert!(one.trace.len() > 100, "something happens");
            assert_eq!(one.trace, other.trace, "seed {seed}");
        }
    }
}
