//! AES-256-GCM with the place of the value as associated data, so that a value cannot be moved to another row.

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use segment_core::ports::Random;

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// Where a sealed value stands: table, column and row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a>(pub(crate) &'static str, pub(crate) &'a str);

/// A sealed value that this key, at this place, does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotOpen;

fn aad(place: Place<'_>) -> Vec<u8> {
    format!("{}\0{}", place.0, place.1).into_bytes()
}

/// Version, nonce, ciphertext and tag.
pub(super) fn seal(key: &[u8; 32], random: &dyn Random, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    random.fill(&mut nonce);
    let payload = Payload { msg: plain, aad: &aad(place) };
    // It fails only for a plaintext of 64 GiB.
    let sealed = Aes256Gcm::new(key.into()).encrypt(&Nonce::from(nonce), payload).unwrap_or_default();
    [&[VERSION], nonce.as_slice(), &sealed].concat()
}

pub(super) fn open(key: &[u8; 32], place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, CannotOpen> {
    let (&version, rest) = sealed.split_first().ok_or(CannotOpen)?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(CannotOpen)?;
    if version != VERSION {
        return Err(CannotOpen);
    }
    let payload = Payload { msg: ciphertext, aad: &aad(place) };
    Aes256Gcm::new(key.into()).decrypt(&Nonce::from(*nonce), payload).map_err(|_| CannotOpen)
}
