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

impl<T: Clone + Send + Sync + 'static> Counted<T> {
    /// The last counts, or new ones if they are too old. Counting goes on when nobody waits for it any more: it may take longer
    /// than anybody waits.
    async fn get(
        last: impl Fn(&Standings) -> &Mutex<Option<Self>> + Send + Sync + 'static,
        service: &Service,
        good: Duration,
        count: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        let now = service.clock().monotonic();
        if let Ok(counted) = last(service.standings()).try_lock()
            && let Some(counted) = counted.as_ref().filter(|counted| now < counted.until)
        {
            return Ok(counted.counts.clone());
        }
        let service = service.clone();
        let counting = tokio::spawn(async move {
            let mut last = last(service.standings()).lock().await;
            let before = service.clock().monotonic();
            if let Some(counted) = last.as_ref().filter(|counted| before < counted.until) {
                return Ok(counted.counts.clone());
            }
            let counts = count.await?;
            let after = service.clock().monotonic();
            let until = after + good.max(after.saturating_sub(before) * PATIENCE);
            *last = Some(Self { counts: counts.clone(), until });
            Ok(counts)
        });
        counting.await.map_err(|_| Problem::unexpected("counting stopped"))?
    }
}

impl Standings {
    /// Where all requests stand.
    pub(crate) async fn get(service: &Service) -> Result<Vec<Standing>, Problem> {
        let (desk, now) = (service.desk(), service.clock().now());
        let soon = now.checked_add(SOON).unwrap_or(now);
        let count = async move { Ok(desk.engine().store().standings(now, soon).await?) };
        Counted::get(|all| &all.standings, service, GOOD, count).await
    }

    /// How they ended.
    pub(crate) async fn outcomes(service: &Service) -> Result<Vec<Tally>, Problem> {
        let desk = service.desk();
        let count = async move { Ok(desk.tally().await?) };
        Counted::get(|all| &all.outcomes, service, OUTCOMES_GOOD, count).await
    }

    /// How many requests a list has: exactly up to ten thousand, and beyond that as of a few seconds ago where only status and
    /// action are asked for.
    pub(crate) async fn total(
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
        let all = Self::get(service).await?;
        Ok(all.iter().filter(fits).map(|one| one.requests).sum::<u64>().max(counted))
    }
}
