#![doc = include_str!("../README.md")]

mod assert;
mod bench_access;
mod context;
mod database;
mod environment;
mod package;
mod process;
mod raw_http;
mod readme;
mod report;
mod rig;
mod runner;
mod scenario;
mod scenarios;
mod setup;

pub use bench_access::bench_access;
pub use context::{Api, Context, Records};
pub use process::{Invocation, Run, Running};
pub use rig::Rig;
pub use runner::main;
pub use setup::Setup;
