//! The rows of a person in the owned databases: to be copied, and to be masked.
//!
//! [`walk`] asks the collections of a [`Traversal`](privacy_dataset::Traversal), in its order, each by everything that is known
//! so far. What it finds is either copied into a package as it comes ([`copy`]), or gathered ([`gather`]) and then masked
//! ([`mask`]), in one transaction.

mod copy;
mod describe;
mod fit;
mod gather;
mod json;
mod mask;
mod rows;
mod shared;
mod survey;
mod values;
mod walk;

pub use rows::OwnedRows;
