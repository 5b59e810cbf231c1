//! The zip as a whole: manifest, order, bytes, other tools.

use std::process::Command;

use segment_core::PackageReceipt;
use segment_core::ports::{PackageSink, PackageWriter};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{World, package, records, world};

/// Not a page of the report.
fn is_data(file: &Value) -> bool {
    file["path"].as_str().unwrap().rsplit('.').next() != Some("html")
}

async fn fill(writer: &dyn PackageWriter) {
    let add = |source, collection, values: Vec<Value>| writer.append(source, collection, records(values));
    add("segment_prod", "metadata", vec![json!({"segment_id": "use_1", "lifespan": 3})]).await.unwrap();
    add("segment_prod", "traits", vec![json!({"name": "plan", "value": "gold"})]).await.unwrap();
    add("segment_prod", "external_ids", vec![json!({"type": "email", "id": "ann@example.com"})]).await.unwrap();
    for page in 0..3 {
        let events = (0..100).map(|n| json!({"type": "track", "event": "Bought", "message_id": format!("{page}-{n}")}));
        add("segment_prod", "events", events.collect()).await.unwrap();
    }
    add("segment_prod", "links", vec![]).await.unwrap();
    add("shop", "customer", vec![json!({"id": 7, "name": "Ann Größe 🦀", "note": null})]).await.unwrap();
    writer.incomplete("segment_prod", "links", "Segment answered 503").await.unwrap();
    writer.limit("Events older than 14 days are not in this package.").await.unwrap();
}

async fn full(world: &World) -> PackageReceipt {
    let writer = world.begin().await;
    fill(&*writer).await;
    writer.finish().await.unwrap()
}

#[tokio::test]
async fn a_package_holds_every_file_in_order_and_the_manifest_last() {
    let world = world();
    let receipt = full(&world).await;
    assert_eq!(
        world.open(&receipt).paths(),
        [
            "segment_prod/events.csv",
            "segment_prod/events.ndjson",
            "segment_prod/external_ids.csv",
            "segment_prod/external_ids.json",
            "segment_prod/links.json",
            "segment_prod/metadata.json",
            "segment_prod/traits.csv",
            "segment_prod/traits.json",
            "shop/customer.csv",
            "shop/customer.json",
            "segment_prod/events-0001.html",
            "index.html",
            "manifest.json",
        ]
    );
    assert_eq!(world.entries(), ["pri_1.zip"]);
}

#[tokio::test]
async fn the_manifest_tells_what_is_there_and_what_is_not() {
    let world = world();
    let receipt = full(&world).await;
    let zip = world.open(&receipt);
    let manifest = zip.json("manifest.json");
    let keys: Vec<_> = manifest.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = ["request_id", "action", "created_at", "tool_version", "files", "limits"];
    expected.sort_unstable();
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((&manifest["request_id"], &manifest["action"]), (&json!("pri_1"), &json!("access")));
    assert_eq!(manifest["created_at"], json!("2026-02-28T13:37:42Z"));
    assert_eq!(manifest["tool_version"], json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(manifest["limits"], json!(["Events older than 14 days are not in this package."]));
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), zip.0.len() - 1);
    for (file, (path, content)) in files.iter().zip(&zip.0) {
        assert_eq!(file["path"], json!(path));
        assert_eq!(file["bytes"], json!(content.len()), "{path}");
        assert_eq!(file["sha256"], json!(hex::encode(Sha256::digest(content))), "{path}");
    }
    assert_eq!((&files[1]["records"], &files[1]["complete"]), (&json!(300), &json!(true)));
    assert!(files[1].get("reason").is_none());
    assert_eq!((&files[4]["complete"], &files[4]["reason"]), (&json!(false), &json!("Segment answered 503")));
    let told: Vec<_> = receipt.files.iter().map(|f| json!([f.path, f.records, f.complete])).collect();
    let data = files.iter().filter(|file| is_data(file));
    let written: Vec<_> = data.map(|f| json!([f["path"], f["records"], f["complete"]])).collect();
    assert_eq!(told, written);
}

#[tokio::test]
async fn the_receipt_is_about_the_stored_bytes() {
    let world = world();
    let receipt = full(&world).await;
    let stored = std::fs::read(world.base.path().join(&receipt.location)).unwrap();
    assert_eq!(receipt.location, "packages/pri_1.zip");
    assert_eq!((receipt.bytes, receipt.sha256.as_str()), (stored.len() as u64, &*hex::encode(Sha256::digest(&stored))));
}

#[tokio::test]
async fn equal_records_make_equal_bytes_whatever_the_pages() {
    let (one, other) = (world(), world());
    let first = full(&one).await;
    // Another number for the staging keys, and other pages.
    drop(other.begin().await);
    let writer = other.begin().await;
    let customer = json!({"id": 7, "name": "Ann Größe 🦀", "note": null});
    writer.append("shop", "customer", records([customer])).await.unwrap();
    for page in 0..3 {
        for n in 0..100 {
            let event = json!({"type": "track", "event": "Bought", "message_id": format!("{page}-{n}")});
            writer.append("segment_prod", "events", records([event])).await.unwrap();
        }
    }
    let add = |collection, values: Vec<Value>| writer.append("segment_prod", collection, records(values));
    add("links", vec![]).await.unwrap();
    add("metadata", vec![json!({"segment_id": "use_1", "lifespan": 3})]).await.unwrap();
    add("external_ids", vec![json!({"type": "email", "id": "ann@example.com"})]).await.unwrap();
    add("traits", vec![json!({"name": "plan", "value": "gold"})]).await.unwrap();
    writer.incomplete("segment_prod", "links", "Segment answered 503").await.unwrap();
    writer.limit("Events older than 14 days are not in this package.").await.unwrap();
    assert_eq!(first, writer.finish().await.unwrap());
}

#[tokio::test]
async fn ordinary_tools_read_it() {
    let world = world();
    let receipt = full(&world).await;
    let path = world.base.path().join(&receipt.location);
    let script = "import sys,zipfile,json\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
        m=json.loads(z.read('manifest.json'))\n\
        print([i.date_time for i in z.infolist()][0], len(z.namelist()), len(m['files']), \
        json.loads(z.read('shop/customer.json'))[0]['name'].encode())";
    let Ok(python) = Command::new("python3").args(["-c", script]).arg(&path).output() else { return };
    assert!(python.status.success(), "{}", String::from_utf8_lossy(&python.stderr));
    let printed = String::from_utf8(python.stdout).unwrap();
    let expected = r"(2026, 2, 28, 13, 37, 42) 13 12 b'Ann Gr\xc3\xb6\xc3\x9fe \xf0\x9f\xa6\x80'";
    assert_eq!(printed.trim(), expected);
    let Ok(unzip) = Command::new("unzip").arg("-t").arg(&path).output() else { return };
    assert!(unzip.status.success(), "{}", String::from_utf8_lossy(&unzip.stdout));
}

#[tokio::test]
async fn a_time_before_zip_and_an_empty_package_are_fine() {
    let world = world();
    let mut package = package("pri_2");
    package.created_at = jiff::Timestamp::UNIX_EPOCH;
    let receipt = world.sink.begin(package).await.unwrap().finish().await.unwrap();
    assert_eq!(world.open(&receipt).paths(), ["index.html", "manifest.json"]);
    assert!(receipt.files.is_empty());
}
