//! What a scenario is, and how many cases of one are run.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Result, bail};

use crate::{context::Context, rig::Rig, setup::Setup};

/// How a scenario that did not fail went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    /// So many cases passed.
    Cases(usize),
    /// It cannot run here, and this is why.
    Skipped(String),
    /// It is about something that this column of the matrix does not have.
    NotHere,
}

/// A named check of the whole program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scenario {
    name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&Context) -> Result<Outcome>,
}

impl Scenario {
    pub(crate) const fn new(name: &'static str, about: &'static str, run: fn(&Context) -> Result<Outcome>) -> Self {
        Self { name, about, run }
    }

    pub(crate) fn name(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// A list of scenarios: the name is the function's, the documentation says what it shows.
macro_rules! scenarios {
    ($($(#[doc = $about:literal])+ $function:ident,)+) => {
        pub(crate) const ALL: &[$crate::scenario::Scenario] =
            &[$($crate::scenario::Scenario::new(stringify!($function), concat!($($about),+), $function),)+];
    };
}
pub(crate) use scenarios;

/// Runs the body on a rig, and afterwards looks whether anybody was named.
pub(crate) fn on_rig(context: &Context, setup: &Setup, body: impl FnOnce(&Rig) -> Result<()>) -> Result<Outcome> {
    let rig = Rig::new(context, setup)?;
    body(&rig)?;
    rig.nobody_is_named()?;
    Ok(Outcome::Passed)
}

/// Cases that mostly wait run side by side.
const SIDE_BY_SIDE: usize = 6;

/// Runs every case; the failures name theirs.
pub(crate) fn each<T: Sync>(
    cases: &[T],
    name: impl Fn(&T) -> String,
    run: impl Fn(&T) -> Result<Outcome> + Sync,
) -> Result<Outcome> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(cases.len()) {
            scope.spawn(|| {
                while let Some((at, case)) = take(cases, &next) {
                    if let Err(error) = run(case) {
                        failures.lock().unwrap_or_else(PoisonError::into_inner).push((at, error));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.sort_by_key(|(at, _)| *at);
    if failures.is_empty() {
        return Ok(Outcome::Cases(cases.len()));
    }
    let told: Vec<_> = failures.iter().map(|(at, error)| format!("[{}] {error:#}", name(&cases[*at]))).collect();
    bail!("{} of {} cases failed\n{}", told.len(), cases.len(), told.join("\n"))
}

fn take<'a, T>(cases: &'a [T], next: &AtomicUsize) -> Option<(usize, &'a T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    cases.get(at).map(|case| (at, case))
}
