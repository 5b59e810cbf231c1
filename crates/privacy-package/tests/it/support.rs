//! A sink in a temporary folder, and a look into what it wrote.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use privacy_package::{StoreOptions, ZipSink};
use segment_core::ports::{PackageSink, PackageWriter, Random};
use segment_core::{
    Action, Identity, IdentityKind, IdentitySet, NewPackage, PackageReceipt, Pii, Records, RequestId, StagingKey,
};
use serde_json::{Value, json};
use tempfile::TempDir;

#[derive(Debug, Default)]
struct Counter(AtomicU8);

impl Random for Counter {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub(crate) struct World {
    pub(crate) base: TempDir,
    pub(crate) sink: ZipSink,
}

pub(crate) fn random() -> Arc<dyn Random> {
    Arc::new(Counter::default())
}

pub(crate) fn world() -> World {
    let base = tempfile::tempdir().unwrap();
    let sink = ZipSink::new("packages", base.path(), &StoreOptions::default(), random()).unwrap();
    World { base, sink }
}

pub(crate) fn package(request: &str) -> NewPackage {
    NewPackage {
        request: RequestId::new(request),
        action: Action::Access,
        identities: IdentitySet::new([Identity::new(IdentityKind::Email, "ann@example.com").unwrap()]).unwrap(),
        received_at: "2026-02-27T09:00:00Z".parse().unwrap(),
        created_at: "2026-02-28T13:37:42Z".parse().unwrap(),
        tables: std::collections::BTreeSet::new(),
        staging_key: StagingKey::new([9; 32]),
        recipient: None,
    }
}

pub(crate) fn records(values: impl IntoIterator<Item = Value>) -> Records {
    values.into_iter().map(Pii::new).collect()
}

/// More than is kept in memory of a collection, so that there is a staging file.
pub(crate) fn many_records() -> Records {
    records((0..50_000).map(|n| json!({"n": n})))
}

impl World {
    pub(crate) async fn begin(&self) -> Box<dyn PackageWriter> {
        self.sink.begin(package("pri_1")).await.unwrap()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.base.path().join("packages")
    }

    /// Every file below the folder, hidden ones too, but for locks.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        all_files(&self.folder())
    }

    /// Every entry of the folder.
    pub(crate) fn entries(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub(crate) fn open(&self, receipt: &PackageReceipt) -> Package {
        Package::open(&self.base.path().join(&receipt.location))
    }
}

/// Runs one collection through a package.
pub(crate) async fn one(source: &str, collection: &str, values: impl IntoIterator<Item = Value>) -> Package {
    let world = world();
    let writer = world.begin().await;
    writer.append(source, collection, records(values)).await.unwrap();
    world.open(&writer.finish().await.unwrap())
}

pub(crate) fn all_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { all_files(&path) } else { vec![path] })
        .filter(|path| !path.ends_with("lock"))
        .collect()
}

/// An opened zip.
pub(crate) struct Package(pub(crate) Vec<(String, Vec<u8>)>);

impl Package {
    pub(crate) fn open(path: &Path) -> Self {
        let mut zip = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
        let files = (0..zip.len()).map(|index| {
            let mut file = zip.by_index(index).unwrap();
            let mut content = Vec::new();
            file.read_to_end(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        });
        Self(files.collect())
    }

    pub(crate) fn paths(&self) -> Vec<&str> {
        self.0.iter().map(|(path, _)| path.as_str()).collect()
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        let (_, content) = self.0.iter().find(|(known, _)| known == path).unwrap_or_else(|| panic!("no {path}"));
        std::str::from_utf8(content).unwrap()
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_str(self.text(path)).unwrap()
    }

    pub(crate) fn rows(&self, path: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(self.text(path).as_bytes());
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }
}
