//! Identifiers that look like the vendor's.

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// KSUIDs count seconds from here.
const KSUID_EPOCH: i64 = 1_400_000_000;

#[derive(Debug)]
pub(crate) struct Ids {
    rng: StdRng,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    /// A 27-character KSUID: 4 bytes of seconds and 16 of chance, in base 62.
    pub(crate) fn ksuid(&mut self, now: Timestamp) -> String {
        let seconds = u32::try_from(now.as_second() - KSUID_EPOCH).unwrap_or_default();
        let mut bytes = [0_u8; 20];
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        self.rng.fill(&mut bytes[4..]);
        base62(&mut bytes, 27)
    }

    /// An opaque token of base 62 characters.
    pub(crate) fn token(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(BASE62[self.rng.random_range(0..BASE62.len())])).collect()
    }
}

/// Writes a big-endian number in base 62 with leading zeros; the number is used up on the way.
fn base62(number: &mut [u8], length: usize) -> String {
    let mut digits = vec![b'0'; length];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in number.iter_mut() {
            let value = rest * 256 + u32::from(*byte);
            // 61 * 256 + 255 divided by 62 is below 256, so the quotient always fits.
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            rest = value % 62;
        }
        *digit = BASE62[usize::try_from(rest).unwrap_or_default()];
    }
    digits.into_iter().map(char::from).collect()
}
