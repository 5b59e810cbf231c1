//! A package in the making.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use segment_core::ports::{PackageError, PackageWriter};
use segment_core::{NewPackage, PackageReceipt, Recipient, Records};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::archive::{self, Contents, Gathered};
use crate::destination::Destination;
use crate::encryption::{Wrapped, file_name};
use crate::failure::{PACKAGE, STAGING, blocking, write_error};
use crate::layout::Shape;
use crate::manifest::ManifestFile;
use crate::names;
use crate::staging::{StagedCollection, StagingArea};
use crate::upload::{PartWriter, Sent, transfer};

type Shared = Arc<Mutex<StagedCollection>>;

/// Gathers collections in the staging area and packs them at the end. Dropping it removes the area, as soon as no thread
/// writes there any more.
pub(crate) struct StagedWriter {
    area: Arc<StagingArea>,
    package: NewPackage,
    destination: Destination,
    with_report: bool,
    collections: Mutex<BTreeMap<(String, String), Shared>>,
    limits: Mutex<Vec<String>>,
}

impl StagedWriter {
    pub(crate) fn new(area: StagingArea, package: NewPackage, destination: Destination, with_report: bool) -> Self {
        Self {
            area: Arc::new(area),
            package,
            destination,
            with_report,
            collections: Mutex::default(),
            limits: Mutex::default(),
        }
    }

    /// The collection, for this call alone; it begins here if it is new. Waiting calls come in their order.
    async fn collection(&self, source: &str, name: &str) -> Result<OwnedMutexGuard<StagedCollection>, PackageError> {
        names::check("a source with such a name", source)?;
        names::check("a collection with such a name", name)?;
        let mut collections = self.collections.lock().await;
        let number = u32::try_from(collections.len()).unwrap_or(u32::MAX);
        let collection = collections.entry((source.to_owned(), name.to_owned())).or_insert_with(|| {
            let shape = Shape::of(self.package.tables.contains(source), name);
            Arc::new(Mutex::new(StagedCollection::new(Arc::clone(&self.area), number, shape)))
        });
        let collection = Arc::clone(collection);
        drop(collections);
        Ok(collection.lock_owned().await)
    }

    async fn contents(self) -> Result<(Contents, Destination), PackageError> {
        let mut open = Vec::new();
        for ((source, collection), staged) in self.collections.into_inner() {
            open.push((source, collection, staged.lock_owned().await));
        }
        let collections = blocking(STAGING, move || open.into_iter().map(seal).collect()).await?;
        let contents = Contents {
            request_id: self.package.request.as_str().to_owned(),
            action: self.package.action.as_str(),
            identities: self.package.identities,
            received_at: self.package.received_at,
            created_at: self.package.created_at,
            collections,
            limits: self.limits.into_inner(),
        };
        Ok((contents, self.destination))
    }
}

type Open = (String, String, OwnedMutexGuard<StagedCollection>);

fn seal((source, collection, mut staged): Open) -> Result<Gathered, PackageError> {
    Ok(Gathered { source, collection, sealed: staged.seal()? })
}

fn pack(
    contents: &Contents,
    with_report: bool,
    recipient: Option<&Recipient>,
    parts: PartWriter,
) -> Result<(Sent, Vec<ManifestFile>), PackageError> {
    let (wrapped, files) = archive::write(contents, with_report, Wrapped::new(parts, recipient)?)?;
    let parts = wrapped.finish().map_err(|e| write_error(PACKAGE, e))?;
    let sent = parts.finish().map_err(|e| write_error(PACKAGE, e))?;
    Ok((sent, files))
}

#[async_trait]
impl PackageWriter for StagedWriter {
    async fn append(&self, source: &str, collection: &str, records: Records) -> Result<(), PackageError> {
        let mut staged = self.collection(source, collection).await?;
        // The thread owns the collection until it is done, so that a caller who gives up does not tear a record.
        blocking(STAGING, move || staged.append(&records)).await
    }

    async fn incomplete(&self, source: &str, collection: &str, reason: &str) -> Result<(), PackageError> {
        self.collection(source, collection).await?.note_gap(reason);
        Ok(())
    }

    async fn limit(&self, sentence: &str) -> Result<(), PackageError> {
        let mut limits = self.limits.lock().await;
        if !limits.iter().any(|known| known == sentence) {
            limits.push(sentence.to_owned());
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<PackageReceipt, PackageError> {
        let (with_report, recipient) = (self.with_report, self.package.recipient.clone());
        let name = file_name(&self.package.request, recipient.is_some());
        let (contents, destination) = (*self).contents().await?;
        let location = destination.location_of(&name);
        let mut upload = destination.upload(&name).await?;
        let packed = transfer(&mut *upload, move |parts| pack(&contents, with_report, recipient.as_ref(), parts)).await;
        let (sent, files) = match packed {
            Ok(packed) => packed,
            Err(e) => {
                upload.abort().await.ok();
                return Err(e);
            }
        };
        if let Err(e) = upload.complete().await {
            upload.abort().await.ok();
            return Err(write_error(PACKAGE, e));
        }
        // The report shows again what stands in the others, on as many pages as it takes.
        let data = files.into_iter().filter(|file| !file.is_report);
        let files = data.map(Into::into).collect();
        Ok(PackageReceipt { location, bytes: sent.bytes, sha256: sent.sha256, files })
    }
}

impl fmt::Debug for StagedWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedWriter").field("request", &self.package.request).finish_non_exhaustive()
    }
}
