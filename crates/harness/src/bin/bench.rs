//! Figures, each beside its floor measured in the same run. They are ratios to read, never a test.

use clap::{Parser, Subcommand};

/// Benchmarks against a Segment on loopback.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Args {
    #[command(subcommand)]
    figure: Figure,
}

#[derive(Debug, Subcommand)]
enum Figure {
    /// One access of 20 traits, 5 external ids and 250 events in pages of 100, at 50 ms an answer
    Access {
        /// How often
        #[arg(long, default_value_t = 9)]
        runs: usize,
    },
}

fn main() -> anyhow::Result<()> {
    let Figure::Access { runs } = Args::parse().figure;
    harness::bench_access(runs)
}
