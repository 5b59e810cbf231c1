//! Figures, each beside its floor measured in the same run.

mod access;
mod claims;
mod events;
mod instructions;
mod intake;
mod lookup;
mod masking;
mod pacing;
mod package;
mod prepared;
mod service;
mod start;
mod throughput;

use std::time::Duration;

pub use access::bench_access as access;
pub use claims::bench_claims as claims;
pub use events::bench_events as events;
pub use instructions::{bench_instructions as instructions, hot};
pub use intake::bench_intake as intake;
pub use lookup::bench_lookup as lookup;
pub use masking::bench_masking as masking;
pub use pacing::bench_pacing as pacing;
pub use package::bench_package as package;
pub use service::bench_service as service;
pub use start::bench_start as start;
pub use throughput::bench_throughput as throughput;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
