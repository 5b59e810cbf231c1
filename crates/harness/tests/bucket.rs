//! Packages in a bucket, against a server that speaks S3.

#![expect(clippy::unwrap_used, reason = "what fails in a test panics")]

use std::{
    future::{Ready, ready},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use harness::S3Server;
use privacy_package::{StoreOptions, ZipSink};
use segment_core::{
    Action, Identity, IdentityKind, IdentitySet, NewPackage, Pii, RequestId, StagingKey,
    ports::{PackageError, PackageSink, PackageWriter},
    testing::conformance::package::SinkFixture,
};
use segment_http::OsRandom;
use serde_json::json;
use tempfile::TempDir;

struct World {
    server: S3Server,
    staging: TempDir,
    sink: ZipSink,
}

impl World {
    fn new() -> Self {
        let (server, staging) = (S3Server::start().unwrap(), tempfile::tempdir().unwrap());
        let sink = sink(&server, &server.url("packages"), &staging, |options| options).unwrap();
        Self { server, staging, sink }
    }

    async fn begin(&self, events: u64) -> Box<dyn PackageWriter> {
        let writer = self.sink.begin(package()).await.unwrap();
        for page in 0..events / 100 {
            // What hardly compresses makes parts.
            let digest = |n: u64| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(n.to_be_bytes()));
            let noise = |n: u64| (0..12).map(|at| digest((page * 100 + n) * 12 + at)).collect::<String>();
            let records = (0..100).map(|n| Pii::new(json!({"type": "track", "noise": noise(n)}))).collect();
            writer.append("segment_prod", "events", records).await.unwrap();
        }
        writer
    }
}

fn sink(
    server: &S3Server,
    url: &str,
    staging: &TempDir,
    change: impl FnOnce(StoreOptions) -> StoreOptions,
) -> Result<ZipSink, PackageError> {
    let options = server.options();
    let options = options.iter().fold(StoreOptions::default(), |all, (name, value)| all.with(name, value));
    let sink = ZipSink::new(url, staging.path(), &change(options), Arc::new(OsRandom))?;
    Ok(sink.with_staging_root(staging.path()))
}

fn package() -> NewPackage {
    NewPackage {
        request: RequestId::new("pri_1"),
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, "u-1").unwrap()]).unwrap(),
        received_at: jiff::Timestamp::UNIX_EPOCH,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        staging_key: StagingKey::new([7; 32]),
        recipient: None,
        tables: std::collections::BTreeSet::new(),
    }
}

#[async_trait]
impl SinkFixture for World {
    fn sink(&self) -> &dyn PackageSink {
        &self.sink
    }

    async fn visible(&self) -> Vec<String> {
        self.server.visible().unwrap().into_iter().map(|name| self.server.url(&name)).collect()
    }

    async fn is_clean(&self) -> bool {
        // A thread may still be on its way out of the staging area.
        for _ in 0..200 {
            let staged = std::fs::read_dir(self.staging.path()).unwrap().count();
            if self.server.visible().unwrap().is_empty() && staged == 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

fn fresh() -> Ready<World> {
    ready(World::new())
}

segment_core::package_sink_conformance!(fresh);

#[tokio::test]
async fn a_package_of_many_parts_arrives_whole_and_is_not_seen_before() {
    let world = World::new();
    let writer = world.begin(40_000).await;
    assert!(world.server.visible().unwrap().is_empty());
    let receipt = writer.finish().await.unwrap();
    assert!(receipt.bytes > 3 * 5 * 1024 * 1024, "{} bytes are not many parts", receipt.bytes);
    assert_eq!(receipt.location, world.server.url("packages/pri_1.zip"));
    assert_eq!(world.server.visible().unwrap(), ["packages/pri_1.zip"]);
    let stored = std::fs::read(world.server.path("packages/pri_1.zip")).unwrap();
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&stored));
    assert_eq!((stored.len() as u64, digest), (receipt.bytes, receipt.sha256));
    assert!(privacy_package::verify_package(std::io::Cursor::new(stored)).is_ok());
    world.sink.remove(&receipt.location).await.unwrap();
    world.sink.remove(&receipt.location).await.unwrap();
    assert!(world.server.visible().unwrap().is_empty());
}

#[tokio::test]
async fn a_link_is_signed_and_ends() {
    let world = World::new();
    let receipt = world.begin(100).await.finish().await.unwrap();
    let link = world.sink.link(&receipt.location, Duration::from_mins(1)).await.unwrap();
    let get = async |url: String| {
        let answer = reqwest::Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.bytes().await.unwrap().len() as u64)
    };
    assert_eq!(get(link.clone()).await, (200, receipt.bytes));
    let (bare, _) = link.split_once('?').unwrap();
    assert_ne!(get(bare.to_owned()).await.0, 200);
    let forged = link.replace("X-Amz-Expires=60", "X-Amz-Expires=600000");
    assert_ne!(forged, link);
    assert_ne!(get(forged).await.0, 200, "the time is signed, too");
    let short = world.sink.link(&receipt.location, Duration::from_secs(1)).await.unwrap();
    let over = async {
        while get(short.clone()).await.0 == 200 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), over).await.expect("it ends");
    assert!(world.sink.link("s3://other/pri_1.zip", Duration::from_mins(1)).await.is_err());
}

#[tokio::test]
async fn a_store_that_refuses_or_is_gone_is_named_and_nothing_is_left() {
    let mut world = World::new();
    assert_eq!(world.sink.check().await.unwrap(), format!("bucket {}", world.server.url("packages")));
    let wrong = sink(&world.server, &world.server.url("packages"), &world.staging, |options| {
        options.with("secret_access_key", "another")
    });
    let wrong = wrong.unwrap();
    let forbidden = wrong.begin(package()).await.unwrap().finish().await.unwrap_err();
    assert!(forbidden.to_string().contains("the bucket for packages"), "{forbidden}");
    assert!(world.is_clean().await);
    let error = wrong.check().await.unwrap_err();
    assert!(
        error.to_string().contains("the bucket for packages") && !format!("{error:?}").contains("another"),
        "{error:?}"
    );
    let writer = world.begin(40_000).await;
    let finishing = tokio::spawn(writer.finish());
    let begun = async {
        while !world.server.is_receiving() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(5), begun).await.expect("parts arrive");
    world.server.stop();
    let error = finishing.await.unwrap().unwrap_err();
    assert!(matches!(&error, PackageError::Write { what: "the package", .. }), "{error}");
    assert!(world.is_clean().await);
}
