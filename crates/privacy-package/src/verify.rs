//! Checking a package against its manifest.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zip::ZipArchive;

/// A manifest that is larger is none of ours.
const MOST_MANIFEST: u64 = 256 * 1024 * 1024;

/// What a package that is as it was written holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPackage {
    /// The request.
    pub request_id: String,
    /// Files, the manifest not counted.
    pub files: u64,
    /// Their bytes, uncompressed.
    pub bytes: u64,
    /// Files that were incomplete when the package was made, and why.
    pub incomplete: BTreeMap<String, String>,
    /// What is not in it.
    pub limits: Vec<String>,
}

/// Why a file is no package, or not the one that was written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackageFault {
    /// Encrypted for its recipient.
    #[error("the package is encrypted: decrypt it first, for example with `age --decrypt`")]
    Encrypted,
    /// No zip, or a damaged one.
    #[error("the file is no whole zip: {0}")]
    NotAZip(String),
    /// A zip of something else.
    #[error("the zip has no manifest.json that this program reads: {0}")]
    NoManifest(String),
    /// Of the manifest, and not in the zip.
    #[error("{0} is in the manifest, and not in the package")]
    Missing(String),
    /// In the zip, and not in the manifest.
    #[error("{0} is in the package, and not in the manifest")]
    Unknown(String),
    /// More or fewer bytes than the manifest says.
    #[error("{path} has {found} bytes, and the manifest says {expected}")]
    Size {
        /// the file
        path: String,
        /// bytes of the manifest
        expected: u64,
        /// bytes of the file
        found: u64,
    },
    /// Other bytes than the manifest says.
    #[error("{0} was changed: its checksum is another one")]
    Changed(String),
    /// A file of the zip cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// the file
        path: String,
        /// why
        #[source]
        source: io::Error,
    },
}

#[derive(Deserialize)]
struct Manifest {
    request_id: String,
    files: Vec<ManifestFile>,
    limits: Vec<String>,
}

#[derive(Deserialize)]
struct ManifestFile {
    path: String,
    bytes: u64,
    sha256: String,
    complete: bool,
    reason: Option<String>,
}

/// Checks every file of a package against its own manifest, which whoever makes a package makes, too: there, as long as the manifest says, with the same checksum, and nothing beside them.
/// Blocking; the memory does not grow with the package.
///
/// # Errors
///
/// The first fault that is found.
pub fn verify_package(mut package: impl Read + Seek) -> Result<CheckedPackage, PackageFault> {
    let not_a_zip = |error: io::Error| PackageFault::NotAZip(error.to_string());
    let mut start = Vec::new();
    package.by_ref().take(32).read_to_end(&mut start).map_err(not_a_zip)?;
    if start.starts_with(b"age-encryption.org/") {
        return Err(PackageFault::Encrypted);
    }
    let mut zip = ZipArchive::new(package).map_err(|error| PackageFault::NotAZip(error.to_string()))?;
    if zip.has_duplicate_names() {
        return Err(PackageFault::NotAZip("two of its entries have the same name".to_owned()));
    }
    let manifest = manifest(&mut zip)?;
    let known: BTreeMap<_, _> = manifest.files.iter().map(|file| (file.path.as_str(), file)).collect();
    let names = zip.file_names().map(|name| name.map(std::borrow::Cow::into_owned));
    let names: Vec<_> = names.collect::<Result<_, _>>().map_err(|error| PackageFault::NotAZip(error.to_string()))?;
    if let Some(unknown) = names.iter().find(|name| *name != "manifest.json" && !known.contains_key(name.as_str())) {
        return Err(PackageFault::Unknown(unknown.clone()));
    }
    for file in &manifest.files {
        check(&mut zip, file)?;
    }
    let incomplete = manifest.files.iter().filter(|file| !file.complete);
    Ok(CheckedPackage {
        files: manifest.files.len() as u64,
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        incomplete: incomplete.map(|file| (file.path.clone(), file.reason.clone().unwrap_or_default())).collect(),
        request_id: manifest.request_id,
        limits: manifest.limits,
    })
}

fn manifest(zip: &mut ZipArchive<impl Read + Seek>) -> Result<Manifest, PackageFault> {
    let file = zip.by_name("manifest.json").map_err(|error| PackageFault::NoManifest(error.to_string()))?;
    let mut text = Vec::new();
    file.take(MOST_MANIFEST).read_to_end(&mut text).map_err(|error| PackageFault::NoManifest(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| PackageFault::NoManifest(error.to_string()))
}

fn check(zip: &mut ZipArchive<impl Read + Seek>, file: &ManifestFile) -> Result<(), PackageFault> {
    let Ok(mut content) = zip.by_name(&file.path) else { return Err(PackageFault::Missing(file.path.clone())) };
    let (mut hash, mut found, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = content.read(&mut buffer);
        let read = read.map_err(|source| PackageFault::Unreadable { path: file.path.clone(), source })?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
        found += read as u64;
        if found > file.bytes {
            break;
        }
    }
    if found != file.bytes {
        return Err(PackageFault::Size { path: file.path.clone(), expected: file.bytes, found });
    }
    let same = hex::encode(hash.finalize()) == file.sha256;
    if same { Ok(()) } else { Err(PackageFault::Changed(file.path.clone())) }
}
