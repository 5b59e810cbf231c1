use std::{collections::BTreeMap, sync::Arc, time::Duration};

use segment_core::{
    ports::{MockPackageSink, MockRequestStore},
    testing::{CountingRandom, ManualClock},
};

use super::*;
use crate::{Parts, Policy, ProgressSink};

const RETENTION: Retention =
    Retention { packages: Duration::ZERO, identities: Duration::ZERO, last_look: Duration::ZERO };

fn engine(store: MockRequestStore) -> Engine {
    Engine::new(Parts {
        store: Arc::new(store),
        packages: Arc::new(MockPackageSink::new()),
        clock: Arc::new(ManualClock::default()),
        random: Arc::new(CountingRandom::default()),
        connections: Vec::new(),
        withheld: BTreeMap::new(),
        owned: None,
        policy: Policy::default(),
        owner: "test".to_owned(),
        progress: ProgressSink::default(),
        hint: Arc::default(),
    })
}

#[tokio::test]
async fn what_stays_due_is_tried_once() {
    let mut store = MockRequestStore::new();
    let due = Expired { request: RequestId::new("pri_1"), package: None, identities: true };
    store.expect_expired().times(2).returning(move |_, _, _| Ok(vec![due.clone()]));
    // It is open again, or gone: there is nothing to do, and no failure.
    store.expect_request().times(1).returning(|_| Ok(None));
    store.expect_drop_holds().returning(|_| Ok(0));
    store.expect_sweep().returning(|| Ok(()));
    assert!(engine(store).purge(&RETENTION).await.unwrap().is_nothing());
}

#[tokio::test]
async fn one_that_fails_does_not_keep_the_others() {
    let mut store = MockRequestStore::new();
    let due = |id: &str| Expired { request: RequestId::new(id), package: None, identities: true };
    store.expect_expired().times(2).returning(move |_, _, _| Ok(vec![due("pri_1"), due("pri_2")]));
    store.expect_request().times(2).returning(|id| match id.as_str() {
        "pri_1" => Err(StoreError::Unavailable("busy".into())),
        _ => Ok(None),
    });
    store.expect_drop_holds().returning(|_| Ok(3));
    store.expect_sweep().returning(|| Ok(()));
    let purged = engine(store).purge(&RETENTION).await.unwrap();
    let failed: Vec<_> = purged.failures.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((failed, purged.holds), (vec!["pri_1"], 3));
}
