#![doc = include_str!("../README.md")]

mod answers;
mod client;
pub mod requests;

pub use client::ProfileApi;
