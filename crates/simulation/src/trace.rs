//! What happened, in order: the same for the same seed.

use std::{
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

/// The lines of a run, and what broke an invariant.
#[derive(Debug)]
pub(crate) struct Trace {
    begun: Instant,
    lines: Mutex<Vec<String>>,
    violations: Mutex<Vec<String>>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), lines: Mutex::default(), violations: Mutex::default() }
    }

    pub(crate) fn tell(&self, line: impl AsRef<str>) {
        let at = self.begun.elapsed();
        let mut text = String::new();
        let (hours, rest) = (at.as_secs() / 3_600, at.as_secs() % 3_600);
        let _ = write!(text, "{hours:>3}:{:02}:{:02}.{:03} ", rest / 60, rest % 60, at.subsec_millis());
        text.push_str(line.as_ref());
        lock(&self.lines).push(text);
    }

    pub(crate) fn violation(&self, invariant: &str, what: impl AsRef<str>) {
        let line = format!("VIOLATION of \"{invariant}\": {}", what.as_ref());
        let mut known = lock(&self.violations);
        if !known.contains(&line) {
            known.push(line.clone());
            drop(known);
            self.tell(line);
        }
    }

    pub(crate) fn is_broken(&self) -> bool {
        !lock(&self.violations).is_empty()
    }

    pub(crate) fn parts(&self) -> (Vec<String>, Vec<String>) {
        (lock(&self.lines).clone(), lock(&self.violations).clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
