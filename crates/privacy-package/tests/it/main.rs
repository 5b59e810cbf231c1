//! Packages as a person receives them, through the port.

#![expect(clippy::unwrap_used, reason = "what fails in a test panics")]

mod archive;
mod conformance;
mod content;
mod destination;
mod encryption;
mod evidence;
mod report;
mod sink;
mod staging;
mod support;
mod verify;
