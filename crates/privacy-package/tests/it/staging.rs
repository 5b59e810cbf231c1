//! Nothing readable on disk before the package, and nothing at all without it.

use std::fs;
use std::time::{Duration, Instant};

use segment_core::ports::PackageError;
use serde_json::json;

use crate::support::{many_records, records, world};

const PLANTED: &str = "ann.planted@example.com";

#[tokio::test]
async fn a_planted_value_never_stands_in_a_staging_file() {
    let world = world();
    let writer = world.begin().await;
    for n in 0..200 {
        let page = (0..20).map(|m| json!({"email": PLANTED, "n": n * m, "pad": "x".repeat(100)}));
        writer.append("s", "events", records(page)).await.unwrap();
        for file in world.files() {
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(PLANTED.len()).any(|window| window == PLANTED.as_bytes()), "{}", file.display());
        }
    }
    assert!(fs::metadata(&world.files()[0]).unwrap().len() > 100_000, "the files were looked at while they grew");
}

#[tokio::test]
async fn file_names_of_the_staging_area_tell_nothing() {
    let world = world();
    let writer = world.begin().await;
    writer.append("clinic", "diagnoses", many_records()).await.unwrap();
    assert!(!world.files().is_empty());
    assert!(world.files().iter().all(|path| !path.to_str().unwrap().contains("diagnoses")));
}

#[tokio::test]
async fn nothing_is_visible_before_the_end() {
    let world = world();
    let writer = world.begin().await;
    writer.append("s", "events", many_records()).await.unwrap();
    assert!(world.entries().iter().all(|name| name.starts_with('.')), "{:?}", world.entries());
    writer.finish().await.unwrap();
    assert_eq!(world.entries(), ["pri_1.zip"]);
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing() {
    let world = world();
    let writer = world.begin().await;
    writer.append("s", "events", many_records()).await.unwrap();
    assert!(!world.entries().is_empty());
    drop(writer);
    assert!(world.entries().is_empty());
}

#[tokio::test]
async fn changed_staging_is_refused_and_leaves_nothing() {
    for change in ["cut", "flip", "swap"] {
        let world = world();
        let writer = world.begin().await;
        writer.append("s", "a", many_records()).await.unwrap();
        let file = world.files().remove(0);
        let mut bytes = fs::read(&file).unwrap();
        let frame = 64 * 1024 + 16;
        assert!(bytes.len() >= 2 * frame);
        match change {
            "cut" => bytes.truncate(frame),
            "flip" => bytes[frame + 5] ^= 0x80,
            _ => bytes[..2 * frame].rotate_left(frame),
        }
        // In place: the writer goes on behind what is there.
        if change == "cut" {
            fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(bytes.len() as u64).unwrap();
        } else {
            let mut handle = fs::OpenOptions::new().write(true).open(&file).unwrap();
            std::io::Write::write_all(&mut handle, &bytes).unwrap();
        }
        let error = writer.finish().await.unwrap_err();
        assert!(matches!(error, PackageError::Write { .. }), "{change}: {error:?}");
        assert!(format!("{error:?}").contains("cut or changed"), "{change}: {error:?}");
        assert!(world.entries().is_empty(), "{change}");
    }
}

#[tokio::test]
async fn debug_tells_nothing_of_the_content() {
    let world = world();
    let writer = world.begin().await;
    writer.append("s", "t", records([json!({"email": PLANTED})])).await.unwrap();
    let debug = format!("{writer:?} {:?}", world.sink);
    assert!(debug.contains("pri_1") && !debug.contains("planted") && !debug.contains("9, 9"), "{debug}");
}

#[tokio::test]
async fn a_finish_that_is_given_up_leaves_no_package() {
    let world = world();
    let writer = world.begin().await;
    writer.append("s", "events", records((0..20_000).map(|n| json!({"n": n})))).await.unwrap();
    {
        let mut finish = std::pin::pin!(writer.finish());
        // The first poll starts the work; then nobody asks again.
        let first =
            std::future::poll_fn(|context| std::task::Poll::Ready(finish.as_mut().poll(context).is_ready())).await;
        assert!(!first);
    }
    for _ in 0..500 {
        if world.entries().is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("left: {:?}", world.entries());
}

#[test]
fn a_finish_that_is_given_up_at_any_moment_leaves_nothing_or_the_package() {
    let (whole, entries) = finish_within(Duration::from_mins(5));
    assert_eq!(entries, ["pri_1.zip"]);
    let mut nothing = 0;
    for moment in 0..400 {
        // From its beginning to a third beyond its end.
        let (_, entries) = finish_within(whole * moment / 300);
        nothing += u32::from(entries.is_empty());
        assert!(entries.is_empty() || entries == ["pri_1.zip"], "at moment {moment}: {entries:?}");
    }
    assert!(nothing > 0, "it was never given up");
}

/// How long it went on, and what is there when its last thread has ended.
fn finish_within(patience: Duration) -> (Duration, Vec<String>) {
    let world = world();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let took = runtime.block_on(async {
        let writer = world.begin().await;
        writer.append("s", "events", records((0..50).map(|n| json!({"n": n})))).await.unwrap();
        let begun = Instant::now();
        drop(tokio::time::timeout(patience, writer.finish()).await);
        begun.elapsed()
    });
    drop(runtime);
    (took, world.entries())
}

#[tokio::test]
async fn what_a_killed_process_left_goes_with_the_next_package() {
    let world = world();
    let dead = world.folder().join(".segment-privacy-staging-dead");
    fs::create_dir_all(&dead).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    fs::write(dead.join("pri_0.zip#1"), PLANTED).unwrap();
    let (one, other) = (world.begin().await, world.begin().await);
    assert!(!dead.exists());
    one.append("s", "t", records([json!({})])).await.unwrap();
    other.append("s", "t", records([json!({})])).await.unwrap();
    one.finish().await.unwrap();
    other.finish().await.unwrap();
    assert_eq!(world.entries(), ["pri_1.zip"]);
}
