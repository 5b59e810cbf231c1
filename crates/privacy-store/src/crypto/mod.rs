//! Encryption at rest: a data key per row, wrapped by the master key; look-ups by keyed hash.

mod keys;
mod seal;

pub(crate) use keys::{DataKey, LookupKey};
pub use keys::{MasterKey, MasterKeyError};
pub(crate) use seal::{CannotOpen, Place};
