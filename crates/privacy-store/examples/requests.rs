//! The latest requests in a record database that is an SQLite file:
//!
//! ```text
//! export SEGMENT_PRIVACY_KEY="$(cat segment-privacy.key)"
//! cargo run -p privacy-store --example requests -- segment-privacy.db
//! ```
//!
//! A file that is not there is not made. One of an older version is brought up to date, as by everybody who opens it.

use std::{error::Error, io::Write, path::Path, sync::Arc};

use privacy_store::{MasterKey, RecordStore};
use segment_core::{
    RequestFilter,
    ports::{Random, RequestStore},
};

/// The operating system's randomness.
#[derive(Debug)]
struct OsRandom;

impl Random for OsRandom {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives randomness");
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("expected the file of a record database")?;
    let key = MasterKey::from_base64(&key()?)?;
    let store = RecordStore::open_if_made(Path::new(&path), key, Arc::new(OsRandom)).await?;
    let store = store.ok_or("there is no such file")?;
    let latest = RequestFilter { limit: Some(20), ..RequestFilter::default() };
    let requests = store.requests(&latest).await?;
    store.close().await;

    // Ids are ours: nothing of this names a person.
    let mut out = std::io::stdout().lock();
    for request in requests {
        let (action, status) = (request.action, request.status.as_str());
        writeln!(out, "{} {action} received {}, due {}: {status}", request.id, request.received_at, request.due_at)?;
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "an example has no configuration")]
fn key() -> Result<String, &'static str> {
    std::env::var("SEGMENT_PRIVACY_KEY").map_err(|_| "the environment variable SEGMENT_PRIVACY_KEY is not set")
}
