use std::fs::{self, File};
use std::io::{BufRead, Read};

use segment_core::{Pii, StagingKey};
use serde_json::json;

use super::*;

fn area(root: &std::path::Path) -> Arc<StagingArea> {
    Arc::new(StagingArea::create(root, StagingKey::new([3; 32]), [4; 16]).unwrap())
}

fn records(count: usize) -> Records {
    (0..count).map(|n| Pii::new(json!({"n": n, "text": "line\nbreak", "who": "ann@example.com"}))).collect()
}

#[test]
fn records_are_lines_and_are_counted() {
    let root = tempfile::tempdir().unwrap();
    let mut collection = StagedCollection::new(area(root.path()), 0, Shape::Table);
    collection.append(&records(2)).unwrap();
    collection.append(&records(0)).unwrap();
    collection.append(&records(3)).unwrap();
    let sealed = collection.seal().unwrap();
    let lines: Vec<_> = sealed.read().unwrap().lines().map(Result::unwrap).collect();
    assert_eq!((sealed.records, lines.len()), (5, 5));
    assert_eq!(sealed.bytes, lines.iter().map(|line| line.len() as u64 + 1).sum::<u64>());
}

#[test]
fn a_file_is_made_for_what_outgrows_memory() {
    let root = tempfile::tempdir().unwrap();
    let area = area(root.path());
    let mut collection = StagedCollection::new(Arc::clone(&area), 0, Shape::Table);
    let (mut appended, mut files) = (0, Vec::new());
    while appended < 10_000 {
        collection.append(&records(500)).unwrap();
        appended += 500;
        files.push(root.path().read_dir().unwrap().count());
    }
    assert!(files[0] == 0 && files.last() == Some(&1) && files.is_sorted(), "{files:?}");
    let sealed = collection.seal().unwrap();
    // As often as needed, and the same as what never left memory.
    for _ in 0..2 {
        let lines: Vec<_> = sealed.read().unwrap().lines().map(Result::unwrap).collect();
        assert_eq!(lines.len(), appended);
        assert!(lines.chunks(500).all(|page| page == &lines[..500]));
    }
    drop((sealed, collection, area));
    assert_eq!(root.path().read_dir().unwrap().count(), 0);
}

#[test]
fn many_collections_share_the_room_in_memory() {
    let root = tempfile::tempdir().unwrap();
    let area = area(root.path());
    let all: Vec<_> = (0..40)
        .map(|number| {
            let mut collection = StagedCollection::new(Arc::clone(&area), number, Shape::Table);
            collection.append(&records(3_000)).unwrap();
            collection.seal().unwrap()
        })
        .collect();
    let folder = root.path().read_dir().unwrap().next().unwrap().unwrap().path();
    // The lock is among them.
    let files = folder.read_dir().unwrap().count();
    assert!((2..40).contains(&files), "{files}");
    assert!(all.iter().all(|one| one.read().unwrap().lines().count() == 3_000));
}

#[test]
fn a_changed_staging_file_is_refused_and_so_is_anothers() {
    let root = tempfile::tempdir().unwrap();
    let area = area(root.path());
    let mut first = StagedCollection::new(Arc::clone(&area), 0, Shape::Table);
    let mut second = StagedCollection::new(Arc::clone(&area), 1, Shape::Table);
    first.append(&records(5_000)).unwrap();
    second.append(&records(5_000)).unwrap();
    let (first, _second) = (first.seal().unwrap(), second.seal().unwrap());
    let read = || first.read().and_then(|mut file| file.read_to_end(&mut Vec::new()));
    assert!(read().is_ok());
    let mut bytes = fs::read(area.path_of(0).unwrap()).unwrap();
    bytes[70_000] ^= 1;
    fs::write(area.path_of(0).unwrap(), &bytes).unwrap();
    assert_eq!(read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    fs::copy(area.path_of(1).unwrap(), area.path_of(0).unwrap()).unwrap();
    assert_eq!(read().unwrap_err().kind(), io::ErrorKind::InvalidData);
}

#[test]
fn keys_differ_by_file_by_package_and_by_request() {
    let root = tempfile::tempdir().unwrap();
    let of = |key, package, file| {
        StagingArea::create(root.path(), StagingKey::new([key; 32]), [package; 16]).unwrap().key_of(file).unwrap()
    };
    assert_eq!(*of(1, 1, 1), *of(1, 1, 1));
    assert_ne!(*of(1, 1, 1), *of(1, 1, 2));
    assert_ne!(*of(1, 1, 1), *of(1, 2, 1));
    assert_ne!(*of(1, 1, 1), *of(2, 1, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_without_values_and_loses_the_collection() {
    let root = tempfile::tempdir().unwrap();
    let mut collection = StagedCollection::new(area(root.path()), 0, Shape::Table);
    collection.write_to(File::options().write(true).open("/dev/full").unwrap());
    let error = collection.append(&records(5_000)).unwrap_err();
    assert!(matches!(error, PackageError::Write { what: "the staging file", .. }), "{error:?}");
    assert!(!format!("{error:?} {error}").contains("ann@"));
    assert!(format!("{error:?}").contains("StorageFull"), "{error:?}");
    assert!(collection.append(&records(1)).is_err() && collection.seal().is_err());
}
