//! A package is checked against its manifest.

use std::io::{Cursor, Write};

use privacy_package::{CheckedPackage, PackageFault, verify_package};
use serde_json::json;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::{Package, records, world};

type Files = Vec<(String, Vec<u8>)>;

async fn package() -> (Vec<u8>, Package) {
    let world = world();
    let writer = world.begin().await;
    writer.append("shop", "customer", records([json!({"id": 7, "name": "Ann"})])).await.unwrap();
    writer.append("segment_prod", "events", records([json!({"event": "Bought"})])).await.unwrap();
    writer.incomplete("segment_prod", "events", "Segment answered 503").await.unwrap();
    writer.limit("Events older than 14 days are not in here.").await.unwrap();
    let receipt = writer.finish().await.unwrap();
    (std::fs::read(world.base.path().join(&receipt.location)).unwrap(), world.open(&receipt))
}

fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(path, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn fault(bytes: &[u8]) -> String {
    verify_package(Cursor::new(bytes)).unwrap_err().to_string()
}

#[tokio::test]
async fn a_package_as_it_was_written_is_whole_and_says_what_it_lacks() {
    let (bytes, opened) = package().await;
    let CheckedPackage { request_id, files, bytes: length, incomplete, limits } =
        verify_package(Cursor::new(&bytes)).unwrap();
    let content: usize = opened.0.iter().filter(|(path, _)| path != "manifest.json").map(|(_, text)| text.len()).sum();
    assert_eq!((request_id.as_str(), files, length), ("pri_1", opened.0.len() as u64 - 1, content as u64));
    assert_eq!(incomplete["segment_prod/events.csv"], "Segment answered 503");
    assert!(!incomplete.contains_key("shop/customer.json"));
    assert_eq!(limits, ["Events older than 14 days are not in here."]);
}

#[tokio::test]
async fn what_differs_from_the_manifest_is_named() {
    let (bytes, Package(files)) = package().await;
    let with = |change: &dyn Fn(&mut Files)| {
        let mut files = files.clone();
        change(&mut files);
        fault(&zip(&files))
    };
    let at = |files: &[(String, Vec<u8>)], path: &str| files.iter().position(|(name, _)| name == path).unwrap();
    let flip = |files: &mut Files| {
        let at = at(files, "shop/customer.csv");
        files[at].1[3] ^= 1;
    };
    assert_eq!(with(&flip), "shop/customer.csv was changed: its checksum is another one");
    let grow = |files: &mut Files| {
        let at = at(files, "shop/customer.csv");
        files[at].1.push(b'x');
    };
    let length = files[at(&files, "shop/customer.csv")].1.len();
    let expected = format!("shop/customer.csv has {} bytes, and the manifest says {length}", length + 1);
    assert_eq!(with(&grow), expected);
    let drop = |files: &mut Files| files.retain(|(path, _)| path != "segment_prod/events.ndjson");
    assert_eq!(with(&drop), "segment_prod/events.ndjson is in the manifest, and not in the package");
    let add = |files: &mut Files| files.push(("more.txt".to_owned(), vec![1]));
    assert_eq!(with(&add), "more.txt is in the package, and not in the manifest");
    let without = |files: &mut Files| files.retain(|(path, _)| path != "manifest.json");
    assert!(with(&without).starts_with("the zip has no manifest.json"));
    assert!(fault(&bytes[..bytes.len() - 30]).starts_with("the file is no whole zip"));
    assert!(fault(b"hello").starts_with("the file is no whole zip"));
    let encrypted = verify_package(Cursor::new(b"age-encryption.org/v1\n-> X25519 x")).unwrap_err();
    assert!(matches!(encrypted, PackageFault::Encrypted));
    let mut damaged = bytes;
    // Within the compressed bytes of the first entry.
    damaged[60] ^= 0xff;
    let said = fault(&damaged);
    assert!(said.starts_with("segment_prod/events.csv") || said.starts_with("the file is no whole zip"), "{said}");
}
