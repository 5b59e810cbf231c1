#![doc = include_str!("../README.md")]

mod archive;
mod content;
mod destination;
mod encryption;
pub mod evidence;
mod failure;
mod layout;
mod manifest;
mod names;
mod report;
mod sink;
mod staging;
mod survey;
mod upload;
mod verify;
mod writer;

pub use destination::{PackageStream, StoreOptions};
pub use encryption::check_recipient;
pub use sink::ZipSink;
pub use verify::{CheckedPackage, PackageFault, verify_package};
