//! The folder of staging files, once there are any, and the keys for them.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use segment_core::StagingKey;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::private::{PrivateDir, create_folder, sweep};
use super::seal::FileKey;

/// So much of a package stays in memory, however many collections it has: 4 MiB.
const ROOM: usize = 4 << 20;
const KEY_LABEL: &[u8] = b"segment-privacy staging file 1";

/// A private folder, made with its first file. Whoever works on a file in it holds the area, so that it is removed when the last
/// one is done.
///
/// What a killed process leaves in it stays closed until it is swept: the number that its keys derive from was only in
/// memory.
pub(crate) struct StagingArea {
    root: PathBuf,
    dir: Mutex<Option<PrivateDir>>,
    /// What is left of the room in memory.
    room: AtomicUsize,
    key: StagingKey,
    package: [u8; 16],
}

impl StagingArea {
    /// An area in `root`, which is made if need be, and where what killed processes left is removed. `package` is random and new
    /// for every package.
    pub(crate) fn create(root: &Path, key: StagingKey, package: [u8; 16]) -> io::Result<Self> {
        create_folder(root)?;
        sweep(root)?;
        Ok(Self { root: root.to_owned(), dir: Mutex::default(), room: AtomicUsize::new(ROOM), key, package })
    }

    pub(crate) fn path_of(&self, file: u32) -> io::Result<PathBuf> {
        let mut dir = self.dir.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = match &mut *dir {
            Some(dir) => dir,
            none => none.insert(PrivateDir::create(&self.root)?),
        };
        Ok(dir.path().join(format!("{file:04}.sealed")))
    }

    /// Takes room in memory, if there is so much.
    pub(crate) fn takes(&self, bytes: usize) -> bool {
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes)).is_ok()
    }

    pub(crate) fn gives_back(&self, bytes: usize) {
        self.room.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn create_file(&self, file: u32) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.path_of(file)?)
    }

    /// HMAC-SHA256 of the label, the package's number and the file's number, under the package's staging key.
    pub(crate) fn key_of(&self, file: u32) -> io::Result<FileKey> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.expose()).map_err(|_| io::Error::other("not a staging key"))?;
        mac.update(KEY_LABEL);
        mac.update(&self.package);
        mac.update(&file.to_be_bytes());
        Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
    }
}
