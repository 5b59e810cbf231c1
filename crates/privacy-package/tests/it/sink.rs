//! The writer's promises: order, names, holes, size.

use segment_core::ports::PackageSink;
use serde_json::{Value, json};

use crate::support::{package, records, world};

#[tokio::test]
async fn names_that_could_leave_the_package_are_refused() {
    let world = world();
    let writer = world.begin().await;
    for name in
        ["..", "../x", "/etc", "a/b", "a\\b", ".hidden", "", "C:", "a b", "x\n", "manifest.json", "ann@example.com"]
    {
        let as_source = writer.append(name, "t", records([])).await.unwrap_err();
        let as_collection = writer.append("s", name, records([])).await.unwrap_err();
        assert!(writer.incomplete(name, "t", "x").await.is_err());
        assert!(!format!("{as_source:?}{as_collection:?}").contains("ann@"), "{as_source:?}");
        assert!(world.sink.begin(package(name)).await.is_err(), "{name}");
    }
    assert!(writer.finish().await.unwrap().files.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collections_are_written_side_by_side_and_keep_their_order() {
    let world = world();
    let writer = world.begin().await;
    let fill = async |collection: &str| {
        for page in 0..20 {
            let page = (0..50).map(|n| json!({"n": page * 50 + n}));
            writer.append("s", collection, records(page)).await.unwrap();
        }
    };
    tokio::join!(fill("a"), fill("b"), fill("c"), fill("d"));
    let zip = world.open(&writer.finish().await.unwrap());
    let expected: Vec<Value> = (0..1_000).map(|n| json!({"n": n})).collect();
    for collection in ["a", "b", "c", "d"] {
        assert_eq!(zip.json(&format!("s/{collection}.json")), json!(expected));
    }
}

#[tokio::test]
async fn a_collection_keeps_its_order_among_others() {
    let world = world();
    let writer = world.begin().await;
    for n in 0..200 {
        writer.append("s", if n % 2 == 0 { "even" } else { "odd" }, records([json!({"n": n})])).await.unwrap();
    }
    let zip = world.open(&writer.finish().await.unwrap());
    let odd: Vec<Value> = (0..200).filter(|n| n % 2 == 1).map(|n| json!({"n": n})).collect();
    assert_eq!(zip.json("s/odd.json"), json!(odd));
}

#[tokio::test]
async fn a_hole_is_labelled_even_where_nothing_came() {
    let world = world();
    let writer = world.begin().await;
    writer.incomplete("s", "events", "first").await.unwrap();
    writer.incomplete("s", "events", "second").await.unwrap();
    writer.incomplete("s", "events", "first").await.unwrap();
    let receipt = writer.finish().await.unwrap();
    assert_eq!(receipt.files.len(), 2);
    assert!(receipt.files.iter().all(|file| !file.complete && file.records == 0));
    let manifest = world.open(&receipt).json("manifest.json");
    assert_eq!(manifest["files"][0]["reason"], json!("first; second"));
}

#[tokio::test]
async fn a_large_collection_comes_through_whole() {
    const EVENTS: usize = 200_000;
    let world = world();
    let writer = world.begin().await;
    for page in 0..EVENTS / 1_000 {
        let event = |n| json!({"type": "track", "event": "Seen", "message_id": format!("{page}-{n}")});
        writer.append("s", "events", records((0..1_000).map(event))).await.unwrap();
    }
    let receipt = writer.finish().await.unwrap();
    let zip = world.open(&receipt);
    assert_eq!(receipt.files[1].records, EVENTS as u64);
    assert_eq!(zip.text("s/events.ndjson").lines().count(), EVENTS);
    assert_eq!(zip.text("s/events.csv").lines().count(), EVENTS + 1);
    assert!(zip.text("s/events.ndjson").ends_with("\"message_id\":\"199-999\",\"type\":\"track\"}\n"));
}
