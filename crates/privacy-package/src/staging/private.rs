//! Private folders and files that do not outlive their process.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{NamedTempFile, TempDir};

/// Of folders, and of files: they may stand in anybody's folder, and a name that others have would have theirs removed.
const PREFIX: &str = ".segment-privacy-staging-";
const FILE_PREFIX: &str = ".segment-privacy-package-";
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
        Err(swept())
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

/// A hidden file for the owner alone, removed on drop unless it was placed. It is its own lock.
#[derive(Debug)]
pub(crate) struct PrivateFile(NamedTempFile);

impl PrivateFile {
    /// Makes one in `root`, and removes those of killed processes there.
    pub(crate) fn create(root: &Path) -> io::Result<Self> {
        sweep(root)?;
        for _ in 0..ATTEMPTS {
            let file = tempfile::Builder::new().prefix(FILE_PREFIX).tempfile_in(root)?;
            let lock = file.as_file().try_lock();
            // Somebody may have swept it before it was locked.
            if !matches!(lock, Err(TryLockError::WouldBlock)) && file.path().exists() {
                return Ok(Self(file));
            }
        }
        Err(swept())
    }

    pub(crate) fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Moves it to `target` in one step, replacing what is there.
    pub(crate) fn place(self, target: &Path) -> io::Result<()> {
        self.0.persist(target).map(drop).map_err(|error| error.error)
    }
}

fn swept() -> io::Error {
    io::Error::other("others keep removing what was begun in the staging folder")
}

/// Removes the files and folders whose lock is free. A folder without a lock is empty, or is being made.
pub(super) fn sweep(root: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        let (name, path, Ok(kind)) = (entry.file_name(), entry.path(), entry.file_type()) else { continue };
        let name = name.to_string_lossy();
        let is_folder = kind.is_dir() && name.starts_with(PREFIX);
        let is_file = kind.is_file() && name.starts_with(FILE_PREFIX);
        if !(is_folder || is_file) {
            continue;
        }
        let lock = if is_folder { path.join(LOCK) } else { path.clone() };
        // What is no file may wait for ever to be opened.
        if !lock.symlink_metadata().is_ok_and(|it| it.is_file()) {
            continue;
        }
        let Ok(lock) = OpenOptions::new().write(true).open(lock) else { continue };
        if lock.try_lock().is_ok() {
            // Whoever sweeps at the same time may have been faster.
            if is_folder { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.ok();
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
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_others_are_at_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(".segment-privacy-staging-dead");
        let fresh = root.path().join(".segment-privacy-staging-fresh");
        for folder in [&dead, &fresh, &root.path().join("other")] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(dead.join(LOCK), "").unwrap();
        std::fs::write(dead.join("0000.sealed"), "half a collection").unwrap();
        std::fs::write(root.path().join(".segment-privacy-package-half"), "half a package").unwrap();
        // Other people's: a folder that looks like ours but for its name, and files and folders with the name of the other kind.
        let theirs = root.path().join(".staging-theirs");
        for folder in [&theirs, &root.path().join(".segment-privacy-package-folder")] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(LOCK), "").unwrap();
        }
        std::fs::write(root.path().join(".segment-privacy-staging-notes"), "notes").unwrap();
        std::fs::write(root.path().join("package.zip"), "a package").unwrap();
        let first = PrivateDir::create(root.path()).unwrap();
        assert!(!dead.exists() && fresh.exists() && root.path().join("other").exists());
        let is_there = |name: &str| root.path().join(name).exists();
        assert!(!is_there(".segment-privacy-package-half"));
        assert!(is_there("package.zip") && theirs.join(LOCK).exists());
        assert!(is_there(".segment-privacy-package-folder") && is_there(".segment-privacy-staging-notes"));
        let second = PrivateDir::create(root.path()).unwrap();
        assert!(first.path().exists() && second.path().exists());
        let path = first.path().to_owned();
        drop(first);
        assert!(!path.exists() && second.path().exists());
    }

    #[test]
    fn a_file_is_hidden_until_it_is_placed() {
        let root = tempfile::tempdir().unwrap();
        let names = || -> Vec<_> {
            root.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let mut one = PrivateFile::create(root.path()).unwrap();
        one.file().write_all(b"whole").unwrap();
        let other = PrivateFile::create(root.path()).unwrap();
        assert!(names().len() == 2 && names().iter().all(|name| name.starts_with(FILE_PREFIX)), "{:?}", names());
        let target = root.path().join("placed");
        std::fs::write(&target, "of before").unwrap();
        one.place(&target).unwrap();
        drop(other);
        assert_eq!(names(), ["placed"]);
        assert_eq!(std::fs::read(target).unwrap(), b"whole");
    }
}
