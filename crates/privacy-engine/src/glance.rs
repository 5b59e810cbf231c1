//! Where many regulations stand, by one list instead of a call for each.
//!
//! A list shows status and ids, but not what the destinations say: what has ended is read by itself all the same. An entry can
//! hold 5,000 ids, so that a list is worth it only where many are polled, and only those are asked for that are at work.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::TryStreamExt;
use segment_core::{
    ConnectionKey, Ledger, RegulationId, RegulationQuery, RegulationReport, RegulationScope, RegulationStatus,
    SegmentError, Service, pages, ports::Regulations,
};

use crate::{Connection, Engine};

/// More regulations of a connection that are polled within the window are many.
const MANY: usize = 10;
const WINDOW: Duration = Duration::from_secs(30);
const ENTRIES_A_PAGE: u16 = 50;
/// A list that lags, or is wrong, is believed so often, and then the regulation is asked for.
const BELIEVED: u32 = 3;
/// Without the ends, and without what nobody has documented: those are read one by one.
const AT_WORK: [RegulationStatus; 2] = [RegulationStatus::Initialized, RegulationStatus::Running];

/// What was polled and listed lately, by connection and source. This is one worker's knowledge: it saves calls.
#[derive(Debug, Default)]
pub(crate) struct Glances(Mutex<HashMap<Whose, Shared>>);

type Whose = (ConnectionKey, Option<String>);
type Shared = Arc<tokio::sync::Mutex<Glance>>;

#[derive(Debug, Default)]
struct Glance {
    /// When each was polled last.
    polled: BTreeMap<RegulationId, Duration>,
    /// How often in a row a list was believed.
    told: BTreeMap<RegulationId, u32>,
    /// When, and what was at work then.
    listed: Option<(Duration, BTreeMap<RegulationId, RegulationStatus>)>,
}

impl Glances {
    fn of(&self, ledger: &Ledger) -> Shared {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((ledger.connection.clone(), ledger.source.clone())).or_default().clone()
    }
}

impl Engine {
    /// That the regulation is still at work, if a list says so; `None` if it has to be asked for.
    pub(crate) async fn glance(
        &self,
        connection: &Connection,
        ledger: &Ledger,
        id: &RegulationId,
    ) -> Option<RegulationReport> {
        let glance = self.glances.of(ledger);
        // Whoever comes while it is listed waits for that list.
        let mut glance = glance.lock().await;
        let now = self.clock.monotonic();
        glance.polled.insert(id.clone(), now);
        glance.polled.retain(|_, at| *at + WINDOW >= now);
        if glance.listed.as_ref().is_some_and(|(at, _)| *at + WINDOW < now) {
            glance.listed = None;
        }
        if glance.listed.is_none() && glance.polled.len() > MANY {
            match list(connection.sources().regulations.as_ref(), ledger.source.as_deref()).await {
                Ok(at_work) => glance.listed = Some((now, at_work)),
                // Each is asked for by itself for a while; perhaps this API lists nothing.
                Err(error) => {
                    tracing::debug!(connection = %ledger.connection, "no list of regulations: {error}");
                    glance.listed = Some((now, BTreeMap::new()));
                }
            }
        }
        let status = glance.listed.as_ref().and_then(|(_, at_work)| at_work.get(id)).cloned();
        let told = glance.told.remove(id).unwrap_or_default();
        let status = status.filter(|_| told < BELIEVED)?;
        glance.told.insert(id.clone(), told + 1);
        Some(RegulationReport { id: id.clone(), status, created_at: None, finished_at: None, destinations: Vec::new() })
    }
}

async fn list(
    api: &dyn Regulations,
    source: Option<&str>,
) -> Result<BTreeMap<RegulationId, RegulationStatus>, SegmentError> {
    let mut all = BTreeMap::new();
    for status in AT_WORK {
        let fetch = |next| {
            let query = RegulationQuery {
                scope: RegulationScope::of_source(source),
                status: Some(status.clone()),
                count: ENTRIES_A_PAGE,
                next,
                ..RegulationQuery::default()
            };
            async move { api.list(&query).await.map(Some) }
        };
        let mut stream = Box::pin(pages(Service::PublicApi, fetch));
        while let Some(page) = stream.try_next().await? {
            let at_work = page.items.into_iter().filter(|entry| !entry.status.is_terminal());
            all.extend(at_work.map(|entry| (entry.id, entry.status)));
        }
    }
    Ok(all)
}

#[cfg(test)]
#[path = "glance/tests.rs"]
mod tests;
