#![doc = include_str!("../README.md")]

mod answers;
mod client;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod requests;

pub use client::ProfileApi;
