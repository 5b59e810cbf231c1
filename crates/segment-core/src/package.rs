//! What a person receives.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde_json::Value;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Action, IdentitySet, Pii, RequestId};

/// The key under which staging files are encrypted. It dies with the request's data key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct StagingKey([u8; 32]);

impl StagingKey {
    /// A key of 32 random or derived bytes.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The bytes, for the cipher.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StagingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

/// The key from which the keys and salts of a request's masking come. It dies with the request's data key.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct MaskingKey([u8; 32]);

impl MaskingKey {
    /// A key of 32 random or derived bytes.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The bytes.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MaskingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

/// For whom a package is encrypted, in the format of age (age-encryption.org/v1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// For whoever has the key to this public key, `age1…`.
    PublicKey(Pii<String>),
    /// For whoever knows this passphrase.
    Passphrase(Pii<String>),
}

/// A package to begin.
#[derive(Debug, Clone)]
pub struct NewPackage {
    /// The request; the file is named after it.
    pub request: RequestId,
    /// What was asked.
    pub action: Action,
    /// Who it is about, as it was asked: the person reads it in the package.
    pub identities: IdentitySet,
    /// When it was asked.
    pub received_at: Timestamp,
    /// When the package was begun.
    pub created_at: Timestamp,
    /// Encrypts the staging files.
    pub staging_key: StagingKey,
    /// For whom it is encrypted; `None` leaves it as it is.
    pub recipient: Option<Recipient>,
    /// Sources whose collections are tables of an owned database, whatever their names: one called `events` holds rows, not
    /// events of Segment.
    pub tables: BTreeSet<String>,
}

/// Records of one collection, in order.
pub type Records = Vec<Pii<Value>>;

/// A package that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageReceipt {
    /// Where it is, relative to the configuration's base or as a URL.
    pub location: String,
    /// Bytes of the stored file.
    pub bytes: u64,
    /// SHA-256 of the stored file, hex.
    pub sha256: String,
    /// The files with data in it; the report is made of the same.
    pub files: Vec<FileReceipt>,
}

/// One file of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReceipt {
    /// Its path in the package.
    pub path: String,
    /// Records in it.
    pub records: u64,
    /// Whether it holds everything that there was.
    pub complete: bool,
}
