//! Private folders that do not outlive their process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = ".staging-";
const LOCK: &str = "lock";
const ATTEMPTS: usize = 5;

/// A hidden folder for the owner alone, removed on drop.
///
/// It holds a locked file. A process that was killed loses its locks, so that the next one tells what it left from what
/// others are still at, and removes it.
#[derive(Debug)]
pub(crate) struct PrivateDir {
    dir: TempDir,
    /// Released after `dir` is gone.
    _lock: File,
}

impl PrivateDir {
    /// Makes one in `root`, and removes those of killed processes there.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        sweep(root)?;
        for _ in 0..ATTEMPTS {
            if let Some(made) = Self::try_create(root)? {
                return Ok(made);
            }
        }
        Err(io::Error::other("others keep removing the staging folder"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// `None` if somebody swept it before it was locked.
    fn try_create(root: &Path) -> io::Result<Option<Self>> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let dir = builder.tempdir_in(root)?;
        let path = dir.path().join(LOCK);
        let lock = match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(lock) => lock,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(None),
            // A file system without locks has no sweeping either.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(path.exists().then_some(Self { dir, _lock: lock })),
        }
    }
}

/// Removes the folders whose lock is free. One without a lock is empty, or is being made.
fn sweep(root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(lock) = OpenOptions::new().write(true).open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            // Whoever sweeps at the same time may have been faster.
            std::fs::remove_dir_all(entry.path()).ok();
        }
    }
    Ok(())
}

/// Makes `folder` and what is above it, for the owner alone, unless it is there.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_others_are_at_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(".staging-dead");
        let fresh = root.path().join(".staging-fresh");
        for folder in [&dead, &fresh, &root.path().join("other")] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(dead.join(LOCK), "").unwrap();
        std::fs::write(dead.join("pri_1.zip#1"), "half a package").unwrap();
        let first = PrivateDir::create(root.path()).unwrap();
        assert!(!dead.exists() && fresh.exists() && root.path().join("other").exists());
        let second = PrivateDir::create(root.path()).unwrap();
        assert!(first.path().exists() && second.path().exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }
}
