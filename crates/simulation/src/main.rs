//! The simulation: `cargo xtask sim`.
//!
//! The engine is the real one. Around it are the record database in memory (which passes the same conformance suite as
//! SQLite and PostgreSQL), a Segment of which everything is known, and a clock that moves on when everybody waits. A seed
//! decides everything: people, workers, faults, crashes. After every step the invariants are checked, and at the end
//! everything must have come to its end.

mod api;
mod cli;
mod crashes;
mod dice;
mod fences;
mod history;
mod invariants;
mod matrix;
mod panics;
mod process;
mod scenario;
mod seeds;
mod segment;
mod store;
mod trace;
mod world;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    panics::watch();
    cli::run(&cli::Cli::parse())
}
