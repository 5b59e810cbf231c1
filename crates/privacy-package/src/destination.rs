//! Where packages go: a folder of this machine, or a bucket of an object store.

mod bucket;
mod folder;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use bucket::StoreOptions;
pub(crate) use folder::check_folder;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use object_store::MultipartUpload;
use segment_core::ports::PackageError;

use self::{bucket::Bucket, folder::Folder};
use crate::names::is_safe;

/// The bytes of a package, in pieces.
pub type PackageStream = BoxStream<'static, std::io::Result<Bytes>>;

/// The place, as configured.
#[derive(Debug, Clone)]
pub(crate) enum Destination {
    Folder(Folder),
    Bucket(Bucket),
}

impl Destination {
    /// A folder is relative to `base`.
    pub(crate) fn new(text: &str, base: &Path, options: &StoreOptions) -> Result<Self, PackageError> {
        match Bucket::parse(text, options) {
            Some(bucket) => bucket.map(Self::Bucket),
            None => Folder::new(text, base).map(Self::Folder),
        }
    }

    /// The folder, where it is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(folder) => Some(folder.path()),
            Self::Bucket(_) => None,
        }
    }

    /// What a receipt says about a file in it.
    pub(crate) fn location_of(&self, name: &str) -> String {
        match self {
            Self::Folder(folder) => folder.location_of(name),
            Self::Bucket(bucket) => format!("{}/{name}", bucket.label()),
        }
    }

    /// Begins an upload of which nothing is to be seen until it is completed.
    pub(crate) async fn upload(&self, name: &str) -> Result<Box<dyn MultipartUpload>, PackageError> {
        match self {
            Self::Folder(folder) => folder.upload(name).await,
            Self::Bucket(bucket) => bucket.upload(name).await,
        }
    }

    /// Deletes a package by the location in its receipt; the destination may have changed since, from folder to folder.
    pub(crate) async fn remove(&self, location: &str, base: &Path) -> Result<(), PackageError> {
        match self {
            Self::Bucket(bucket) if location.contains("://") => bucket.remove(location).await,
            _ => folder::remove(location, base).await,
        }
    }

    /// Writes and deletes something named `probe`, and says where.
    pub(crate) async fn check(&self, probe: &str) -> Result<String, PackageError> {
        match self {
            Self::Folder(folder) => check_folder(folder.path()).await.map(|()| format!("folder {}", folder.label())),
            Self::Bucket(bucket) => bucket.check(probe).await.map(|()| format!("bucket {}", bucket.label())),
        }
    }

    /// Its length and its content; `None` if it is not there.
    pub(crate) async fn read(&self, location: &str, base: &Path) -> Result<Option<(u64, PackageStream)>, PackageError> {
        match self {
            Self::Bucket(bucket) if location.contains("://") => bucket.read(location).await,
            _ => folder::read(location, base).await,
        }
    }

    pub(crate) async fn link(&self, location: &str, valid: Duration) -> Result<String, PackageError> {
        match self {
            Self::Folder(_) => {
                Err(PackageError::Destination("only object stores sign links; packages go to a folder".to_owned()))
            }
            Self::Bucket(bucket) => bucket.link(location, valid).await,
        }
    }
}

/// Refuses what is not a folder. Of a URL only the scheme is repeated, since the rest may hold credentials.
pub(crate) fn refuse_url(destination: &str) -> Result<(), PackageError> {
    let Some((scheme, _)) = destination.split_once("://") else { return Ok(()) };
    let sentence = match scheme {
        "file" => "name the folder for packages by its path, without `file://`".to_owned(),
        "s3" | "gs" | "az" => format!("the package is in a bucket of `{scheme}://`, and packages go to a folder now"),
        _ if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            format!("packages cannot go to `{scheme}://`; name a folder, or `s3://`, `gs://` or `az://`")
        }
        _ => "packages cannot go to such a URL; name a folder, or `s3://`, `gs://` or `az://`".to_owned(),
    };
    Err(PackageError::Destination(sentence))
}

/// The name of the package's file at the end of a location; anything else is not ours to delete.
pub(crate) fn file_name(location: &str) -> Result<&str, PackageError> {
    let name = location.rsplit('/').next().unwrap_or_default();
    let zip = name.strip_suffix(".age").unwrap_or(name);
    if is_safe(name) && zip.strip_suffix(".zip").is_some_and(is_safe) {
        Ok(name)
    } else {
        Err(PackageError::Destination("the location does not name a package".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_refused_without_their_secrets() {
        for (url, expected) in
            [("s3://user:secret@b/p", "`s3://`"), ("ftp://secret@h", "`ftp://`"), ("se-cret://x", "URL")]
        {
            let sentence = refuse_url(url).unwrap_err().to_string();
            assert!(sentence.contains(expected) && !sentence.contains("secret"), "{sentence}");
        }
        assert!(refuse_url("packages").is_ok() && refuse_url("/srv/a:b").is_ok());
    }

    #[test]
    fn only_packages_are_named_by_a_location() {
        assert_eq!(file_name("packages/pri_1.zip").unwrap(), "pri_1.zip");
        assert_eq!(file_name("packages/pri_1.zip.age").unwrap(), "pri_1.zip.age");
        for location in
            ["", "packages", "packages/", "packages/.zip", "packages/x.pem", "packages/a b.zip", "packages/x.age"]
        {
            assert!(file_name(location).is_err(), "{location}");
        }
    }
}
