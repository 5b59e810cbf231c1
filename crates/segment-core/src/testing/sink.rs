//! A sink that keeps packages in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    FileReceipt, NewPackage, PackageReceipt, Pii, Records, RequestId,
    ports::{PackageError, PackageSink, PackageWriter},
};

/// Keeps finished packages by their location, `memory/<request>`. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemorySink {
    finished: Arc<Mutex<BTreeMap<String, MemoryPackage>>>,
}

/// What was written into a package. Keys are source and collection.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct MemoryPackage {
    /// The records of each collection, in order.
    pub records: BTreeMap<(String, String), Records>,
    /// Why a collection has holes.
    pub holes: BTreeMap<(String, String), Vec<String>>,
    /// What is not in the package.
    pub limits: Vec<String>,
}

impl MemorySink {
    /// A sink without packages.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The finished package of a request; `None` as well while it is being written.
    #[must_use]
    pub fn package(&self, request: &RequestId) -> Option<MemoryPackage> {
        lock(&self.finished).get(&location(request)).cloned()
    }

    /// Where the finished packages are.
    #[must_use]
    pub fn locations(&self) -> Vec<String> {
        lock(&self.finished).keys().cloned().collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn location(request: &RequestId) -> String {
    format!("memory/{request}")
}

#[async_trait]
impl PackageSink for MemorySink {
    async fn begin(&self, package: NewPackage) -> Result<Box<dyn PackageWriter>, PackageError> {
        Ok(Box::new(MemoryWriter { sink: self.clone(), request: package.request, package: Mutex::default() }))
    }

    async fn check(&self) -> Result<String, PackageError> {
        Ok("memory".to_owned())
    }

    fn locations(&self, request: &RequestId) -> Vec<String> {
        vec![location(request)]
    }

    async fn remove(&self, location: &str) -> Result<(), PackageError> {
        lock(&self.finished).remove(location);
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryWriter {
    sink: MemorySink,
    request: RequestId,
    package: Mutex<MemoryPackage>,
}

fn key(source: &str, collection: &str) -> (String, String) {
    (source.to_owned(), collection.to_owned())
}

#[async_trait]
impl PackageWriter for MemoryWriter {
    async fn append(&self, source: &str, collection: &str, records: Records) -> Result<(), PackageError> {
        lock(&self.package).records.entry(key(source, collection)).or_default().extend(records);
        Ok(())
    }

    async fn incomplete(&self, source: &str, collection: &str, reason: &str) -> Result<(), PackageError> {
        let mut package = lock(&self.package);
        // A collection of which nothing came is in the package all the same.
        package.records.entry(key(source, collection)).or_default();
        note(package.holes.entry(key(source, collection)).or_default(), reason);
        Ok(())
    }

    async fn limit(&self, sentence: &str) -> Result<(), PackageError> {
        note(&mut lock(&self.package).limits, sentence);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<PackageReceipt, PackageError> {
        let package = self.package.into_inner().unwrap_or_else(PoisonError::into_inner);
        let receipt = receipt(&self.request, &package);
        lock(&self.sink.finished).insert(receipt.location.clone(), package);
        Ok(receipt)
    }
}

fn note(sentences: &mut Vec<String>, sentence: &str) {
    if !sentences.iter().any(|known| known == sentence) {
        sentences.push(sentence.to_owned());
    }
}

fn receipt(request: &RequestId, package: &MemoryPackage) -> PackageReceipt {
    let bytes = |record: &Pii<serde_json::Value>| record.expose().to_string().len() as u64;
    let file = |(of, records): (&(String, String), &Records)| FileReceipt {
        path: format!("{}/{}.json", of.0, of.1),
        records: records.len() as u64,
        complete: !package.holes.contains_key(of),
    };
    PackageReceipt {
        location: location(request),
        bytes: package.records.values().flatten().map(bytes).sum(),
        // There is no stored file, so there is nothing to hash.
        sha256: "0".repeat(64),
        files: package.records.iter().map(file).collect(),
    }
}
