//! The keys: one master key, one look-up key, a data key per row.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use segment_core::{EvidenceSalt, MaskingKey, Pii, StagingKey, ports::Random};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::seal::{self, CannotOpen, Place};

fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length.
    #[expect(clippy::unwrap_used, reason = "a key of 32 bytes is always taken")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

macro_rules! key {
    ($(#[$doc:meta])* $vis:vis $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Zeroize, ZeroizeOnDrop)]
        $vis struct $name([u8; 32]);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[key]")
            }
        }
    };
}

key! {
    /// 32 bytes that wrap keys.
    WrappingKey
}
key! {
    /// Encrypts the personal data of one row.
    pub(crate) DataKey
}
key! {
    /// Makes the hashes by which people are found. Random, made once, never changed.
    pub(crate) LookupKey
}

/// The key that wraps all others: 32 bytes that only the configuration knows; while it is replaced, the one before, too.
#[derive(Debug, Clone)]
pub struct MasterKey {
    key: WrappingKey,
    previous: Option<WrappingKey>,
}

/// Why a text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// Not base64.
    #[error("the encryption key is not base64")]
    NotBase64,
    /// Another length.
    #[error("the encryption key has {0} bytes, 32 are needed")]
    Length(usize),
    /// All bytes are equal.
    #[error("the encryption key is not random; `segment-privacy init` makes one")]
    NotRandom,
}

impl MasterKey {
    /// Reads 32 bytes in base64.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).map_err(|_| MasterKeyError::NotBase64)?);
        let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| MasterKeyError::Length(bytes.len()))?;
        if key.iter().all(|byte| *byte == key[0]) {
            Err(MasterKeyError::NotRandom)
        } else {
            Ok(Self { key: WrappingKey(key), previous: None })
        }
    }

    /// Opens what the previous key has wrapped, too; nothing is wrapped with that one any more.
    #[must_use]
    pub fn replacing(self, previous: Self) -> Self {
        Self { previous: Some(previous.key), ..self }
    }

    /// Makes a new key, as base64 for a key file.
    #[must_use]
    pub fn generate_base64(random: &dyn Random) -> Zeroizing<String> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(key.as_mut());
        Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()))
    }

    /// Names the key without telling it.
    pub(crate) fn id(&self) -> String {
        let id = keyed_hash(&self.key.0, &[b"segment-privacy key id"]);
        hex::encode(&id[..8])
    }

    fn wrap(&self, random: &dyn Random, place: Place<'_>, key: &[u8; 32]) -> Vec<u8> {
        seal::seal(&self.key.0, random, place, key)
    }

    fn unwrap(&self, place: Place<'_>, wrapped: &[u8]) -> Result<[u8; 32], CannotOpen> {
        let open = |key: &WrappingKey| {
            let key = Zeroizing::new(seal::open(&key.0, place, wrapped)?);
            key.as_slice().try_into().map_err(|_| CannotOpen)
        };
        open(&self.key).or_else(|error| self.previous.as_ref().map_or(Err(error), open))
    }

    /// The same key wrapped by this one, if it is wrapped by the previous one; `None` if there is nothing to do.
    pub(crate) fn rewrap(
        &self,
        random: &dyn Random,
        place: Place<'_>,
        wrapped: &[u8],
    ) -> Result<Option<Vec<u8>>, CannotOpen> {
        if seal::open(&self.key.0, place, wrapped).is_ok() {
            return Ok(None);
        }
        let key = Zeroizing::new(self.unwrap(place, wrapped)?);
        Ok(Some(self.wrap(random, place, &key)))
    }

    /// The look-up key wrapped by this one, as for [`rewrap`](Self::rewrap).
    pub(crate) fn rewrap_lookup(&self, random: &dyn Random, wrapped: &[u8]) -> Result<Option<Vec<u8>>, CannotOpen> {
        self.rewrap(random, LOOKUP, wrapped)
    }

    /// A new data key, and its wrapped form for the row at `place`.
    pub(crate) fn new_data_key(&self, random: &dyn Random, place: Place<'_>) -> (DataKey, Vec<u8>) {
        let mut key = [0; 32];
        random.fill(&mut key);
        (DataKey(key), self.wrap(random, place, &key))
    }

    /// The data key of the row at `place`.
    pub(crate) fn data_key(&self, place: Place<'_>, wrapped: &[u8]) -> Result<DataKey, CannotOpen> {
        self.unwrap(place, wrapped).map(DataKey)
    }

    /// A new look-up key, and its wrapped form.
    pub(crate) fn new_lookup_key(&self, random: &dyn Random) -> (LookupKey, Vec<u8>) {
        let mut key = [0; 32];
        random.fill(&mut key);
        (LookupKey(key), self.wrap(random, LOOKUP, &key))
    }

    /// The look-up key.
    pub(crate) fn lookup_key(&self, wrapped: &[u8]) -> Result<LookupKey, CannotOpen> {
        self.unwrap(LOOKUP, wrapped).map(LookupKey)
    }
}

const LOOKUP: Place<'static> = Place("key_ring.lookup_key", "1");

impl DataKey {
    /// Encrypts a value for its place.
    pub(crate) fn seal(&self, random: &dyn Random, place: Place<'_>, plain: &[u8]) -> Vec<u8> {
        seal::seal(&self.0, random, place, plain)
    }

    /// Decrypts a value of this place.
    pub(crate) fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        seal::open(&self.0, place, sealed).map(Zeroizing::new)
    }

    /// The key from which the keys and salts of its masking come.
    pub(crate) fn masking_key(&self) -> MaskingKey {
        MaskingKey::new(keyed_hash(&self.0, &[b"masking"]))
    }

    /// By which ids of the person are hashed in the log.
    pub(crate) fn evidence_salt(&self) -> EvidenceSalt {
        EvidenceSalt::new(keyed_hash(&self.0, &[b"evidence"]))
    }

    /// The key of the request's staging files; it cannot be had without the data key.
    pub(crate) fn staging_key(&self) -> StagingKey {
        StagingKey::new(keyed_hash(&self.0, &[b"staging"]))
    }
}

impl LookupKey {
    /// The hash of a value; `kind` keeps apart what is not to be compared.
    pub(crate) fn hash(&self, kind: &str, value: &Pii<String>) -> Vec<u8> {
        keyed_hash(&self.0, &[kind.as_bytes(), value.expose().as_bytes()]).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use segment_core::testing::CountingRandom;

    use super::*;

    const AT: Place<'static> = Place("requests.sealed", "pri_1");

    fn master() -> MasterKey {
        MasterKey::from_base64(&MasterKey::generate_base64(&CountingRandom::default())).unwrap()
    }

    #[test]
    fn a_value_opens_with_its_key_at_its_place_only() {
        let random = CountingRandom::default();
        let (key, wrapped) = master().new_data_key(&random, AT);
        let sealed = key.seal(&random, AT, b"ann@example.com");
        assert!(!sealed.windows(3).any(|window| window == b"ann"));
        let again = master().data_key(AT, &wrapped).unwrap();
        assert_eq!(again.open(AT, &sealed).unwrap().as_slice(), b"ann@example.com");
        assert_eq!(again.open(Place("requests.sealed", "pri_2"), &sealed), Err(CannotOpen));
        let (other, _) = master().new_data_key(&random, AT);
        assert_eq!(other.open(AT, &sealed), Err(CannotOpen));
        let mut changed = sealed;
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(key.open(AT, &changed), Err(CannotOpen));
        assert_eq!(key.open(AT, &changed[..5]), Err(CannotOpen));
    }

    #[test]
    fn keys_are_32_random_bytes_and_never_shown() {
        assert_eq!(MasterKey::from_base64("!").unwrap_err(), MasterKeyError::NotBase64);
        assert_eq!(MasterKey::from_base64("AAEC").unwrap_err(), MasterKeyError::Length(3));
        assert_eq!(MasterKey::from_base64(&BASE64_STANDARD.encode([7; 32])).unwrap_err(), MasterKeyError::NotRandom);
        assert_eq!(format!("{:?}", master()), "MasterKey { key: [key], previous: None }");
    }

    #[test]
    fn a_key_that_replaces_another_opens_what_both_have_wrapped() {
        let random = CountingRandom::default();
        let new = || MasterKey::from_base64(&MasterKey::generate_base64(&random)).unwrap();
        let (old, new) = (new(), new());
        let (key, wrapped) = old.new_data_key(&random, AT);
        let sealed = key.seal(&random, AT, b"ann");
        assert!(new.data_key(AT, &wrapped).is_err());
        let both = new.clone().replacing(old.clone());
        assert_eq!(both.data_key(AT, &wrapped).unwrap().open(AT, &sealed).unwrap().as_slice(), b"ann");
        let rewrapped = both.rewrap(&random, AT, &wrapped).unwrap().unwrap();
        assert_eq!(new.data_key(AT, &rewrapped).unwrap().open(AT, &sealed).unwrap().as_slice(), b"ann");
        assert!(old.data_key(AT, &rewrapped).is_err(), "the old key is worth nothing any more");
        assert_eq!(both.rewrap(&random, AT, &rewrapped).unwrap(), None);
        assert_eq!((both.id(), both.id() == old.id()), (new.id(), false));
    }

    #[test]
    fn hashes_differ_by_key_kind_and_value() {
        let random = CountingRandom::default();
        let (key, wrapped) = master().new_lookup_key(&random);
        let value = Pii::from("x");
        assert_eq!(key.hash("a", &value), master().lookup_key(&wrapped).unwrap().hash("a", &value));
        assert_ne!(key.hash("a", &value), key.hash("b", &value));
        assert_ne!(key.hash("a", &value), master().new_lookup_key(&random).0.hash("a", &value));
    }
}
