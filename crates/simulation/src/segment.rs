//! What is true at Segment: regulations, suppressions, people. No fault touches it; faults are in what it tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use segment_core::{NewRegulation, QuotaCategory, RegulationType, Request};

use crate::world::later;

/// How a regulation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Finished,
    /// `FAILED`, since some destinations do not support deletion; Segment itself did it.
    OnlyUnsupported,
    /// `FAILED`: nothing was deleted.
    Failed,
    /// `INVALID`: nothing was deleted.
    Invalid,
}

impl End {
    pub(crate) fn is_success(self) -> bool {
        matches!(self, Self::Finished | Self::OnlyUnsupported)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Regulation {
    pub(crate) id: String,
    /// Which call made it; a call that is delivered twice makes two.
    pub(crate) call: u64,
    pub(crate) kind: RegulationType,
    pub(crate) subjects: BTreeSet<String>,
    pub(crate) created_at: Timestamp,
    /// Since when lists show it.
    pub(crate) listed_at: Timestamp,
    /// Since when lists show its ids.
    pub(crate) told_at: Timestamp,
    /// Since when it can be read by its id.
    pub(crate) readable_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) end: End,
}

impl Regulation {
    pub(crate) fn is_done(&self, now: Timestamp) -> bool {
        self.ends_at <= now && self.end.is_success()
    }

    /// Ended without the word of success: a human may have it sent again.
    pub(crate) fn may_be_repeated(&self, now: Timestamp) -> bool {
        self.ends_at <= now && self.end != End::Finished
    }
}

/// Somebody with a profile.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) number: usize,
    pub(crate) email: String,
    pub(crate) user_ids: BTreeSet<String>,
    pub(crate) events: usize,
    /// Regulations with this person are refused.
    pub(crate) is_refused: bool,
    /// Whoever looks at this profile crashes.
    pub(crate) is_poison: bool,
    /// Since when the profile is away.
    pub(crate) gone_at: Option<Timestamp>,
    /// New data come in then.
    pub(crate) returns_at: Option<Timestamp>,
}

impl Person {
    pub(crate) fn has_profile(&self, now: Timestamp) -> bool {
        let is_gone = self.gone_at.is_some_and(|gone| gone <= now);
        !is_gone || self.returns_at.is_some_and(|back| back <= now)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) regulations: Vec<Regulation>,
    pub(crate) people: Vec<Person>,
    /// Since when.
    pub(crate) suppressed: BTreeMap<String, Timestamp>,
    /// Whose profile somebody asked for and did not find.
    pub(crate) seen_gone: BTreeSet<usize>,
    /// What somebody saw among the suppressions.
    pub(crate) seen_suppressed: BTreeSet<String>,
    /// Users a month and category, by Segment's own count.
    used: BTreeMap<(Timestamp, QuotaCategory), u64>,
}

/// One workspace.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) monthly_users: u64,
    /// Lists begin with the newest.
    pub(crate) newest_first: bool,
    truth: Mutex<Truth>,
    calls: AtomicU64,
}

/// What chance decides of a new regulation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) listed_after: Duration,
    pub(crate) told_after: Duration,
    pub(crate) readable_after: Duration,
    pub(crate) ends_after: Duration,
    pub(crate) end: End,
    /// The profile stays for so long after the end.
    pub(crate) remains_for: Duration,
    pub(crate) returns: bool,
}

impl Segment {
    pub(crate) fn new(monthly_users: u64, newest_first: bool, people: Vec<Person>) -> Self {
        let truth = Truth { people, ..Truth::default() };
        Self { monthly_users, newest_first, truth: Mutex::new(truth), calls: AtomicU64::new(0) }
    }

    /// The number of a call that leaves now.
    pub(crate) fn next_call(&self) -> u64 {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Truth {
    /// Whether the month has room; if so it is used.
    pub(crate) fn take_quota(&mut self, month: Timestamp, category: QuotaCategory, users: u64, most: u64) -> bool {
        let used = self.used.entry((month, category)).or_default();
        let fits = *used + users <= most;
        if fits {
            *used += users;
        }
        fits
    }

    pub(crate) fn create(&mut self, call: u64, order: &NewRegulation, fate: &Fate, now: Timestamp) -> String {
        let id = format!("reg-{}", self.regulations.len());
        let subjects: BTreeSet<String> = order.subjects.iter().map(|id| id.expose().clone()).collect();
        let ends_at = later(now, fate.ends_after);
        if order.kind.suppresses() && fate.end != End::Invalid {
            for id in &subjects {
                self.suppressed.entry(id.clone()).or_insert(now);
            }
        }
        if order.kind.deletes() && fate.end.is_success() {
            let of_order = |person: &&mut Person| person.user_ids.is_subset(&subjects);
            for person in self.people.iter_mut().filter(of_order) {
                let gone = later(ends_at, fate.remains_for);
                person.gone_at.get_or_insert(gone);
                person.returns_at = fate.returns.then(|| later(gone, Duration::from_hours(5)));
            }
        }
        self.regulations.push(Regulation {
            id: id.clone(),
            call,
            kind: order.kind.clone(),
            subjects,
            created_at: now,
            listed_at: later(now, fate.listed_after),
            told_at: later(now, fate.told_after),
            readable_at: later(now, fate.readable_after),
            ends_at,
            end: fate.end,
        });
        id
    }

    /// Whether a success holds all of these ids.
    pub(crate) fn is_done(&self, user_ids: &BTreeSet<String>, now: Timestamp) -> bool {
        self.regulations.iter().any(|one| one.is_done(now) && user_ids.is_subset(&one.subjects))
    }

    pub(crate) fn person_of(&self, user_id: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.user_ids.contains(user_id))
    }

    /// Whom a request is about.
    pub(crate) fn whom(&self, request: &Request) -> Option<&Person> {
        let identity = request.identities.as_ref()?.iter().next()?.value().expose();
        self.people.iter().find(|person| &person.email == identity || person.user_ids.contains(identity))
    }
}
