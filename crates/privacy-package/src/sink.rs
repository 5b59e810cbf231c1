//! [`ZipSink`], the port's implementation.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use segment_core::ports::{PackageError, PackageSink, PackageWriter, Random};
use segment_core::{NewPackage, RequestId};

use crate::destination::{Folder, check_folder};
use crate::encryption::{check_recipient, file_name};
use crate::failure::{STAGING, blocking, write_error};
use crate::names;
use crate::staging::StagingArea;
use crate::writer::StagedWriter;

/// Writes packages as zip files into a folder.
#[derive(Debug, Clone)]
pub struct ZipSink {
    folder: Folder,
    staging_root: Option<PathBuf>,
    random: Arc<dyn Random>,
    with_report: bool,
}

impl ZipSink {
    /// A sink for the folder `destination`, relative to `base` (the configuration's folder). Nothing is made or touched
    /// until [`check`](PackageSink::check) or [`begin`](PackageSink::begin); then a missing folder is made with mode 0700.
    ///
    /// # Errors
    ///
    /// [`PackageError::Destination`] if it is a URL: object stores are not in this version.
    pub fn new(destination: &str, base: impl AsRef<Path>, random: Arc<dyn Random>) -> Result<Self, PackageError> {
        Ok(Self { folder: Folder::new(destination, base.as_ref())?, staging_root: None, random, with_report: true })
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
        let (root, key) =
            (self.staging_root.clone().unwrap_or_else(|| self.folder.path()), package.staging_key.clone());
        let area = blocking(STAGING, move || {
            StagingArea::create(&root, key, number).map_err(|e| write_error("the staging area", e))
        })
        .await?;
        Ok(Box::new(StagedWriter::new(area, package, self.folder.clone(), self.with_report)))
    }

    async fn check(&self) -> Result<String, PackageError> {
        check_folder(self.folder.path()).await?;
        if let Some(root) = &self.staging_root {
            check_folder(root.clone()).await?;
        }
        Ok(format!("folder {}", self.folder.label()))
    }

    fn locations(&self, request: &RequestId) -> Vec<String> {
        let names = [file_name(request, false), file_name(request, true)];
        names.map(|name| self.folder.location_of(&name)).into()
    }

    async fn remove(&self, location: &str) -> Result<(), PackageError> {
        self.folder.remove(location).await
    }
}
