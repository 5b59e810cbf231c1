//! Invariant 5, seen from outside: which fencing token is the last that was given out.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use segment_core::{Lease, LeaseSubject};

/// The newest token of each subject.
#[derive(Debug, Default)]
pub(crate) struct Fences(Mutex<HashMap<LeaseSubject, i64>>);

impl Fences {
    pub(crate) fn given(&self, lease: &Lease) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.insert(lease.subject.clone(), lease.fence);
    }

    /// Whether somebody has been given the subject after this lease.
    pub(crate) fn is_stale(&self, lease: &Lease) -> bool {
        let newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        newest.get(&lease.subject).is_some_and(|newest| *newest > lease.fence)
    }
}
