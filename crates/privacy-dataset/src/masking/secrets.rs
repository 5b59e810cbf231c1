//! The keys and salts of the strategies.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::digest::hmac_sha256;

/// What the strategies mix into a value. With the same secrets a value always becomes the same text, so that columns that
/// refer to each other still do; without them nobody can find out which value it was by trying.
///
/// Each strategy has secrets of its own. Those that are texts in Fides are texts here, of the same form.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MaskingSecrets {
    pub(super) hash_salt: String,
    pub(super) hmac_key: String,
    pub(super) hmac_salt: String,
    pub(super) aes_key: [u8; 32],
    pub(super) aes_nonce_key: String,
    pub(super) aes_nonce_salt: String,
}

impl MaskingSecrets {
    /// Derives all secrets from one key of random bytes.
    #[must_use]
    pub fn from_key(key: &[u8; 32]) -> Self {
        Self {
            hash_salt: derive_text(key, "hash salt"),
            hmac_key: derive_text(key, "hmac key"),
            hmac_salt: derive_text(key, "hmac salt"),
            aes_key: derive(key, "aes_encrypt key"),
            aes_nonce_key: derive_text(key, "aes_encrypt nonce key"),
            aes_nonce_salt: derive_text(key, "aes_encrypt nonce salt"),
        }
    }
}

impl fmt::Debug for MaskingSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[masking secrets]")
    }
}

/// The labels decide what every value becomes: a changed one changes the masked texts of everybody.
fn derive(key: &[u8; 32], label: &str) -> [u8; 32] {
    hmac_sha256(key, [b"privacy-dataset masking: ", label.as_bytes()])
}

fn derive_text(key: &[u8; 32], label: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Zeroizing::new(derive(key, label)).as_slice())
}
