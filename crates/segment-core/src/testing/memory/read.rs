//! Lists and sums.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::state::{Entry, Regulation, State, covers};
use crate::{
    ClaimScope, ConnectionKey, Due, Gate, Identity, Ledger, LedgerFilter, LedgerState, QuotaCategory, Request,
    RequestFilter, RequestStatus, RequestSummary, Standing, Tally, TallyFilter,
};

fn most(limit: Option<u32>) -> usize {
    limit.map_or(usize::MAX, |limit| limit as usize)
}

fn names(request: &Request, identity: &Identity) -> bool {
    let mut named = request.identities.iter().flatten();
    named.any(|one| one.comparison_key() == identity.comparison_key())
}

fn summary(request: &Request) -> RequestSummary {
    RequestSummary {
        id: request.id.clone(),
        action: request.action,
        status: request.status,
        received_at: request.received_at,
        due_at: request.due_at,
        completed_at: request.completed_at,
        verified_at: request.verified_at,
        tasks: request.tasks.len() as u64,
    }
}

impl State {
    fn fitting(&self, filter: &RequestFilter) -> Vec<RequestSummary> {
        let fits = |entry: &Entry| {
            let request = &entry.request;
            (filter.ids.is_empty() || filter.ids.contains(&request.id))
                && (filter.statuses.is_empty() || filter.statuses.contains(&request.status))
                && filter.action.is_none_or(|action| request.action == action)
                && filter.external_id.as_ref().is_none_or(|id| entry.is_called(id))
                && filter.identity.as_ref().is_none_or(|one| names(request, one))
                && filter.received_after.is_none_or(|after| request.received_at > after)
                && filter.received_before.is_none_or(|before| request.received_at < before)
                && filter.overdue_at.is_none_or(|at| request.due_at < at && !request.status.is_over())
        };
        let all = self.requests.values().filter(|entry| fits(entry));
        let mut found: Vec<_> = all.map(|entry| summary(&entry.request)).collect();
        found.sort_by_key(|request| std::cmp::Reverse((request.received_at, request.id.clone())));
        found
    }

    pub(super) fn list_requests(&self, filter: &RequestFilter) -> Vec<RequestSummary> {
        let skip = usize::try_from(filter.skip).unwrap_or(usize::MAX);
        self.fitting(filter).into_iter().skip(skip).take(most(filter.limit)).collect()
    }

    pub(super) fn count_requests(&self, filter: &RequestFilter) -> u64 {
        self.fitting(filter).len() as u64
    }

    pub(super) fn standings(&self, at: Timestamp, soon: Timestamp) -> Vec<Standing> {
        let mut all: BTreeMap<(&str, &str), Standing> = BTreeMap::new();
        for request in self.requests.values().map(|entry| &entry.request) {
            let (action, status, oldest) = (request.action, request.status, request.received_at);
            let none = Standing { action, status, requests: 0, overdue: 0, due_soon: 0, oldest };
            let one = all.entry((action.as_str(), status.as_str())).or_insert(none);
            let open = !status.is_over();
            one.requests += 1;
            one.overdue += u64::from(open && request.due_at < at);
            one.due_soon += u64::from(open && request.due_at >= at && request.due_at < soon);
            one.oldest = one.oldest.min(oldest);
        }
        all.into_values().collect()
    }

    /// Each request by itself: who adds up alike ones adds these up, too.
    pub(super) fn tally(&self, filter: &TallyFilter) -> Vec<Tally> {
        let all = self.requests.values().map(|entry| &entry.request);
        let fits = |request: &&Request| {
            filter.from.is_none_or(|from| request.received_at >= from)
                && filter.to.is_none_or(|to| request.received_at < to)
        };
        let tally = |request: &Request| {
            let complete = request.completed_at.filter(|_| request.status == RequestStatus::Complete);
            let outcomes = request.tasks.iter().filter_map(|task| task.state.outcome());
            let days = |at: Timestamp| at.duration_since(request.received_at).as_secs() / 86_400;
            let open_late = !request.status.is_over() && request.due_at < filter.at;
            Tally {
                action: request.action,
                regime: request.regime,
                status: request.status,
                outcome: complete.and_then(|_| Tally::least(outcomes)),
                days: complete.map(|at| u64::try_from(days(at)).unwrap_or(0)),
                late: complete.map_or(open_late, |at| at > request.due_at),
                requests: 1,
            }
        };
        all.filter(fits).map(tally).collect()
    }

    pub(super) fn list_regulations(&self, filter: &LedgerFilter) -> Vec<Ledger> {
        let named = |ledger: &Ledger, id: &str| {
            ledger.intent.as_str() == id || ledger.regulation.as_ref().is_some_and(|known| known.as_str() == id)
        };
        let fits = |regulation: &Regulation| {
            (filter.requests.is_empty() || filter.requests.iter().any(|id| regulation.people.contains(id)))
                && filter.id.as_ref().is_none_or(|id| named(&regulation.ledger, id))
        };
        let all = self.regulations.values().filter(|regulation| fits(regulation));
        let mut found: Vec<_> =
            all.map(|regulation| Ledger { subjects: [].into(), ..regulation.ledger.clone() }).collect();
        found.sort_by_key(|ledger| std::cmp::Reverse((ledger.created_at, ledger.intent.clone())));
        found.truncate(most(filter.limit));
        found
    }

    /// A refused or unsent one is closed without Segment's id: it took nothing from the quota.
    pub(super) fn submitted(&self, connection: &ConnectionKey, category: QuotaCategory, since: Timestamp) -> u64 {
        let counts = |ledger: &Ledger| {
            let perhaps = [LedgerState::Sending, LedgerState::Unknown, LedgerState::Halted].contains(&ledger.state);
            &ledger.connection == connection
                && ledger.kind.quota() == category
                && ledger.created_at >= since
                && (ledger.regulation.is_some() || perhaps)
        };
        let all = self.regulations.values().map(|regulation| &regulation.ledger);
        all.filter(|ledger| counts(ledger)).map(|ledger| ledger.subject_count).sum()
    }

    pub(super) fn next_due(&self, scope: &ClaimScope) -> Due {
        let entries = self.requests.values().filter(|entry| covers(scope, &entry.request.id));
        let may_begin = |entry: &Entry| entry.request.gate == Gate::Open && self.need_not_wait(entry);
        let requests = entries.filter(|entry| may_begin(entry)).filter_map(|entry| entry.next_at);
        let of = |states: [LedgerState; 2]| {
            let covered = |regulation: &Regulation| regulation.people.iter().any(|id| covers(scope, id));
            let all = self.regulations.values().map(Arc::as_ref);
            let open = all.filter(move |one| states.contains(&one.ledger.state) && covered(one));
            open.map(|open| open.ledger.next_at.unwrap_or(open.ledger.created_at)).min()
        };
        let sent = of([LedgerState::Sending, LedgerState::Unknown]);
        Due {
            before_acceptance: requests.chain(sent).min(),
            after_acceptance: of([LedgerState::Tracking, LedgerState::Looking]),
        }
    }
}
