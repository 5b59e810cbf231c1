//! Turns of calls, taken by several processes on one record database.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use privacy_store::{MasterKey, Pace, RecordOptions, RecordStore, SharedPacer, Turns};
use secrecy::SecretString;
use segment_core::{
    ConnectionKey,
    ports::{Lane, Pacer},
    testing::CountingRandom,
};

use super::{KEY, Place, postgres};

const PACE: Pace = Pace { interval: Duration::from_secs(100), burst: 1 };

fn main() -> ConnectionKey {
    ConnectionKey::new("main")
}

/// Runs a scenario on two processes' stores on the same database, of either kind.
async fn on_both<F: Future<Output = ()> + Send>(scenario: impl Fn(RecordStore, RecordStore) -> F + Send + Sync) {
    let key = || MasterKey::from_base64(KEY).unwrap();
    let random = Arc::new(CountingRandom::default());
    let place = Place::new();
    let path = place.path();
    let sqlite = || RecordStore::open(&path, key(), random.clone());
    scenario(sqlite().await.unwrap(), sqlite().await.unwrap()).await;
    let Some(server) = postgres::server().await else { return };
    let (url, options) = (SecretString::from(server.url().to_owned()), RecordOptions::default());
    let connect = || RecordStore::connect(&url, key(), random.clone(), &options);
    scenario(connect().await.unwrap(), connect().await.unwrap()).await;
}

/// Takes turns of one lane.
async fn take(store: &RecordStore, calls: u32) -> SignedDuration {
    store.take_turns(&main(), Lane::Profiles, PACE, calls).await.unwrap()
}

/// So many seconds, less what the clock went on meanwhile.
fn is_about(wait: SignedDuration, seconds: i64) {
    let most = SignedDuration::from_secs(seconds);
    assert!(wait <= most && wait > most - SignedDuration::from_secs(90), "{wait:?} is not about {seconds} s");
}

#[tokio::test]
async fn whoever_takes_turns_takes_them_from_all() {
    on_both(|one, other| async move {
        is_about(take(&one, 1).await, 0);
        is_about(take(&other, 3).await, 100);
        is_about(take(&one, 1).await, 400);
        is_about(take(&other, 1).await, 500);
        let another = other.take_turns(&main(), Lane::Create, PACE, 1).await.unwrap();
        is_about(another, 0);
        let another = other.take_turns(&ConnectionKey::new("another"), Lane::Profiles, PACE, 1).await.unwrap();
        is_about(another, 0);
    })
    .await;
}

#[tokio::test]
async fn a_pause_is_worth_a_burst_and_no_more() {
    on_both(|one, _| async move {
        let pace = Pace { burst: 3, ..PACE };
        for expected in [-200, -100, 0, 100] {
            is_about(one.take_turns(&main(), Lane::Read, pace, 1).await.unwrap(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_was_set_back_keeps_nobody_waiting() {
    on_both(|one, _| async move {
        one.take_turns(&main(), Lane::Read, PACE, 100).await.unwrap();
        is_about(one.take_turns(&main(), Lane::Read, PACE, 1).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_call_waits_for_its_turn_whoever_had_the_one_before() {
    on_both(|one, other| async move {
        let pace = Pace { interval: Duration::from_secs(30), burst: 2 };
        let pacer = |store: &RecordStore| {
            let turns = Turns::default();
            turns.share(store);
            SharedPacer::new(turns, main(), [(Lane::Profiles, pace)])
        };
        let (one, other) = (pacer(&one), pacer(&other));
        one.acquire(Lane::Profiles).await;
        other.acquire(Lane::Profiles).await;
        let soon = Duration::from_millis(300);
        for pacer in [&one, &other] {
            assert!(
                tokio::time::timeout(soon, pacer.acquire(Lane::Profiles)).await.is_err(),
                "there is none before half a minute"
            );
        }
        one.acquire(Lane::Config).await;
    })
    .await;
}

#[tokio::test]
async fn who_shares_with_nobody_keeps_the_pace_too() {
    let pace = Pace { interval: Duration::from_secs(30), burst: 2 };
    let pacer = SharedPacer::new(Turns::default(), main(), [(Lane::Profiles, pace)]);
    pacer.acquire(Lane::Profiles).await;
    pacer.acquire(Lane::Profiles).await;
    assert!(tokio::time::timeout(Duration::from_millis(200), pacer.acquire(Lane::Profiles)).await.is_err());
}
