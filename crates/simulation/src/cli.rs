//! The command line, and what it prints.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;

use crate::{crashes::Crashes, matrix, scenario, seeds};

/// Runs the engine on a virtual clock under seeded faults, and checks its invariants after every step
#[derive(Debug, Parser)]
#[command(name = "cargo xtask sim")]
pub(crate) struct Cli {
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 500)]
    seeds: u64,
    /// The first of them
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Print what happens, also where nothing is broken
    #[arg(long)]
    trace: bool,
    /// Kill a process once at every named crash point instead
    #[arg(long, conflicts_with_all = ["seeds", "trace", "must_break"])]
    crashes: bool,
    /// Succeed only if a seed breaks this invariant: for an engine that is broken on purpose
    #[arg(long, value_name = "INVARIANT")]
    must_break: Option<String>,
}

pub(crate) fn run(cli: &Cli) -> ExitCode {
    let mut out = io::stdout().lock();
    let done = if cli.crashes { matrix::run(cli.seed, &mut out) } else { play(cli, &mut out) };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(out);
            let _ = writeln!(io::stderr(), "sim: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(cli: &Cli, out: &mut impl Write) -> io::Result<bool> {
    let begun = Instant::now();
    if cli.trace {
        for seed in cli.seed..cli.seed.saturating_add(cli.seeds) {
            let outcome = scenario::run(seed, Crashes::by_chance());
            for line in &outcome.trace {
                writeln!(out, "{line}")?;
            }
        }
    }
    let ran = seeds::run(cli.seed, cli.seeds, cli.must_break.is_none());
    let seconds = begun.elapsed().as_secs_f64();
    match ran.broken {
        None => {
            let (steps, killed) = (ran.steps, ran.killed);
            writeln!(out, "{} seeds held: {steps} events, {killed} processes killed, {seconds:.1} s", ran.seeds)?;
            if cli.must_break.is_some() {
                writeln!(out, "none of them caught what is broken on purpose")?;
            }
            Ok(cli.must_break.is_none())
        }
        Some((seed, outcome)) => {
            if cli.must_break.is_none() {
                for line in &outcome.trace {
                    writeln!(out, "{line}")?;
                }
            }
            writeln!(out, "seed {seed} breaks, after {} seeds, {seconds:.1} s:", ran.seeds)?;
            for violation in &outcome.violations {
                writeln!(out, "  {violation}")?;
            }
            writeln!(out, "again: cargo xtask sim --seeds 1 --seed {seed}")?;
            let is_this = |violation: &String| {
                cli.must_break.as_ref().is_some_and(|invariant| violation.contains(&format!("\"{invariant}\"")))
            };
            Ok(outcome.violations.iter().any(is_this))
        }
    }
}
