//! Telling one bad id from a fault that meets everybody: "if both halves are refused alike the fault is systemic and it
//! stops" (privacy-requests). This is one worker's knowledge: without it a batch is narrowed down further than need be.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, PoisonError},
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
    /// further.
    pub(crate) fn is_systemic(&self, ledger: &Ledger, error: &SegmentError) -> bool {
        if error.kind() != ErrorKind::Invalid {
            return false;
        }
        let people = ledger.members.iter().map(|member| member.request.clone()).collect();
        let mut part = Refused {
            connection: ledger.connection.clone(),
            order: ledger.kind.clone(),
            people,
            kind: error.kind(),
            status: error.status(),
            systemic: false,
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = known.iter().filter(|whole| whole.is_alike(&part) && is_part(&part.people, &whole.people));
        let whole = whole.min_by_key(|whole| whole.people.len());
        if let Some(whole) = whole {
            let rest: BTreeSet<_> = whole.people.difference(&part.people).cloned().collect();
            let other_half = known.iter().any(|other| other.is_alike(&part) && other.people == rest);
            part.systemic = whole.systemic || other_half;
            if part.systemic {
                let whole = whole.people.clone();
                for within in known.iter_mut().filter(|within| within.people.is_subset(&whole)) {
                    within.systemic = true;
                }
            }
        }
        let systemic = part.systemic;
        known.push_back(part);
        if known.len() > MOST {
            known.pop_front();
        }
        systemic
    }
}

fn is_part(part: &BTreeSet<RequestId>, whole: &BTreeSet<RequestId>) -> bool {
    part.len() < whole.len() && part.is_subset(whole)
}
