//! What stands in a file is made by one thread while another one compresses it.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use zeroize::Zeroizing;

/// Bytes that are handed over at once, and how many such pieces may wait: what is in memory is bounded.
const PIECE: usize = 128 * 1024;
const WAITING: usize = 4;

/// Writes to `out` what `make` writes. `make` runs beside it, and at most a few pieces ahead.
pub(super) fn of(make: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send, out: &mut dyn Write) -> io::Result<()> {
    let (sender, pieces) = sync_channel(WAITING);
    thread::scope(|scope| {
        let making = scope.spawn(move || {
            let mut pieces = Pieces { sender, piece: Zeroizing::new(Vec::with_capacity(PIECE)) };
            make(&mut pieces)?;
            pieces.hand_over()
        });
        // A refused piece ends the making; its error is the cause of the other one.
        let written = pieces.into_iter().try_for_each(|piece| out.write_all(&piece));
        let made = making.join().unwrap_or_else(|_| Err(io::Error::other("its thread stopped")));
        written.and(made)
    })
}

struct Pieces {
    sender: SyncSender<Zeroizing<Vec<u8>>>,
    piece: Zeroizing<Vec<u8>>,
}

impl Pieces {
    fn hand_over(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.piece, Zeroizing::new(Vec::with_capacity(PIECE)));
        self.sender.send(piece).map_err(|_| io::Error::new(io::ErrorKind::BrokenPipe, "the writing stopped"))
    }
}

impl Write for Pieces {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.hand_over()?;
        }
        let taken = data.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&data[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_arrives_in_order_and_either_side_may_fail() {
        let text: Vec<u8> = (0..1_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut out = Vec::new();
        of(|to| text.chunks(777).try_for_each(|chunk| to.write_all(chunk)), &mut out).unwrap();
        assert_eq!(out, text);
        let error = of(|to| to.write_all(b"x").and(Err(io::Error::other("made"))), &mut Vec::new()).unwrap_err();
        assert_eq!(error.to_string(), "made");
        let mut full = [0; 10];
        let error = of(|to| to.write_all(&text), &mut &mut full[..]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero, "not that the other side stopped");
    }
}
