//! Encryption of a staging file, chunk by chunk (the STREAM construction over AES-256-GCM).
//!
//! A file is a row of frames and nothing else: no header, no lengths. Every frame but the last holds exactly [`CHUNK`]
//! bytes of content and a tag; the last holds what is left, perhaps nothing. The nonce is a counter and a flag for the
//! last frame, so that a cut, a repeated, a reordered or a flipped frame does not open. A file's key belongs to it
//! alone, so that the nonces can begin at zero and one file cannot stand in for another.

use std::io::{self, BufRead, Read, Write};

use aead_stream::{DecryptorBE32, EncryptorBE32, Nonce, StreamBE32};
use aes_gcm::Aes256Gcm;
use zeroize::{Zeroize, Zeroizing};

/// Content of a full frame. It bounds what a collection keeps in memory.
pub(crate) const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
pub(super) const FRAME: usize = CHUNK + TAG;

/// The key of one staging file.
pub(crate) type FileKey = Zeroizing<[u8; 32]>;

fn first_nonce() -> Nonce<Aes256Gcm, StreamBE32<Aes256Gcm>> {
    Nonce::<Aes256Gcm, StreamBE32<Aes256Gcm>>::default()
}

/// Encrypts what is written to it. It must be finished, or its file will not open.
pub(crate) struct Sealer<W> {
    out: W,
    /// Gone after a failure: a file that may end within a frame takes no more content.
    stream: Option<EncryptorBE32<Aes256Gcm>>,
    buffer: Zeroizing<Vec<u8>>,
}

impl<W: Write> Sealer<W> {
    pub(crate) fn new(out: W, key: &FileKey) -> Self {
        let stream = EncryptorBE32::new((&**key).into(), &first_nonce());
        Self { out, stream: Some(stream), buffer: Zeroizing::new(Vec::with_capacity(FRAME)) }
    }

    fn seal_full(&mut self) -> io::Result<()> {
        let mut stream = self.stream.take().ok_or_else(broken)?;
        stream.encrypt_next_in_place(b"", &mut *self.buffer).map_err(|_| broken())?;
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        self.stream = Some(stream);
        Ok(())
    }

    /// Writes the last frame.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let stream = self.stream.take().ok_or_else(broken)?;
        stream.encrypt_last_in_place(b"", &mut *self.buffer).map_err(|_| broken())?;
        self.out.write_all(&self.buffer)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.stream.is_none() {
            return Err(broken());
        }
        // A full chunk waits for more content, since the last frame is marked when it is sealed.
        if self.buffer.len() == CHUNK && !data.is_empty() {
            self.seal_full()?;
        }
        let taken = data.len().min(CHUNK - self.buffer.len());
        self.buffer.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier write failed")
}

/// Decrypts a finished file. Content is handed out only after its frame has been verified.
pub(crate) struct Opener<R> {
    input: R,
    /// Gone after the last frame.
    stream: Option<DecryptorBE32<Aes256Gcm>>,
    /// The frame after the one in `content`: only its absence tells that a full frame is the last.
    ahead: Vec<u8>,
    content: Zeroizing<Vec<u8>>,
    position: usize,
}

impl<R: Read> Opener<R> {
    pub(crate) fn new(mut input: R, key: &FileKey) -> io::Result<Self> {
        let stream = DecryptorBE32::new((&**key).into(), &first_nonce());
        let mut ahead = Vec::with_capacity(FRAME);
        read_frame(&mut input, &mut ahead)?;
        let content = Zeroizing::new(Vec::with_capacity(FRAME));
        Ok(Self { input, stream: Some(stream), ahead, content, position: 0 })
    }

    fn open_next(&mut self, mut stream: DecryptorBE32<Aes256Gcm>) -> io::Result<()> {
        self.content.zeroize();
        std::mem::swap(&mut *self.content, &mut self.ahead);
        self.position = 0;
        if self.content.len() == FRAME {
            read_frame(&mut self.input, &mut self.ahead)?;
        }
        let opened = if self.ahead.is_empty() {
            stream.decrypt_last_in_place(b"", &mut *self.content)
        } else {
            let opened = stream.decrypt_next_in_place(b"", &mut *self.content);
            self.stream = Some(stream);
            opened
        };
        if opened.is_err() {
            self.stream = None;
            self.content.clear();
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a staging file was cut or changed"));
        }
        Ok(())
    }
}

/// Reads a whole frame, or what is left.
fn read_frame(input: &mut impl Read, frame: &mut Vec<u8>) -> io::Result<()> {
    frame.clear();
    input.by_ref().take(FRAME as u64).read_to_end(frame)?;
    Ok(())
}

impl<R: Read> BufRead for Opener<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.position == self.content.len() {
            let Some(stream) = self.stream.take() else { break };
            self.open_next(stream)?;
        }
        Ok(&self.content[self.position..])
    }

    fn consume(&mut self, amount: usize) {
        self.position = (self.position + amount).min(self.content.len());
    }
}

impl<R: Read> Read for Opener<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = available.len().min(target.len());
        target[..taken].copy_from_slice(&available[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests;
