//! A folder on this machine, written through `object_store`'s trait so that other stores fit beside it.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use object_store::{MultipartUpload, PutPayload, PutResult, UploadPart};
use segment_core::ports::PackageError;
use tokio::task::spawn_blocking;
use tokio_util::io::ReaderStream;

use super::{PackageStream, file_name, refuse_url};
use crate::failure::{FOLDER, PACKAGE, blocking, write_error};
use crate::staging::{PrivateFile, create_folder};

/// How much of a package is read at once.
const PIECE: usize = 64 * 1024;

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

    /// Begins an upload that is not in the folder until it is completed.
    pub(crate) async fn upload(&self, name: &str) -> Result<Box<dyn MultipartUpload>, PackageError> {
        let (folder, target) = (self.path(), self.path().join(name));
        let placing = blocking(FOLDER, move || {
            create_folder(&folder).and_then(|()| Placing::begin(&folder, target)).map_err(|e| write_error(FOLDER, e))
        });
        Ok(Box::new(FolderUpload(Arc::new(Mutex::new(placing.await?)))))
    }
}

/// Deletes a package by the location in its receipt, which may name another folder than the configured one. Not there is as
/// good as deleted.
pub(crate) async fn remove(location: &str, base: &Path) -> Result<(), PackageError> {
    refuse_url(location)?;
    file_name(location)?;
    let path = base.join(location);
    blocking(PACKAGE, move || remove_durably(&path).map_err(|e| write_error(PACKAGE, e))).await
}

/// Its length and its content; `None` if it is not there.
pub(crate) async fn read(location: &str, base: &Path) -> Result<Option<(u64, PackageStream)>, PackageError> {
    refuse_url(location)?;
    file_name(location)?;
    let failed = |error| write_error(PACKAGE, error);
    let file = match tokio::fs::File::open(base.join(location)).await {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let bytes = file.metadata().await.map_err(failed)?.len();
    Ok(Some((bytes, ReaderStream::with_capacity(file, PIECE).boxed())))
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

/// A deletion that a power cut undoes would keep a person's data beyond its time, and a receipt needs its package.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
    {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// A package on its way. It grows in a private file beside its place, so that no other user reads it and nobody takes
/// a part for the whole; dropping it leaves nothing.
#[derive(Debug)]
struct Placing {
    /// Gone once it was placed.
    file: Option<PrivateFile>,
    target: PathBuf,
}

impl Placing {
    fn begin(folder: &Path, target: PathBuf) -> io::Result<Self> {
        Ok(Self { file: Some(PrivateFile::create(folder)?), target })
    }

    fn append(&mut self, part: &PutPayload) -> io::Result<()> {
        let file = self.file.as_mut().ok_or_else(placed)?.file();
        part.iter().try_for_each(|bytes| file.write_all(bytes))
    }

    /// Moves the file to its place in one step, replacing one of an earlier attempt, and durably.
    fn place(&mut self) -> io::Result<()> {
        let mut file = self.file.take().ok_or_else(placed)?;
        file.file().sync_all()?;
        file.place(&self.target)?;
        sync_folder_of(&self.target)
    }
}

fn placed() -> io::Error {
    io::Error::other("the package is in its place already")
}

/// Each step is done by a thread that holds what it works on: one that goes on when its caller gave up leaves nothing
/// behind. (A local upload of `object_store` makes its folder anew, and nobody would look for it there.)
#[derive(Debug)]
struct FolderUpload(Arc<Mutex<Placing>>);

impl FolderUpload {
    fn step(
        &self,
        work: impl FnOnce(&mut Placing) -> io::Result<()> + Send + 'static,
    ) -> impl Future<Output = object_store::Result<()>> + Send + 'static {
        let placing = Arc::clone(&self.0);
        let done = spawn_blocking(move || work(&mut placing.lock().unwrap_or_else(PoisonError::into_inner)));
        async {
            done.await
                .unwrap_or_else(|_| Err(io::Error::other("its thread stopped")))
                .map_err(|e| object_store::Error::Generic { store: "folder", source: e.into() })
        }
    }
}

#[async_trait]
impl MultipartUpload for FolderUpload {
    /// Parts stand in the order in which they are handed in, as long as each is awaited before the next.
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        Box::pin(self.step(move |placing| placing.append(&part)))
    }

    async fn complete(&mut self) -> object_store::Result<PutResult> {
        self.step(Placing::place).await?;
        Ok(PutResult { e_tag: None, version: None, extensions: object_store::Extensions::default() })
    }

    /// Dropping it is enough.
    async fn abort(&mut self) -> object_store::Result<()> {
        Ok(())
    }
}
