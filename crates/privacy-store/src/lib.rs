#![doc = include_str!("../README.md")]

mod crypto;
pub mod owned;
mod records;

pub use crypto::{MasterKey, MasterKeyError};
pub use records::{
    OpenError, Pace, RecordOptions, RecordStore, Removal, SharedPacer, StoredConnection, TestRecord, Turns,
};
