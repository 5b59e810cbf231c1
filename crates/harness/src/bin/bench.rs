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
    /// Many erasures from a CSV file: recorded, and sent by a worker, on SQLite and PostgreSQL
    Intake {
        /// Rows of the file
        #[arg(long, default_value_t = 110_000)]
        people: usize,
        /// Only record them
        #[arg(long)]
        records_only: bool,
    },
    /// Work claimed and recorded on PostgreSQL, before and after there are millions of closed requests
    Claims {
        /// Closed requests
        #[arg(long, default_value_t = 5_000_000)]
        closed: u64,
        /// How often
        #[arg(long, default_value_t = 3_000)]
        runs: u32,
    },
    /// Reads of profiles by one worker and by four, against a Segment that takes 100 calls a second
    Pacing {
        /// People whose profiles are read
        #[arg(long, default_value_t = 1_000)]
        people: usize,
    },
    /// A package of many events, and the memory that an access of them takes
    Package {
        /// Events of the package
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
        /// Events of the profile that is read for the memory
        #[arg(long, default_value_t = 1_000_000)]
        in_profile: u64,
    },
    /// Requests taken and shown over HTTP, and pages of the list among a million
    Service {
        /// Requests that are taken
        #[arg(long, default_value_t = 10_000)]
        calls: u32,
        /// Requests that the list is among
        #[arg(long, default_value_t = 1_000_000)]
        many: u32,
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
        Figure::Intake { people, records_only } => harness::bench_intake(people, records_only),
        Figure::Claims { closed, runs } => harness::bench_claims(closed, runs),
        Figure::Pacing { people } => harness::bench_pacing(people),
        Figure::Lookup { rows, runs } => harness::bench_lookup(rows, runs),
        Figure::Package { events, in_profile } => harness::bench_package(events, in_profile),
        Figure::Service { calls, many } => harness::bench_service(calls, many),
        Figure::Masking { rows, others, runs } => harness::bench_masking(rows, others, runs),
    }
}
