//! The rules of [`PackageSink`] and [`PackageWriter`].

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use std::collections::BTreeSet;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    Action, FileReceipt, Identity, IdentityKind, IdentitySet, NewPackage, PackageReceipt, Pii, Records, RequestId,
    StagingKey,
    ports::{PackageSink, PackageWriter},
};

/// A sink to test, and a look at what it shows to others.
#[async_trait]
pub trait SinkFixture: Send + Sync {
    /// The sink, with nothing at its destination.
    fn sink(&self) -> &dyn PackageSink;

    /// The locations of all packages that can be seen at the destination, as receipts name them.
    async fn visible(&self) -> Vec<String>;

    /// Whether nothing at all is left behind: no package, no staging file.
    async fn is_clean(&self) -> bool;
}

/// A package to begin.
fn package(request: &str) -> NewPackage {
    NewPackage {
        request: RequestId::new(request),
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::Email, "ann@example.com").unwrap()]).unwrap(),
        received_at: Timestamp::from_second(1_795_400_000).unwrap(),
        created_at: Timestamp::from_second(1_795_500_000).unwrap(),
        staging_key: StagingKey::new([7; 32]),
        recipient: None,
        tables: BTreeSet::new(),
    }
}

fn records(values: impl IntoIterator<Item = Value>) -> Records {
    values.into_iter().map(Pii::new).collect()
}

async fn begin(fixture: &dyn SinkFixture, request: &str) -> Box<dyn PackageWriter> {
    fixture.sink().begin(package(request)).await.unwrap()
}

/// The files of a collection; there can be one a format.
fn files<'a>(receipt: &'a PackageReceipt, stem: &str) -> Vec<&'a FileReceipt> {
    let stem = format!("{stem}.");
    let files: Vec<_> = receipt.files.iter().filter(|file| file.path.starts_with(&stem)).collect();
    assert!(!files.is_empty(), "no file of {stem} in {:?}", receipt.files);
    files
}

/// Nothing is visible before `finish`; after it, exactly the package that the receipt names.
pub async fn nothing_is_visible_before_it_is_finished(fixture: &dyn SinkFixture) {
    let writer = begin(fixture, "pri_1").await;
    writer.append("segment_prod", "traits", records([json!({"name": "plan", "value": "gold"})])).await.unwrap();
    assert!(fixture.visible().await.is_empty());
    let receipt = writer.finish().await.unwrap();
    assert_eq!(fixture.visible().await, [receipt.location]);
}

/// A writer that is dropped leaves nothing.
pub async fn a_dropped_writer_leaves_nothing(fixture: &dyn SinkFixture) {
    let writer = begin(fixture, "pri_1").await;
    writer.append("segment_prod", "events", records((0..100).map(|n| json!({"event": n})))).await.unwrap();
    drop(writer);
    assert!(fixture.is_clean().await);
}

/// The receipt counts the records of each collection over all calls, and an empty collection is a file too.
pub async fn the_receipt_counts_the_records(fixture: &dyn SinkFixture) {
    let writer = begin(fixture, "pri_1").await;
    for page in 0..3 {
        let page = (0..10).map(|n| json!({"message_id": format!("{page}-{n}")}));
        writer.append("segment_prod", "events", records(page)).await.unwrap();
    }
    writer.append("segment_prod", "links", records([])).await.unwrap();
    let receipt = writer.finish().await.unwrap();
    assert!(files(&receipt, "segment_prod/events").iter().all(|file| file.records == 30 && file.complete));
    assert!(files(&receipt, "segment_prod/links").iter().all(|file| file.records == 0 && file.complete));
    assert!(receipt.bytes > 0);
    assert!(receipt.sha256.len() == 64 && receipt.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

/// Collections of the same name from two sources are two.
pub async fn sources_are_kept_apart(fixture: &dyn SinkFixture) {
    let writer = begin(fixture, "pri_1").await;
    writer.append("segment_eu", "traits", records([json!({"name": "a", "value": 1})])).await.unwrap();
    writer.append("segment_us", "traits", records([])).await.unwrap();
    let receipt = writer.finish().await.unwrap();
    assert_eq!(files(&receipt, "segment_eu/traits")[0].records, 1);
    assert_eq!(files(&receipt, "segment_us/traits")[0].records, 0);
}

/// A collection with a hole is labelled, its neighbours are not, and one of which nothing came is labelled as well.
pub async fn a_hole_is_labelled(fixture: &dyn SinkFixture) {
    let writer = begin(fixture, "pri_1").await;
    writer.append("segment_prod", "events", records([json!({"event": 1})])).await.unwrap();
    writer.append("segment_prod", "traits", records([])).await.unwrap();
    writer.incomplete("segment_prod", "events", "Segment answered 503").await.unwrap();
    writer.incomplete("segment_prod", "links", "Segment answered 503").await.unwrap();
    writer.limit("Events older than 14 days are not in this package.").await.unwrap();
    let receipt = writer.finish().await.unwrap();
    assert!(files(&receipt, "segment_prod/events").iter().all(|file| !file.complete && file.records == 1));
    assert!(files(&receipt, "segment_prod/links").iter().all(|file| !file.complete && file.records == 0));
    assert!(files(&receipt, "segment_prod/traits").iter().all(|file| file.complete));
}

/// A second attempt for the same request takes the place of the first.
pub async fn a_second_attempt_replaces_the_first(fixture: &dyn SinkFixture) {
    let first = begin(fixture, "pri_1").await.finish().await.unwrap();
    let writer = begin(fixture, "pri_1").await;
    writer.append("shop", "customer", records([json!({"id": 7})])).await.unwrap();
    let second = writer.finish().await.unwrap();
    assert_eq!(first.location, second.location);
    assert_eq!(fixture.visible().await, [second.location]);
}

/// Packages of different requests stand side by side, and only the one that is named is removed. Removing it again, or one
/// that never was, is no error.
pub async fn removing_is_idempotent(fixture: &dyn SinkFixture) {
    let first = begin(fixture, "pri_1").await.finish().await.unwrap();
    let second = begin(fixture, "pri_2").await.finish().await.unwrap();
    fixture.sink().remove(&first.location).await.unwrap();
    assert_eq!(fixture.visible().await, std::slice::from_ref(&second.location));
    fixture.sink().remove(&first.location).await.unwrap();
    fixture.sink().remove(&second.location).await.unwrap();
    assert!(fixture.is_clean().await);
}

/// The check describes the destination and leaves nothing there.
pub async fn a_check_describes_the_destination(fixture: &dyn SinkFixture) {
    assert!(!fixture.sink().check().await.unwrap().is_empty());
    assert!(fixture.is_clean().await);
}

/// Makes a `#[tokio::test]` of each function of [`package`](crate::testing::conformance::package). Its argument is the path
/// of an `async fn() -> impl SinkFixture`, see [`SinkFixture`](crate::testing::conformance::package::SinkFixture).
#[macro_export]
macro_rules! package_sink_conformance {
    ($fresh:path) => {
        $crate::package_sink_conformance! { @each $fresh:
            nothing_is_visible_before_it_is_finished
            a_dropped_writer_leaves_nothing
            the_receipt_counts_the_records
            sources_are_kept_apart
            a_hole_is_labelled
            a_second_attempt_replaces_the_first
            removing_is_idempotent
            a_check_describes_the_destination
        }
    };
    (@each $fresh:path: $($rule:ident)+) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let fixture = $fresh().await;
                $crate::testing::conformance::package::$rule(&fixture).await;
            }
        )+
    };
}
