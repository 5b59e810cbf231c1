//! Where requests stand, counted not too often: among a million, counting takes longer than an answer may.

use std::time::Duration;

use jiff::SignedDuration;
use segment_core::{RequestFilter, Standing, Tally, ports::RequestStore};
use tokio::sync::Mutex;

use crate::{problem::Problem, service::Service};

/// How long a count is good.
const GOOD: Duration = Duration::from_secs(10);
/// The same of the count of outcomes, which looks at every task.
const OUTCOMES_GOOD: Duration = Duration::from_mins(1);
/// A count that took long is good for so many times as long.
const PATIENCE: u32 = 20;
/// What is due within this time is due soon.
pub(crate) const SOON: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Up to here the requests of a list are counted for each page of it.
const EXACT: u64 = 10_000;

/// The last counts.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    standings: Mutex<Option<Counted<Vec<Standing>>>>,
    outcomes: Mutex<Option<Counted<Vec<Tally>>>>,
}

#[derive(Debug, Clone)]
struct Counted<T> {
    counts: T,
    until: Duration,
}

impl<T: Clone> Counted<T> {
    /// The last counts, or new ones if they are too old.
    async fn get<E>(
        last: &Mutex<Option<Self>>,
        service: &Service,
        good: Duration,
        count: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut last = last.lock().await;
        let before = service.clock().monotonic();
        if let Some(counted) = last.as_ref().filter(|counted| before < counted.until) {
            return Ok(counted.counts.clone());
        }
        let counts = count.await?;
        let after = service.clock().monotonic();
        let until = after + good.max(after.saturating_sub(before) * PATIENCE);
        *last = Some(Self { counts: counts.clone(), until });
        Ok(counts)
    }
}

impl Standings {
    /// Where all requests stand.
    pub(crate) async fn get(&self, service: &Service) -> Result<Vec<Standing>, Problem> {
        let (desk, now) = (service.desk(), service.clock().now());
        let soon = now.checked_add(SOON).unwrap_or(now);
        let count = async { desk.engine().store().standings(now, soon).await };
        Ok(Counted::get(&self.standings, service, GOOD, count).await?)
    }

    /// How they ended.
    pub(crate) async fn outcomes(&self, service: &Service) -> Result<Vec<Tally>, Problem> {
        let desk = service.desk();
        Ok(Counted::get(&self.outcomes, service, OUTCOMES_GOOD, desk.tally()).await?)
    }

    /// How many requests a list has: exactly up to ten thousand, and beyond that as of a few seconds ago where only status and
    /// action are asked for.
    pub(crate) async fn total(
        &self,
        service: &Service,
        store: &dyn RequestStore,
        filter: &RequestFilter,
    ) -> Result<u64, Problem> {
        let counted = store.count_requests(filter, EXACT + 1).await?;
        if counted <= EXACT {
            return Ok(counted);
        }
        let known = RequestFilter {
            statuses: filter.statuses.clone(),
            action: filter.action,
            skip: filter.skip,
            limit: filter.limit,
            ..RequestFilter::default()
        };
        if known != *filter {
            return Ok(store.count_requests(filter, u64::MAX >> 1).await?);
        }
        let fits = |one: &&Standing| {
            (filter.statuses.is_empty() || filter.statuses.contains(&one.status))
                && filter.action.is_none_or(|action| one.action == action)
        };
        let all = self.get(service).await?;
        Ok(all.iter().filter(fits).map(|one| one.requests).sum::<u64>().max(counted))
    }
}
