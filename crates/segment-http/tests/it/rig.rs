//! A client on a mock, with a clock that moves when it is slept on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use segment_core::{
    NewRegulation, Pii, RegulationType,
    ports::{Lane, Pacer},
    testing::{CountingRandom, ManualClock},
};
use segment_http::{ConfigApi, Endpoint, Environment, PublicApi};
use segment_mock::MockSegment;

/// Counts who asked.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) creates: AtomicUsize,
    pub(crate) reads: AtomicUsize,
}

#[async_trait]
impl Pacer for Counter {
    async fn acquire(&self, lane: Lane) {
        let counter = if lane == Lane::Create { &self.creates } else { &self.reads };
        counter.fetch_add(1, Ordering::SeqCst);
    }
}

pub(crate) struct Client {
    pub(crate) api: PublicApi,
    pub(crate) clock: ManualClock,
    pub(crate) pacer: Arc<Counter>,
}

/// The mock's clock stands at the same moment, so that dates in answers mean what they say.
pub(crate) fn clock() -> ManualClock {
    ManualClock::at("2026-08-02T08:15:30Z".parse().unwrap())
}

pub(crate) fn paced(url: &str, token: &str, clock: &ManualClock, pacer: Arc<dyn Pacer>) -> PublicApi {
    let environment =
        Environment { clock: Arc::new(clock.clone()), random: Arc::new(CountingRandom::default()), pacer };
    PublicApi::new(Endpoint::parse(url, false).unwrap(), token.to_owned().into(), environment).unwrap()
}

pub(crate) fn config_api(mock: &MockSegment, clock: &ManualClock, pacer: Arc<dyn Pacer>) -> ConfigApi {
    let environment =
        Environment { clock: Arc::new(clock.clone()), random: Arc::new(CountingRandom::default()), pacer };
    let endpoint = Endpoint::parse(&mock.url(), false).unwrap();
    let token = mock.config_token().to_owned().into();
    ConfigApi::new(endpoint, mock.workspace_slug(), token, environment).unwrap()
}

pub(crate) fn client(url: &str, token: &str) -> Client {
    let (clock, pacer) = (clock(), Arc::new(Counter::default()));
    Client { api: paced(url, token, &clock, pacer.clone()), clock, pacer }
}

pub(crate) fn on(mock: &MockSegment) -> Client {
    client(&mock.url(), mock.public_token())
}

pub(crate) fn order(ids: &[&str]) -> NewRegulation {
    let subjects = ids.iter().map(|id| Pii::from(*id)).collect();
    NewRegulation::of_users(RegulationType::SuppressWithDelete, subjects)
}
