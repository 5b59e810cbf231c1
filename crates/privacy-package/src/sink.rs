//! [`ZipSink`], the port's implementation.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use segment_core::ports::{PackageError, PackageSink, PackageWriter, Random};
use segment_core::{NewPackage, RequestId};

use crate::destination::{Destination, PackageStream, StoreOptions, check_folder};
use crate::encryption::{check_recipient, file_name};
use crate::failure::{STAGING, blocking, write_error};
use crate::names;
use crate::staging::StagingArea;
use crate::writer::StagedWriter;

/// Writes packages as zip files to a folder or a bucket.
#[derive(Debug, Clone)]
pub struct ZipSink {
    destination: Destination,
    base: PathBuf,
    staging_root: Option<PathBuf>,
    random: Arc<dyn Random>,
    with_report: bool,
}

impl ZipSink {
    /// A sink for the folder `destination`, relative to `base` (the configuration's folder), or for a bucket: `s3://…`,
    /// `gs://…` or `az://…`, which needs a [staging root](Self::with_staging_root). Nothing is made or touched until
    /// [`check`](PackageSink::check) or [`begin`](PackageSink::begin); then a missing folder is made with mode 0700.
    ///
    /// # Errors
    ///
    /// [`PackageError::Destination`] if it is another URL, or the options do not fit.
    pub fn new(
        destination: &str,
        base: impl AsRef<Path>,
        options: &StoreOptions,
        random: Arc<dyn Random>,
    ) -> Result<Self, PackageError> {
        let base = base.as_ref().to_owned();
        let destination = Destination::new(destination, &base, options)?;
        Ok(Self { destination, base, staging_root: None, random, with_report: true })
    }

    /// An address from which a package can be had for a while, by whoever knows it. Only object stores sign such.
    ///
    /// # Errors
    ///
    /// Packages go to a folder, the package is elsewhere, or there are no credentials to sign with.
    pub async fn link(&self, location: &str, valid: Duration) -> Result<String, PackageError> {
        self.destination.link(location, valid).await
    }

    /// The package at a location that a receipt names: its length and its content. `None` if it is not there.
    ///
    /// # Errors
    ///
    /// The location names no package, the package is elsewhere, or it cannot be read.
    pub async fn read(&self, location: &str) -> Result<Option<(u64, PackageStream)>, PackageError> {
        self.destination.read(location, &self.base).await
    }

    fn staging_root(&self) -> Result<PathBuf, PackageError> {
        let root = self.staging_root.clone().or_else(|| self.destination.folder());
        root.ok_or_else(|| {
            PackageError::Destination("packages of a bucket need a folder on this machine for staging files".to_owned())
        })
    }

    /// Keeps the encrypted staging files in `root` instead of the destination; it needs room for a package, uncompressed.
    #[must_use]
    pub fn with_staging_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.staging_root = Some(root.into());
        self
    }

    /// Whether packages hold the report that a person reads, beside the files for programs; they do unless this says no.
    #[must_use]
    pub fn with_report(mut self, with_report: bool) -> Self {
        self.with_report = with_report;
        self
    }
}

#[async_trait]
impl PackageSink for ZipSink {
    async fn begin(&self, package: NewPackage) -> Result<Box<dyn PackageWriter>, PackageError> {
        names::check("a package for a request with such an id", package.request.as_str())?;
        package.recipient.as_ref().map_or(Ok(()), check_recipient)?;
        let mut number = [0; 16];
        self.random.fill(&mut number);
        let (root, key) = (self.staging_root()?, package.staging_key.clone());
        let area = blocking(STAGING, move || {
            StagingArea::create(&root, key, number).map_err(|e| write_error("the staging area", e))
        })
        .await?;
        Ok(Box::new(StagedWriter::new(area, package, self.destination.clone(), self.with_report)))
    }

    async fn check(&self) -> Result<String, PackageError> {
        check_folder(self.staging_root()?).await?;
        let mut number = [0; 8];
        self.random.fill(&mut number);
        self.destination.check(&format!(".probe-{}", hex::encode(number))).await
    }

    fn locations(&self, request: &RequestId) -> Vec<String> {
        let names = [file_name(request, false), file_name(request, true)];
        names.map(|name| self.destination.location_of(&name)).into()
    }

    async fn remove(&self, location: &str) -> Result<(), PackageError> {
        self.destination.remove(location, &self.base).await
    }
}
