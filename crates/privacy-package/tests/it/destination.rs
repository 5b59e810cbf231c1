//! Folders, their modes, and what is left when something goes wrong.

use std::fs;

use privacy_package::{StoreOptions, ZipSink};
use segment_core::ports::{PackageError, PackageSink};
use serde_json::json;

use crate::support::{all_files, many_records, package, random, records, world};

#[cfg(unix)]
fn mode(path: &std::path::Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn the_check_proves_that_the_folder_can_be_written_and_leaves_nothing() {
    let world = world();
    assert_eq!(world.sink.check().await.unwrap(), "folder packages");
    assert!(world.entries().is_empty() && world.folder().is_dir());
    fs::write(world.base.path().join("file"), "").unwrap();
    let blocked = ZipSink::new("file", world.base.path(), &StoreOptions::default(), random()).unwrap();
    let error = blocked.check().await.unwrap_err();
    assert!(matches!(error, PackageError::Write { what: "the folder for packages", .. }), "{error:?}");
}

#[tokio::test]
async fn making_a_sink_touches_nothing() {
    let world = world();
    assert!(!world.folder().exists());
}

#[test]
fn other_destinations_are_refused_with_a_sentence() {
    for destination in ["s3://", "gs:///x", "az://u:p@h/", "file:///x", "https://u:p@h/", ""] {
        let error = ZipSink::new(destination, "", &StoreOptions::default(), random()).unwrap_err();
        assert!(matches!(error, PackageError::Destination(_)), "{destination}");
        assert!(
            ["folder", "names no bucket"].iter().any(|word| error.to_string().contains(word))
                && !error.to_string().contains("u:p"),
            "{error}"
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_folder_staging_and_package() {
    let world = world();
    let writer = world.begin().await;
    writer.append("s", "t", many_records()).await.unwrap();
    assert_eq!(mode(&world.folder()), 0o700);
    let staged = world.files();
    assert_eq!((staged.len(), mode(&staged[0]), mode(staged[0].parent().unwrap())), (1, 0o600, 0o700));
    let receipt = writer.finish().await.unwrap();
    assert_eq!(mode(&world.base.path().join(receipt.location)), 0o600);
}

#[tokio::test]
async fn a_package_that_cannot_be_placed_leaves_nothing() {
    let world = world();
    let writer = world.begin().await;
    writer.append("s", "t", records([json!({"who": "ann@example.com"})])).await.unwrap();
    // A folder that is not empty stands where the package should go.
    fs::create_dir_all(world.folder().join("pri_1.zip/taken")).unwrap();
    let error = writer.finish().await.unwrap_err();
    assert!(matches!(error, PackageError::Write { what: "the package", .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("ann@"));
    assert_eq!((world.entries(), world.files().len()), (vec!["pri_1.zip".to_owned()], 0));
}

#[tokio::test]
async fn a_folder_that_vanished_is_an_error_and_not_a_panic() {
    let world = world();
    let writer = world.begin().await;
    fs::remove_dir_all(world.folder()).unwrap();
    assert!(writer.append("s", "t", many_records()).await.is_err());
    assert!(writer.finish().await.is_err());
    assert!(world.files().is_empty());
}

#[tokio::test]
async fn removal_deletes_once_and_never_anything_else() {
    let world = world();
    let receipt = world.begin().await.finish().await.unwrap();
    let other = world.folder().join("config.toml");
    fs::write(&other, "").unwrap();
    world.sink.remove(&receipt.location).await.unwrap();
    assert_eq!(world.entries(), ["config.toml"]);
    world.sink.remove(&receipt.location).await.unwrap();
    world.sink.remove("gone/pri_1.zip").await.unwrap();
    assert!(world.sink.remove("packages/config.toml").await.is_err());
    assert!(world.sink.remove("s3://bucket/pri_1.zip").await.is_err());
    assert!(other.exists());
}

#[tokio::test]
async fn a_package_elsewhere_is_removed_by_its_own_location() {
    let world = world();
    let out = world.base.path().join("out dir#1 %20 ü");
    let elsewhere = ZipSink::new(out.to_str().unwrap(), world.base.path(), &StoreOptions::default(), random()).unwrap();
    let receipt = elsewhere.begin(package("pri_9")).await.unwrap().finish().await.unwrap();
    assert_eq!(receipt.location, format!("{}/pri_9.zip", out.display()));
    assert!(out.join("pri_9.zip").is_file());
    world.sink.remove(&receipt.location).await.unwrap();
    assert!(!out.join("pri_9.zip").exists());
}

#[tokio::test]
async fn a_second_attempt_replaces_the_first() {
    let world = world();
    let first = world.begin().await.finish().await.unwrap();
    let writer = world.begin().await;
    writer.append("s", "t", records([json!({"n": 1})])).await.unwrap();
    let second = writer.finish().await.unwrap();
    assert_eq!(first.location, second.location);
    assert_eq!(world.open(&second).paths(), ["s/t.csv", "s/t.json", "index.html", "manifest.json"]);
    assert_eq!(world.entries(), ["pri_1.zip"]);
}

#[tokio::test]
async fn staging_may_live_elsewhere() {
    let world = world();
    let root = world.base.path().join("staging");
    let sink = world.sink.clone().with_staging_root(&root);
    assert_eq!(sink.check().await.unwrap(), "folder packages");
    let writer = sink.begin(package("pri_1")).await.unwrap();
    writer.append("s", "t", many_records()).await.unwrap();
    assert_eq!((all_files(&root).len(), world.files().len()), (1, 0));
    writer.finish().await.unwrap();
    assert_eq!((fs::read_dir(&root).unwrap().count(), world.entries()), (0, vec!["pri_1.zip".to_owned()]));
}
