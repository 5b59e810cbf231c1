//! One collection while it is gathered.

use std::io::{self, Read, Write};
use std::sync::Arc;

use segment_core::Records;
use segment_core::ports::PackageError;
use zeroize::Zeroizing;

use super::area::StagingArea;
use super::seal::{FileKey, Opener, Sealer};
use super::spool::Spool;
use crate::failure::{STAGING, write_error};
use crate::layout::Shape;
use crate::survey::{Survey, Surveyor};

/// Takes a collection's records and keeps none of them: they are sealed and spooled, a JSON text per line.
pub(crate) struct StagedCollection {
    area: Arc<StagingArea>,
    file: u32,
    state: State,
    survey: Surveyor,
    records: u64,
    bytes: u64,
    gaps: Vec<String>,
}

enum State {
    Unopened,
    Open(Box<Sealer<Spool>>),
    /// A write failed or the collection was sealed: nothing more fits.
    Closed,
}

impl StagedCollection {
    /// Collection number `file` of the area.
    pub(crate) fn new(area: Arc<StagingArea>, file: u32, shape: Shape) -> Self {
        let survey = Surveyor::new(shape);
        Self { area, file, state: State::Unopened, survey, records: 0, bytes: 0, gaps: Vec::new() }
    }

    /// Adds a page of records. After a failure the collection is lost, and with it the package. Blocking.
    pub(crate) fn append(&mut self, records: &Records) -> Result<(), PackageError> {
        let mut sealer = self.open().map_err(|e| write_error(STAGING, e))?;
        let added = write_lines(&mut sealer, records).map_err(|e| write_error(STAGING, e))?;
        self.state = State::Open(sealer);
        for record in records {
            self.survey.see(record.expose());
        }
        self.records += records.len() as u64;
        self.bytes += added;
        Ok(())
    }

    /// Notes a hole.
    pub(crate) fn note_gap(&mut self, reason: &str) {
        if !self.gaps.iter().any(|known| known == reason) {
            self.gaps.push(reason.to_owned());
        }
    }

    /// Ends it and gives it to be read. Blocking.
    pub(crate) fn seal(&mut self) -> Result<Sealed, PackageError> {
        let key = self.area.key_of(self.file).map_err(|e| write_error(STAGING, e))?;
        let spool =
            self.open().and_then(|sealer| sealer.finish()).map(Spool::closed).map_err(|e| write_error(STAGING, e))?;
        let shape = self.survey.shape();
        let survey = std::mem::replace(&mut self.survey, Surveyor::new(shape)).conclude();
        Ok(Sealed {
            shape,
            survey,
            spool,
            key,
            records: self.records,
            bytes: self.bytes,
            gaps: std::mem::take(&mut self.gaps),
        })
    }

    fn open(&mut self) -> io::Result<Box<Sealer<Spool>>> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Open(sealer) => Ok(sealer),
            State::Unopened => {
                let key = self.area.key_of(self.file)?;
                Ok(Box::new(Sealer::new(Spool::new(Arc::clone(&self.area), self.file), &key)))
            }
            State::Closed => Err(io::Error::other("an earlier write failed")),
        }
    }

    #[cfg(test)]
    pub(crate) fn write_to(&mut self, file: std::fs::File) {
        let spool = Spool::to_file(Arc::clone(&self.area), self.file, file);
        self.state = State::Open(Box::new(Sealer::new(spool, &self.area.key_of(self.file).unwrap())));
    }
}

fn write_lines(mut out: impl Write, records: &Records) -> io::Result<u64> {
    let (mut line, mut bytes) = (Zeroizing::new(Vec::new()), 0);
    for record in records {
        // Exposed to be encrypted: the sealer is what stands behind `out`.
        serde_json::to_writer(&mut *line, record.expose())?;
        line.push(b'\n');
        out.write_all(&line)?;
        bytes += line.len() as u64;
        line.clear();
    }
    Ok(bytes)
}

/// A whole collection, to be read as often as needed.
pub(crate) struct Sealed {
    spool: Spool,
    key: FileKey,
    pub(crate) shape: Shape,
    pub(crate) survey: Survey,
    /// How many records there are, one a line.
    pub(crate) records: u64,
    /// The length of all lines.
    pub(crate) bytes: u64,
    /// Why it is not whole; empty if it is.
    pub(crate) gaps: Vec<String>,
}

impl Sealed {
    /// Its lines, from the beginning.
    pub(crate) fn read(&self) -> io::Result<Opener<impl Read>> {
        Opener::new(self.spool.read()?, &self.key)
    }
}

#[cfg(test)]
mod tests;
