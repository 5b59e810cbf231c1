//! The loop: claim what is due, work it side by side, stop when the goal is reached.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use segment_core::{
    ClaimScope, Claimed, Ledger, LedgerState, Request, RequestFilter, RequestId, RequestStatus, ports::StoreError,
};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    Engine, EngineError,
    engine::{after, between},
};

/// How often new work is looked for while other work is under way.
const TICK: Duration = Duration::from_millis(250);
/// What is due within this time is waited for even by a command that does not wait for Segment's end.
const SOON: Duration = Duration::from_mins(10);

/// Until when the engine works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// Every request of the scope is over, needs a human, waits for approval, or was accepted by Segment.
    Accepted,
    /// Every request of the scope is over or needs a human, and no read-back is due right now.
    Ended,
    /// The token is canceled.
    Canceled,
}

/// Why the engine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// The goal is reached.
    Reached,
    /// Nothing can be done before this moment, or ever, by this process alone.
    Waiting(Option<Timestamp>),
    /// The token was canceled; what was under way is finished or handed back.
    Canceled,
}

/// Work under way. Each piece is a task of its own, so that one that holds the database's lock goes on while the loop asks
/// for it; dropping the set ends them.
type Work = JoinSet<Result<(), StoreError>>;

impl Engine {
    /// Works on what is due in the scope until the goal is reached.
    ///
    /// # Errors
    ///
    /// What the record database refuses. A lease lost to another worker is none.
    pub async fn run(
        self: &Arc<Self>,
        scope: &ClaimScope,
        until: Until,
        cancel: &CancellationToken,
    ) -> Result<Stop, EngineError> {
        let mut under_way = Work::new();
        // What the database refused: nothing new is begun, and what is under way is not torn down for it.
        let mut refused = Ok(());
        loop {
            self.turn();
            // Not after every piece: each claim looks through the whole scope.
            if refused.is_ok() && !cancel.is_cancelled() && under_way.len() <= self.policy.concurrency / 2 {
                refused = self.fill(scope, &mut under_way, cancel).await;
            }
            if under_way.is_empty() {
                refused?;
                refused = Ok(());
                if cancel.is_cancelled() {
                    return Ok(Stop::Canceled);
                }
                if self.is_reached(scope, until).await? {
                    return Ok(Stop::Reached);
                }
                let due = self.next_wake(scope, until).await?;
                if until == Until::Accepted && due.is_none_or(|due| between(self.clock.now(), due) > SOON) {
                    return Ok(Stop::Waiting(due));
                }
                self.nap(due, cancel).await;
                continue;
            }
            tokio::select! {
                biased;
                Some(done) = under_way.join_next() => {
                    refused = refused.and(settle(done));
                    while let Some(done) = under_way.try_join_next() {
                        refused = refused.and(settle(done));
                    }
                }
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Claims what is due, up to the concurrency.
    async fn fill(
        self: &Arc<Self>,
        scope: &ClaimScope,
        under_way: &mut Work,
        cancel: &CancellationToken,
    ) -> Result<(), StoreError> {
        let room = self.policy.concurrency.saturating_sub(under_way.len());
        let limit = u32::try_from(room).unwrap_or(u32::MAX);
        let (owner, lease) = (&self.owner, self.policy.lease);
        for claimed in self.store.claim_requests(scope, owner, lease, limit, self.clock.now()).await? {
            let (engine, cancel) = (self.clone(), cancel.clone());
            under_way.spawn(async move { engine.process_unless(claimed, &cancel).await });
        }
        while under_way.len() < self.policy.concurrency {
            self.turn();
            if let Some(intent) = self.close_batch(scope).await? {
                // Once the intent is recorded it is seen through: the call is bounded by `send_by`.
                let engine = self.clone();
                under_way.spawn(async move { engine.send(intent).await });
                continue;
            }
            let claimed = self.store.claim_regulation(scope, owner, lease, self.clock.now()).await?;
            let Some(claimed) = claimed else { break };
            let (engine, cancel) = (self.clone(), cancel.clone());
            under_way.spawn(async move { engine.follow(claimed, &cancel).await });
        }
        Ok(())
    }

    async fn process_unless(&self, claimed: Claimed<Request>, cancel: &CancellationToken) -> Result<(), StoreError> {
        let lease = claimed.lease.clone();
        tokio::select! {
            biased;
            done = self.process(claimed) => done,
            () = cancel.cancelled() => self.store.release(&lease).await,
        }
    }

    /// One step of a regulation that is due.
    async fn follow(&self, claimed: Claimed<Ledger>, cancel: &CancellationToken) -> Result<(), StoreError> {
        let lease = claimed.lease.clone();
        let step = async {
            if claimed.tries > self.policy.attempts {
                return self.park_regulation(claimed).await;
            }
            match claimed.item.state {
                LedgerState::Unknown => self.reconcile(claimed).await,
                LedgerState::Tracking => self.track(claimed).await,
                LedgerState::Looking => self.look(claimed).await,
                _ => self.store.release(&claimed.lease).await,
            }
        };
        tokio::select! {
            biased;
            done = step => done,
            () = cancel.cancelled() => self.store.release(&lease).await,
        }
    }

    async fn is_reached(&self, scope: &ClaimScope, until: Until) -> Result<bool, StoreError> {
        let ClaimScope::Requests(ids) = scope else { return Ok(false) };
        let over = |status: RequestStatus| match until {
            Until::Accepted => !matches!(status, RequestStatus::Approved | RequestStatus::InProcessing),
            Until::Ended => {
                status.is_terminal() || matches!(status, RequestStatus::RequiresAttention | RequestStatus::Pending)
            }
            Until::Canceled => false,
        };
        if !self.statuses(ids).await?.into_iter().all(over) {
            return Ok(false);
        }
        let due = if until == Until::Ended { self.next_wake(scope, until).await? } else { None };
        // A read-back that failed is repeated soon; the next one that is planned is a day away.
        Ok(due.is_none_or(|due| between(self.clock.now(), due) > SOON))
    }

    async fn statuses(&self, ids: &[RequestId]) -> Result<Vec<RequestStatus>, StoreError> {
        let filter = RequestFilter { ids: ids.to_vec(), ..RequestFilter::default() };
        Ok(self.store.requests(&filter).await?.into_iter().map(|summary| summary.status).collect())
    }

    /// When something can be done next: what is planned, but not before a resting connection may be sent to again.
    async fn next_wake(&self, scope: &ClaimScope, until: Until) -> Result<Option<Timestamp>, StoreError> {
        let now = self.clock.now();
        let mut wakes = Vec::new();
        for backlog in self.store.backlog(scope, now).await? {
            if self.is_disabled(&backlog.connection) {
                continue;
            }
            let gathered = after(backlog.since, self.policy.tracking.batch_window);
            let rests = self.rests.forecast(&backlog.connection, backlog.kind.quota(), now).max(backlog.rests_until);
            wakes.push(rests.map_or(gathered, |rest| rest.max(gathered)));
        }
        let due = self.store.next_due(scope).await?;
        wakes.extend(if until == Until::Accepted { due.before_acceptance } else { due.earliest() });
        Ok(wakes.into_iter().min().map(|due| due.max(now)))
    }

    async fn nap(&self, due: Option<Timestamp>, cancel: &CancellationToken) {
        let wait = match due.map(|due| between(self.clock.now(), due)) {
            // It is due, and could not be claimed: somebody else has it.
            Some(Duration::ZERO) => TICK,
            Some(wait) => wait,
            None => self.policy.longest_nap,
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            () = self.hint.notified() => {}
            () = self.clock.sleep(wait) => {}
            () = tokio::time::sleep(self.policy.longest_nap) => {}
        }
    }
}

/// A lease that was lost is another worker's: nothing of ours was written.
fn settle(done: Result<Result<(), StoreError>, JoinError>) -> Result<(), StoreError> {
    match done {
        Ok(Err(StoreError::StaleLease)) => {
            metrics::counter!("segment_privacy_leases_lost_total").increment(1);
            tracing::info!("a lease was lost to another worker or to a decision; its work goes on there");
            Ok(())
        }
        Ok(other) => other,
        // Its lease runs out and somebody takes it up again; after a while it is parked.
        Err(error) => {
            tracing::error!("a piece of work panicked and is left to its lease: {error}");
            Ok(())
        }
    }
}
