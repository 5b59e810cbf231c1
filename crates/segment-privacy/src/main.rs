//! Fulfil access and erasure requests at Twilio Segment from the command line.
//!
//! This is the only composition root: here the configuration is read, the adapters are made and handed to the engine.

mod cli;
mod commands;
mod compose;
mod config;
mod error;
mod logging;
mod output;

use std::process::ExitCode;

use clap::Parser;

/// A quarter of an access was spent in the system's allocator: people's data is many small texts.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    logging::init(&cli.global);
    let output = output::Output::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.fail(&error::CliError::unexpected("cannot start", &error)),
    };
    let ended = runtime.block_on(commands::run(cli, &output));
    // A read that never comes back, such as of a file on a dead network drive, must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => output.fail(&error),
    }
}
