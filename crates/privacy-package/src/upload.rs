//! From a thread that writes the zip to the store that takes it: parts through a bounded channel.

use std::io::{self, Write};

use bytes::Bytes;
use object_store::MultipartUpload;
use segment_core::ports::PackageError;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use crate::failure::{PACKAGE, joined, write_error};

/// Every part but the last has this size: the least that all stores take. At most three are in memory: one being
/// filled, one waiting, one being sent.
pub(crate) const PART: usize = 5 * 1024 * 1024;
const WAITING: usize = 1;

/// What was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Runs `write` on a thread of its own and uploads what it writes. The upload is neither completed nor aborted here: that
/// is the caller's, once it knows that both sides went well.
pub(crate) async fn transfer<T, F>(upload: &mut dyn MultipartUpload, write: F) -> Result<T, PackageError>
where
    T: Send + 'static,
    F: FnOnce(PartWriter) -> Result<T, PackageError> + Send + 'static,
{
    let (parts, queue) = channel(WAITING);
    let writing = spawn_blocking(move || write(PartWriter::new(parts)));
    // A refused part closes the queue, which stops the writing; its error is the cause of the other one.
    let uploaded = send(upload, queue).await;
    let written = joined(PACKAGE, writing.await);
    uploaded.map_err(|e| write_error(PACKAGE, e))?;
    written
}

async fn send(upload: &mut dyn MultipartUpload, mut queue: Receiver<Bytes>) -> object_store::Result<()> {
    while let Some(part) = queue.recv().await {
        upload.put_part(part.into()).await?;
    }
    Ok(())
}

/// Cuts what is written into parts, and counts and hashes it on the way.
#[derive(Debug)]
pub(crate) struct PartWriter {
    /// Gone after a failure, which is told once; what comes later is dropped. (A zip writer that is dropped in the middle
    /// still writes its end, and would complain to stderr.)
    parts: Option<Sender<Bytes>>,
    buffer: Vec<u8>,
    hash: Sha256,
    bytes: u64,
}

impl PartWriter {
    fn new(parts: Sender<Bytes>) -> Self {
        Self { parts: Some(parts), buffer: Vec::new(), hash: Sha256::new(), bytes: 0 }
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let part = Bytes::from(std::mem::take(&mut self.buffer));
        let Some(parts) = &self.parts else { return Ok(()) };
        if parts.blocking_send(part).is_err() {
            self.parts = None;
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the upload stopped"));
        }
        Ok(())
    }

    /// Passes on the last part.
    pub(crate) fn finish(mut self) -> io::Result<Sent> {
        if !self.buffer.is_empty() {
            self.pass_on()?;
        }
        Ok(Sent { bytes: self.bytes, sha256: hex::encode(self.hash.finalize()) })
    }
}

impl Write for PartWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.parts.is_none() {
            return Ok(data.len());
        }
        if self.buffer.capacity() == 0 {
            self.buffer.reserve_exact(PART);
        }
        let taken = &data[..data.len().min(PART - self.buffer.len())];
        self.buffer.extend_from_slice(taken);
        self.hash.update(taken);
        self.bytes += taken.len() as u64;
        if self.buffer.len() == PART {
            self.pass_on()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
