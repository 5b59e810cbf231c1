use std::io::{Cursor, Read};
use std::process::Command;
use std::sync::Arc;

use segment_core::{Identity, IdentityKind, Pii, StagingKey};
use serde_json::json;

use super::*;
use crate::layout::Shape;
use crate::staging::{StagedCollection, StagingArea};

fn sealed(root: &std::path::Path) -> Sealed {
    let area = StagingArea::create(root, StagingKey::new([1; 32]), [2; 16]).unwrap();
    let mut collection = StagedCollection::new(Arc::new(area), 0, Shape::Table);
    collection.append(&vec![Pii::new(json!({"a": 1}))]).unwrap();
    collection.seal().unwrap()
}

#[test]
fn an_entry_that_may_pass_four_gigabytes_is_readable_too() {
    let root = tempfile::tempdir().unwrap();
    let mut sealed = sealed(root.path());
    assert!(most_bytes(&sealed) < u64::from(u32::MAX));
    sealed.bytes = 1 << 40;
    let contents = Contents {
        request_id: "pri_1".into(),
        action: "access",
        identities: IdentitySet::new([Identity::new(IdentityKind::UserId, "u-1").unwrap()]).unwrap(),
        received_at: Timestamp::UNIX_EPOCH,
        created_at: Timestamp::UNIX_EPOCH,
        collections: vec![Gathered { source: "s".into(), collection: "t".into(), sealed }],
        limits: vec![],
    };
    let (bytes, _) = write(&contents, true, Vec::new()).unwrap();
    let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
    let mut text = String::new();
    zip.by_name("s/t.json").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "[\n  {\"a\":1}\n]\n");
    let path = root.path().join("x.zip");
    std::fs::write(&path, bytes).unwrap();
    for (tool, args) in [("python3", &["-m", "zipfile", "-t"][..]), ("unzip", &["-tq"])] {
        let Ok(tested) = Command::new(tool).args(args).arg(&path).output() else { continue };
        assert!(tested.status.success(), "{tool}: {}", String::from_utf8_lossy(&tested.stdout));
    }
}

#[test]
fn the_bound_on_a_files_length_holds_for_what_grows_most() {
    // Quotes double in CSV, and again where they stand in JSON in a cell.
    let root = tempfile::tempdir().unwrap();
    let area = StagingArea::create(root.path(), StagingKey::new([1; 32]), [2; 16]).unwrap();
    let mut collection = StagedCollection::new(Arc::new(area), 0, Shape::Table);
    let wide: serde_json::Map<_, _> = (0..300).map(|n| (n.to_string(), json!({"\"\"\"": "\"\"\"\""}))).collect();
    collection.append(&vec![Pii::new(wide.into()), Pii::new(json!({"\"\"": "=\"\"\"\"\""}))]).unwrap();
    let sealed = collection.seal().unwrap();
    for format in [Format::Csv, Format::Array, Format::Lines] {
        let mut out = Vec::new();
        content::write(&mut out, &sealed, format).unwrap();
        assert!(out.len() as u64 <= most_bytes(&sealed), "{format:?}");
    }
}
