//! A disk that is full or read-only, where one can be mounted (as root on Linux; `records::tests` covers the rest).

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use privacy_store::{MasterKey, OpenError, RecordStore};
use segment_core::{
    Intake, RequestFilter,
    ports::{RequestStore, StoreError},
};
use tempfile::TempDir;

use super::{KEY, Place, erasure, record};

/// A file system of half a megabyte.
struct TinyDisk(TempDir);

fn run(command: &str, arguments: &[&str], path: &Path) -> bool {
    Command::new(command).args(arguments).arg(path).output().is_ok_and(|output| output.status.success())
}

impl TinyDisk {
    #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if run("mount", &["-t", "tmpfs", "-o", "size=512k", "tmpfs"], folder.path()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: a file system cannot be mounted here, so nothing was tested on a tiny disk");
        None
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("records.db")
    }

    async fn open(&self) -> Result<RecordStore, OpenError> {
        let key = MasterKey::from_base64(KEY).unwrap();
        RecordStore::open(&self.path(), key, Place::new().random).await
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        run("umount", &["--lazy"], self.0.path());
    }
}

#[tokio::test]
async fn a_full_disk_writes_nothing_of_a_step_and_is_got_over() {
    let Some(disk) = TinyDisk::mount() else { return };
    let store = disk.open().await.unwrap();
    record(&store, 1).await;
    let filler = disk.0.path().join("filler");
    // It writes until nothing fits any more.
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    let many: Vec<_> = (1..60).map(erasure).collect();
    let error = store.intake(&many).await.unwrap_err();
    assert!(matches!(error, StoreError::NotWritable(_)), "{error:?}");
    assert_eq!(store.requests(&RequestFilter::default()).await.unwrap().len(), 1, "reading goes on");
    fs::remove_file(&filler).unwrap();
    let answers = store.intake(&many).await.unwrap();
    assert!(answers.len() == 59 && answers.iter().all(|answer| *answer == Intake::Created));
    store.close().await;
}

#[tokio::test]
async fn a_read_only_disk_is_refused() {
    let Some(disk) = TinyDisk::mount() else { return };
    disk.open().await.unwrap().close().await;
    assert!(run("mount", &["-o", "remount,ro"], disk.0.path()));
    let error = disk.open().await.unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_holds_no_new_database() {
    let Some(disk) = TinyDisk::mount() else { return };
    let filler = disk.0.path().join("filler");
    fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    let error = disk.open().await.unwrap_err();
    assert!(matches!(error, OpenError::NotNow { .. }), "{error:?}");
    fs::remove_file(&filler).unwrap();
    record(&disk.open().await.unwrap(), 3).await;
}
