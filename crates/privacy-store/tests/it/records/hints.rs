//! A hint that there is new work, from one process to another.

use std::{sync::Arc, time::Duration};

use privacy_store::{MasterKey, RecordOptions, RecordStore};
use secrecy::SecretString;
use segment_core::{ports::RequestStore, testing::CountingRandom};
use tokio::{sync::Notify, time::timeout};

use super::{KEY, erasure, postgres};

#[tokio::test]
async fn whoever_waits_is_woken_by_what_another_process_records() {
    let Some(server) = postgres::server().await else { return };
    let (url, options) = (SecretString::from(server.url().to_owned()), RecordOptions::default());
    let random = Arc::new(CountingRandom::default());
    let connect = || RecordStore::connect(&url, MasterKey::from_base64(KEY).unwrap(), random.clone(), &options);
    let (one, other) = (connect().await.unwrap(), connect().await.unwrap());
    let hint = Arc::new(Notify::new());
    let listening = tokio::spawn({
        let hint = hint.clone();
        async move { other.pass_hints_on(&hint).await }
    });
    // It takes a moment until it listens.
    let mut number = 0;
    let woken = async {
        loop {
            number += 1;
            one.intake(&[erasure(number)]).await.unwrap();
            if timeout(Duration::from_millis(200), hint.notified()).await.is_ok() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), woken).await.unwrap();
    listening.abort();
}
