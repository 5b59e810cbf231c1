//! Figures, each beside its floor measured in the same run. They are ratios to read, never a test.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// As the program has it that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Benchmarks against a Segment on loopback.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Args {
    /// Where the figures are written as JSON, too
    #[arg(long, global = true, default_value = "target/bench.json")]
    json: PathBuf,
    /// Of all: sizes for a first look
    #[arg(long)]
    small: bool,
    /// Without one: all of them
    #[command(subcommand)]
    figure: Option<Figure>,
}

#[derive(Debug, Subcommand)]
enum Figure {
    /// One access of 20 traits, 5 external ids and 250 events in pages of 100, at 50 ms an answer
    Access {
        /// How often
        #[arg(long, default_value_t = 9)]
        runs: usize,
    },
    /// Accesses one at a time and many at once, beside a loop of bare calls
    Throughput {
        /// People who ask
        #[arg(long, default_value_t = 300)]
        people: usize,
    },
    /// A long history read in windows of time, beside page by page
    Events {
        /// Events of the history
        #[arg(long, default_value_t = 10_000)]
        events: u64,
        /// How often
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// From the start of the process to its first call, and the size of the program
    Start {
        /// How often
        #[arg(long, default_value_t = 21)]
        runs: usize,
    },
    /// Instructions of the hot paths, counted by valgrind, beside what is known of them
    Instructions {
        /// Write what is counted as known
        #[arg(long)]
        keep: bool,
    },
    /// Runs one hot path, to be counted
    #[command(hide = true)]
    Hot {
        /// Which
        name: String,
        /// How often
        times: u32,
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

impl Figure {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Access { runs } => harness::bench_access(runs),
            Self::Throughput { people } => harness::bench_throughput(people),
            Self::Events { events, runs } => harness::bench_events(events, runs),
            Self::Start { runs } => harness::bench_start(runs),
            Self::Instructions { keep } => harness::bench_instructions(keep),
            Self::Hot { name, times } => harness::hot(&name, times),
            Self::Intake { people, records_only } => harness::bench_intake(people, records_only),
            Self::Claims { closed, runs } => harness::bench_claims(closed, runs),
            Self::Pacing { people } => harness::bench_pacing(people),
            Self::Lookup { rows, runs } => harness::bench_lookup(rows, runs),
            Self::Package { events, in_profile } => harness::bench_package(events, in_profile),
            Self::Service { calls, many } => harness::bench_service(calls, many),
            Self::Masking { rows, others, runs } => harness::bench_masking(rows, others, runs),
        }
    }

    /// Every figure, the quick ones first.
    fn all(small: bool) -> Vec<Self> {
        let many = |large: u64, little: u64| if small { little } else { large };
        let few = |large: u32, little: u32| if small { little } else { large };
        let runs = if small { 3 } else { 9 };
        vec![
            Self::Start { runs: 21 },
            Self::Access { runs },
            Self::Events { events: 10_000, runs: 3 },
            Self::Throughput { people: if small { 128 } else { 300 } },
            Self::Instructions { keep: false },
            Self::Package { events: many(1_000_000, 100_000), in_profile: many(1_000_000, 100_000) },
            Self::Pacing { people: 1_000 },
            Self::Masking { rows: many(100_000, 10_000), others: many(100_000, 10_000), runs: 5 },
            Self::Service { calls: few(10_000, 2_000), many: few(1_000_000, 50_000) },
            Self::Intake { people: if small { 10_000 } else { 110_000 }, records_only: false },
            Self::Lookup { rows: many(10_000_000, 100_000), runs: 101 },
            Self::Claims { closed: many(5_000_000, 50_000), runs: few(3_000, 1_000) },
        ]
    }
}

fn main() -> anyhow::Result<()> {
    let Args { json, small, figure } = Args::parse();
    if let Some(Figure::Hot { .. }) = figure {
        return figure.map_or(Ok(()), Figure::run);
    }
    let ended = figure.map_or_else(|| Figure::all(small), |figure| vec![figure]).into_iter().try_for_each(Figure::run);
    // Also what was measured before one failed.
    harness::write_figures(&json)?;
    ended
}
