//! The command line.

use std::time::Duration;

use clap::Parser;
use segment_mock::{MockConfig, VirtualClock};

/// The binary may run for weeks: it keeps the newest requests only, but counts them all.
const KEPT_REQUESTS: usize = 10_000;

/// Twilio Segment on loopback, for tests and rehearsals.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How many people to invent.
    #[arg(long, default_value_t = 1_000)]
    profiles: usize,
    /// Seed of the people and ids.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long every answer takes, such as 50ms.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "0s")]
    latency: Duration,
    /// How fast time passes for regulations: 3600 lets an hour pass in a second.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// When a new regulation starts to run.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "1h")]
    running_after: Duration,
    /// When a new regulation ends.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "3d")]
    finished_after: Duration,
    /// How long a new regulation is invisible to get and list.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "0s")]
    eventual: Duration,
}

impl Arguments {
    pub(crate) fn config(&self) -> MockConfig {
        MockConfig::new()
            .port(self.port)
            .profiles(self.profiles)
            .seed(self.seed)
            .latency(self.latency)
            .clock(VirtualClock::realtime(self.speed))
            .running_after(self.running_after)
            .finished_after(self.finished_after)
            .eventual(self.eventual)
            .keep_requests(KEPT_REQUESTS)
    }
}
