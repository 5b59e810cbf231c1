#![doc = include_str!("../README.md")]

mod assert;
mod bench;
mod browser;
mod context;
mod database;
mod environment;
mod package;
mod process;
mod raw_http;
mod readme;
mod receiver;
mod relay;
mod report;
mod rig;
mod runner;
mod s3;
mod scenario;
mod scenarios;
mod service;
mod setup;
mod webdriver;

pub use bench::{
    access as bench_access, claims as bench_claims, events as bench_events, hot, instructions as bench_instructions,
    intake as bench_intake, lookup as bench_lookup, masking as bench_masking, pacing as bench_pacing,
    package as bench_package, service as bench_service, start as bench_start, throughput as bench_throughput,
};
pub use context::{Api, Context, Records};
pub use process::{Invocation, Run, Running};
pub use report::write_figures;
pub use rig::Rig;
pub use runner::main;
pub use s3::S3Server;
pub use setup::Setup;
