//! A folder on this machine, written through `object_store` so that other stores fit beside it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{MultipartUpload, ObjectStoreExt};
use segment_core::ports::PackageError;

use super::{file_name, refuse_url};
use crate::failure::{FOLDER, PACKAGE, blocking, write_error};
use crate::staging::{PrivateDir, create_folder};

/// The folder, as configured and as found on disk.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    label: String,
    base: PathBuf,
}

impl Folder {
    pub(crate) fn new(destination: &str, base: &Path) -> Result<Self, PackageError> {
        refuse_url(destination)?;
        let label = if destination.len() > 1 { destination.trim_end_matches('/') } else { destination };
        if label.is_empty() {
            return Err(PackageError::Destination("the folder for packages has no name".to_owned()));
        }
        Ok(Self { label: label.to_owned(), base: base.to_owned() })
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.base.join(&self.label)
    }

    /// What a receipt says about a file in it.
    pub(crate) fn location_of(&self, name: &str) -> String {
        format!("{}/{name}", if self.label == "/" { "" } else { &self.label })
    }

    /// Deletes a package by the location in its receipt, which may name another folder than this one: the destination can
    /// have changed since. Not there is as good as deleted.
    pub(crate) async fn remove(&self, location: &str) -> Result<(), PackageError> {
        refuse_url(location)?;
        file_name(location)?;
        let path = self.base.join(location);
        blocking(PACKAGE, move || remove_durably(&path).map_err(|e| write_error(PACKAGE, e))).await
    }

    /// Begins an upload that is not in the folder until [`FolderUpload::publish`].
    pub(crate) async fn upload(&self, name: String) -> Result<FolderUpload, PackageError> {
        let folder = self.path();
        let (dir, store) = blocking(PACKAGE, move || open(&folder)).await?;
        let hidden = dir.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let staged = StorePath::from_iter([hidden, name.as_str()]);
        let upload = store.put_multipart(&staged).await.map_err(|e| write_error(PACKAGE, e))?;
        Ok(FolderUpload { upload, _dir: dir, store, staged, target: StorePath::from(name) })
    }
}

/// Makes a folder if need be, and writes and deletes a file in it.
pub(crate) async fn check_folder(folder: PathBuf) -> Result<(), PackageError> {
    blocking(FOLDER, move || probe(&folder).map_err(|e| write_error(FOLDER, e))).await
}

fn probe(folder: &Path) -> io::Result<()> {
    create_folder(folder)?;
    let mut probe = tempfile::Builder::new().prefix(".probe-").tempfile_in(folder)?;
    probe.write_all(b"probe")?;
    probe.flush()?;
    probe.close()
}

fn remove_durably(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => sync_folder_of(path),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        Err(e) => Err(e),
    }
}

/// A deletion that a power cut undoes would keep a person's data beyond its time.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn open(folder: &Path) -> Result<(PrivateDir, LocalFileSystem), PackageError> {
    let dir = create_folder(folder).and_then(|()| PrivateDir::create(folder)).map_err(|e| write_error(FOLDER, e))?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(|e| write_error(FOLDER, e))?.with_fsync(true);
    Ok((dir, store))
}

/// A package on its way. It grows in a private folder beside its place, so that no other user reads it and nobody takes
/// a part for the whole; dropping it leaves nothing.
pub(crate) struct FolderUpload {
    pub(crate) upload: Box<dyn MultipartUpload>,
    // Held until the end, and after `upload`, which deletes its file first.
    _dir: PrivateDir,
    store: LocalFileSystem,
    staged: StorePath,
    target: StorePath,
}

impl FolderUpload {
    /// Ends the upload and moves the file to its place in one step, replacing one of an earlier attempt.
    pub(crate) async fn publish(mut self) -> Result<(), PackageError> {
        self.upload.complete().await.map_err(|e| write_error(PACKAGE, e))?;
        let path = self.store.path_to_filesystem(&self.staged).map_err(|e| write_error(PACKAGE, e))?;
        blocking(PACKAGE, move || make_private(&path).map_err(|e| write_error(PACKAGE, e))).await?;
        self.store.rename(&self.staged, &self.target).await.map_err(|e| write_error(PACKAGE, e))?;
        Ok(())
    }

    /// Gives up; what was written goes.
    pub(crate) async fn abort(mut self) {
        // Dropping the folder removes what this may leave.
        self.upload.abort().await.ok();
    }
}

/// Mode 0600, durably.
fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    std::fs::File::open(path)?.sync_all()
}
