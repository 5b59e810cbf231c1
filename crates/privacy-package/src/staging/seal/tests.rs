use std::io::{BufRead, Read, Write};

use super::*;

fn key(byte: u8) -> FileKey {
    Zeroizing::new([byte; 32])
}

fn seal(content: &[u8]) -> Vec<u8> {
    let mut sealer = Sealer::new(Vec::new(), &key(1));
    sealer.write_all(content).unwrap();
    sealer.finish().unwrap()
}

fn open(file: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    Opener::new(file, &key(1))?.read_to_end(&mut content)?;
    Ok(content)
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[test]
fn what_was_sealed_opens_at_every_length() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
        let file = seal(&text(length));
        assert_eq!(file.len(), length + TAG * length.div_ceil(CHUNK).max(1), "{length}");
        assert_eq!(open(&file).unwrap(), text(length), "{length}");
    }
}

#[test]
fn content_does_not_show() {
    let file = seal(&b"ann@example.com ".repeat(10_000));
    assert!(!file.windows(15).any(|w| w == b"ann@example.com"));
}

#[test]
fn a_cut_anywhere_is_refused() {
    let file = seal(&text(3 * CHUNK));
    for length in [0, 1, TAG, FRAME - 1, FRAME, FRAME + 1, 2 * FRAME, 3 * FRAME - 1] {
        assert!(open(&file[..length]).is_err(), "{length}");
    }
    assert!(open(&file).is_ok());
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let file = seal(&text(2 * CHUNK + 100));
    for at in (0..file.len()).step_by(4_999).chain([FRAME - 1, FRAME, file.len() - 1]) {
        let mut file = file.clone();
        file[at] ^= 1;
        assert!(open(&file).is_err(), "{at}");
    }
}

#[test]
fn reordered_repeated_dropped_and_added_frames_are_refused() {
    let file = seal(&text(2 * CHUNK + 100));
    let frames: Vec<_> = file.chunks(FRAME).collect();
    for order in [&[1, 0, 2][..], &[0, 0, 1, 2], &[0, 2], &[1, 2], &[0, 1], &[0, 1, 2, 2], &[0, 1, 1]] {
        let changed: Vec<u8> = order.iter().flat_map(|&n| frames[n].to_vec()).collect();
        assert!(open(&changed).is_err(), "{order:?}");
    }
    let full = seal(&text(CHUNK));
    assert!(open(&[full.clone(), full].concat()).is_err(), "a file behind a file");
}

#[test]
fn another_files_key_does_not_open_it() {
    let file = seal(b"content");
    let mut opener = Opener::new(file.as_slice(), &key(2)).unwrap();
    assert_eq!(opener.fill_buf().unwrap_err().kind(), io::ErrorKind::InvalidData);
    assert!(opener.content.is_empty(), "nothing unverified is handed out");
}

#[test]
fn memory_is_a_frame_however_much_is_written() {
    let mut sealer = Sealer::new(io::sink(), &key(1));
    for _ in 0..1_000 {
        sealer.write_all(&text(10_000)).unwrap();
        assert!(sealer.buffer.capacity() <= FRAME);
    }
    let file = seal(&text(5 * CHUNK));
    let mut opener = Opener::new(file.as_slice(), &key(1)).unwrap();
    while !opener.fill_buf().unwrap().is_empty() {
        opener.consume(1_000);
        assert!(opener.content.capacity().max(opener.ahead.capacity()) <= 2 * FRAME);
    }
}

#[test]
fn after_a_failed_write_nothing_more_is_taken() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut sealer = Sealer::new(Full, &key(1));
    assert_eq!(sealer.write_all(&text(2 * CHUNK)).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert!(sealer.write_all(b"more").is_err());
    assert!(sealer.finish().is_err());
}
