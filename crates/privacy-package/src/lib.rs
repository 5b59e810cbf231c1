#![doc = include_str!("../README.md")]

mod archive;
mod content;
mod destination;
mod failure;
mod layout;
mod manifest;
mod names;
mod report;
mod sink;
mod staging;
mod survey;
mod upload;
mod writer;

pub use sink::ZipSink;
