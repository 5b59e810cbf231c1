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
    /// One e-mail address to a user id, over two joins in a table of 10 million rows, on SQLite and PostgreSQL
    Lookup {
        /// Rows of the table
        #[arg(long, default_value_t = 10_000_000)]
        rows: u64,
        /// How often
        #[arg(long, default_value_t = 101)]
        runs: usize,
    },
    /// 100,000 rows of one person, masked on PostgreSQL
    Masking {
        /// Rows of the person
        #[arg(long, default_value_t = 100_000)]
        rows: u64,
        /// Rows of others in the same table
        #[arg(long, default_value_t = 100_000)]
        others: u64,
        /// How often
        #[arg(long, default_value_t = 5)]
        runs: usize,
    },
}

fn main() -> anyhow::Result<()> {
    match Args::parse().figure {
        Figure::Access { runs } => harness::bench_access(runs),
        Figure::Lookup { rows, runs } => harness::bench_lookup(rows, runs),
        Figure::Masking { rows, others, runs } => harness::bench_masking(rows, others, runs),
    }
}
