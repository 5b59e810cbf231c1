//! AES-256-GCM whose nonce comes from the value, so that equal values become equal texts.

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{MaskingSecrets, digest::hmac_sha256};

const NONCE: usize = 12;

/// Ciphertext and tag in base64; `None` only for a value of 64 GiB, which AES-GCM does not take.
///
/// The nonce is the start of an HMAC of the value, is authenticated once more as associated data, and is no part of the
/// result: all as in Fides.
pub(super) fn encrypt(value: &str, secrets: &MaskingSecrets) -> Option<String> {
    let mac = hmac_sha256(secrets.aes_nonce_key.as_bytes(), [value.as_bytes(), secrets.aes_nonce_salt.as_bytes()]);
    let nonce = *mac.first_chunk::<NONCE>()?;
    let payload = Payload { msg: value.as_bytes(), aad: &nonce };
    let sealed = Aes256Gcm::new((&secrets.aes_key).into()).encrypt(&Nonce::from(nonce), payload).ok()?;
    Some(BASE64_STANDARD.encode(sealed))
}
