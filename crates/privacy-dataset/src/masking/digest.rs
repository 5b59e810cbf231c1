//! Digests of a value and a salt, as lowercase hex.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};

/// `algorithm` of `hash` and `hmac`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Sha512,
}

impl Algorithm {
    /// The salt comes after the value.
    pub(super) fn hash(self, value: &str, salt: &str) -> String {
        match self {
            Self::Sha256 => hex::encode(Sha256::new().chain_update(value).chain_update(salt).finalize()),
            Self::Sha512 => hex::encode(Sha512::new().chain_update(value).chain_update(salt).finalize()),
        }
    }

    /// As [`hash`](Self::hash), under a key.
    pub(super) fn hmac(self, key: &str, value: &str, salt: &str) -> String {
        let parts = [value.as_bytes(), salt.as_bytes()];
        match self {
            Self::Sha256 => hex::encode(hmac_sha256(key.as_bytes(), parts)),
            Self::Sha512 => hex::encode(mac::<Hmac<Sha512>>(key.as_bytes(), parts).finalize().into_bytes()),
        }
    }
}

/// HMAC-SHA-256 of the parts, one after the other.
pub(super) fn hmac_sha256<const N: usize>(key: &[u8], parts: [&[u8]; N]) -> [u8; 32] {
    mac::<Hmac<Sha256>>(key, parts).finalize().into_bytes().into()
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> M {
    #[expect(clippy::unwrap_used, reason = "HMAC takes keys of any length")]
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part.as_ref());
    }
    mac
}
