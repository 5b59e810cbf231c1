//! A staging file that is made only when its content outgrows memory.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use super::area::StagingArea;
use super::seal::FRAME;

/// So much of a collection stays in memory: four sealed frames, if the area has room. What is known of most people is less, and
/// making files for it took a tenth of the time of an access.
pub(crate) const ROOM: usize = 4 * FRAME;

/// Takes sealed frames. It holds the area, so that its file stays as long as it does.
pub(crate) struct Spool {
    /// Closed before the area removes its folder.
    held: Held,
    area: Arc<StagingArea>,
    number: u32,
}

enum Held {
    Memory(Vec<u8>),
    File(File),
    /// In its file, which is closed: one that is not written to keeps no descriptor.
    Closed,
}

impl Spool {
    /// Number `number` of the area.
    pub(crate) fn new(area: Arc<StagingArea>, number: u32) -> Self {
        Self { area, number, held: Held::Memory(Vec::new()) }
    }

    #[cfg(test)]
    pub(crate) fn to_file(area: Arc<StagingArea>, number: u32, file: File) -> Self {
        Self { area, number, held: Held::File(file) }
    }

    /// Nothing more is written to it.
    pub(crate) fn closed(mut self) -> Self {
        if let Held::File(_) = self.held {
            self.held = Held::Closed;
        }
        self
    }

    /// What was written, from the beginning.
    pub(crate) fn read(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(match &self.held {
            Held::Memory(frames) => Box::new(frames.as_slice()),
            Held::File(_) | Held::Closed => Box::new(File::open(self.area.path_of(self.number)?)?),
        })
    }
}

impl Write for Spool {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if let Held::Memory(frames) = &mut self.held {
            if frames.len() + data.len() <= ROOM && self.area.takes(data.len()) {
                frames.extend_from_slice(data);
                return Ok(data.len());
            }
            let mut file = self.area.create_file(self.number)?;
            file.write_all(frames)?;
            self.area.gives_back(frames.len());
            self.held = Held::File(file);
        }
        match &mut self.held {
            Held::File(file) => file.write(data),
            Held::Memory(_) | Held::Closed => Ok(0),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.held {
            Held::File(file) => file.flush(),
            Held::Memory(_) | Held::Closed => Ok(()),
        }
    }
}
