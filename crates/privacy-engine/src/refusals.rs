//! Telling one bad id from a fault that meets everybody: "if both halves are refused alike the fault is systemic and it
//! stops". This is one worker's knowledge: without it a batch is narrowed down further than need be.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use segment_core::{ConnectionKey, ErrorKind, Ledger, RegulationType, RequestId, SegmentError};

/// Batches remembered, at most: those of several connections, and their parts.
const MOST: usize = 64;

/// The batches that were refused lately, without a word on whose id it was.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<VecDeque<Refused>>);

#[derive(Debug)]
struct Refused {
    connection: ConnectionKey,
    order: RegulationType,
    people: BTreeSet<RequestId>,
    kind: ErrorKind,
    status: Option<u16>,
    /// Both of its halves were refused like itself.
    systemic: bool,
}

impl Refused {
    fn is_alike(&self, other: &Self) -> bool {
        let key = |one: &Self| (one.connection.clone(), one.order.clone(), one.kind, one.status);
        key(self) == key(other)
    }
}

impl Refusals {
    /// Notes a refused batch, and answers whether it is the fault of nobody in particular. What is too large is always cut
    /// further, and one person alone is.
    pub(crate) fn is_systemic(&self, ledger: &Ledger, error: &SegmentError) -> bool {
        let narrowed = matches!(error.kind(), ErrorKind::Invalid) && error.refused_subject().is_none();
        if !narrowed || ledger.members.len() < 2 {
            self.forget(ledger);
            return false;
        }
        let mut part = Refused {
            connection: ledger.connection.clone(),
            order: ledger.kind.clone(),
            people: people(ledger),
            kind: error.kind(),
            status: error.status(),
            systemic: false,
        };
        let mut known = self.lock();
        part.systemic =
            known.iter().any(|known| known.systemic && known.is_alike(&part) && part.people.is_subset(&known.people));
        let whole = known.iter().filter(|whole| whole.is_alike(&part) && is_part(&part.people, &whole.people));
        if let Some(whole) = whole.min_by_key(|whole| whole.people.len()) {
            let rest: BTreeSet<_> = whole.people.difference(&part.people).cloned().collect();
            let other_half = known.iter().any(|other| other.is_alike(&part) && other.people == rest);
            part.systemic |= other_half;
            if part.systemic {
                let whole = whole.people.clone();
                for within in known.iter_mut().filter(|one| one.is_alike(&part) && one.people.is_subset(&whole)) {
                    within.systemic = true;
                }
            }
        }
        let systemic = part.systemic;
        if systemic {
            drop(known);
            self.forget(ledger);
        } else {
            known.push_back(part);
            if known.len() > MOST {
                known.pop_front();
            }
        }
        systemic
    }

    /// These people are halted or accepted: what was known of them says nothing of their next regulation.
    pub(crate) fn forget(&self, ledger: &Ledger) {
        let gone = people(ledger);
        let of = |one: &Refused| one.connection == ledger.connection && one.order == ledger.kind;
        let mut known = self.lock();
        for one in known.iter_mut().filter(|one| of(one)) {
            one.people.retain(|person| !gone.contains(person));
        }
        known.retain(|one| !one.people.is_empty());
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn people(ledger: &Ledger) -> BTreeSet<RequestId> {
    ledger.members.iter().map(|member| member.request.clone()).collect()
}

fn is_part(part: &BTreeSet<RequestId>, whole: &BTreeSet<RequestId>) -> bool {
    part.len() < whole.len() && part.is_subset(whole)
}
