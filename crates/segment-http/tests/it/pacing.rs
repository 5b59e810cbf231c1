//! The pacer is asked before every attempt, for the right limit, and its waiting counts.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt;
use segment_core::{
    ErrorKind, RegulationId, RegulationQuery, Submission,
    ports::{Lane, Pacer, RegulationSubmit, Regulations},
    testing::ManualClock,
};
use segment_http::{Limits, SoloPacer};
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig, MockSegment};

use crate::rig::{clock, order, paced};

const WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug, Default)]
struct Lanes(Mutex<Vec<Lane>>);

impl Lanes {
    fn take(&self) -> Vec<Lane> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[async_trait]
impl Pacer for Lanes {
    async fn acquire(&self, lane: Lane) {
        self.0.lock().unwrap().push(lane);
    }
}

#[tokio::test]
async fn each_call_counts_against_its_own_limit() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let lanes = Arc::new(Lanes::default());
    let api = paced(&mock.url(), mock.public_token(), &clock(), lanes.clone());
    api.workspace().await.unwrap();
    api.get(&RegulationId::new("r")).await.unwrap();
    api.list(&RegulationQuery { count: 1, ..RegulationQuery::default() }).await.unwrap();
    api.suppressions(None).await.unwrap();
    assert_eq!(lanes.take(), [Lane::Read; 4]);

    mock.fault(FaultRule::new(Fault::retry_after(3)).on(Endpoint::CreateRegulation).times(2));
    let sent = api.create(&order(&["u-1"]), WITHIN).await;
    assert!(matches!(sent, Submission::Accepted(_)), "{sent:?}");
    assert_eq!(lanes.take(), [Lane::Create; 3], "repeated attempts ask too");
}

/// Every turn takes half a minute.
#[derive(Debug)]
struct Slow(ManualClock);

#[async_trait]
impl Pacer for Slow {
    async fn acquire(&self, _: Lane) {
        self.0.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn a_turn_that_comes_too_late_is_not_used() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let clock = clock();
    let api = paced(&mock.url(), mock.public_token(), &clock, Arc::new(Slow(clock.clone())));
    let sent = api.create(&order(&["u-1"]), WITHIN).await;
    assert!(matches!(sent, Submission::NotSent(_)), "{sent:?}");
    assert!(mock.requests().is_empty());
}

/// No turn ever comes.
#[derive(Debug)]
struct Never;

#[async_trait]
impl Pacer for Never {
    async fn acquire(&self, _: Lane) {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn waiting_for_a_turn_ends_with_the_calls_time() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let api = paced(&mock.url(), mock.public_token(), &clock(), Arc::new(Never));
    let order = order(&["u-1"]);
    let sent = api.create(&order, Duration::from_millis(30));
    // The limit only keeps a broken client from hanging the tests.
    let sent = tokio::time::timeout(Duration::from_secs(20), sent).await.unwrap();
    let Submission::NotSent(error) = sent else { panic!("{sent:?}") };
    assert_eq!(error.kind(), ErrorKind::Connect);
    assert!(mock.requests().is_empty());
}

#[test]
fn the_limits_do_not_share_their_bursts() {
    let one = NonZeroU32::MIN;
    let pacer = SoloPacer::new(Limits {
        profiles_per_second: one,
        creates_per_minute: one,
        reads_per_minute: one,
        config_calls_per_minute: one,
    });
    for lane in [Lane::Create, Lane::Read, Lane::Profiles, Lane::Config] {
        assert!(pacer.acquire(lane).now_or_never().is_some(), "{lane:?} has a turn of its own");
    }
    for lane in [Lane::Create, Lane::Read, Lane::Config] {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let second = runtime.block_on(async { pacer.acquire(lane).now_or_never() });
        assert!(second.is_none(), "{lane:?} waits for the next minute's");
    }
}

#[test]
fn no_second_has_more_calls_than_segment_allows_after_a_pause() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (began, pacer) = (std::time::Instant::now(), SoloPacer::new(Limits::default()));
        let at_once = (0..200_u32).take_while(|_| pacer.acquire(Lane::Profiles).now_or_never().is_some()).count();
        // What became free while it was counted comes on top; Segment allows 100 (documented), and 90 follow within a second.
        let meanwhile = began.elapsed().as_secs_f64() * 90.0;
        assert!((1.0..=11.0 + meanwhile).contains(&f64::from(u32::try_from(at_once).unwrap())), "{at_once}");
    });
}
