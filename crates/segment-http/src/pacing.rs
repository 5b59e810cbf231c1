//! Staying below Segment's rate limits, within one process.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use async_trait::async_trait;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use segment_core::ports::{Lane, Pacer};

/// How fast calls may leave. The defaults stay below what Segment documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Profile API calls a second and space; Segment allows 100 (documented).
    pub profiles_per_second: NonZeroU32,
    /// Regulations created a minute; Segment allows 600 (documented).
    pub creates_per_minute: NonZeroU32,
    /// Other Public API calls a minute. Their limit is not documented (6,000 by hearsay); what answers ask for is obeyed in
    /// any case.
    pub reads_per_minute: NonZeroU32,
    /// Config API calls of every kind a minute; Segment allows 200 (documented).
    pub config_calls_per_minute: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        const fn n(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(n) => n,
                None => NonZeroU32::MIN,
            }
        }
        Self {
            profiles_per_second: n(90),
            creates_per_minute: n(540),
            reads_per_minute: n(3_000),
            config_calls_per_minute: n(180),
        }
    }
}

impl Limits {
    /// How many pages of one profile's events are worth asking for at once: what may leave in an eighth of a second, in which Segment
    /// answers; at most twelve.
    #[must_use]
    pub fn event_windows(&self) -> NonZeroUsize {
        let windows = usize::try_from(self.profiles_per_second.get() / 8).unwrap_or(usize::MAX);
        NonZeroUsize::new(windows.min(12)).unwrap_or(NonZeroUsize::MIN)
    }

    /// Of each lane the time between one call and the next, and how many calls may leave at once after a pause: so few that no second
    /// has more than Segment allows.
    #[must_use]
    pub fn paces(&self) -> [(Lane, Duration, u32); 4] {
        let a_minute =
            |lane, calls: NonZeroU32| (lane, Duration::from_mins(1) / calls.get(), (calls.get() / 60).max(1));
        let profiles = self.profiles_per_second.get();
        [
            (Lane::Profiles, Duration::from_secs(1) / profiles, (profiles / 9).max(1)),
            a_minute(Lane::Create, self.creates_per_minute),
            a_minute(Lane::Read, self.reads_per_minute),
            a_minute(Lane::Config, self.config_calls_per_minute),
        ]
    }
}

/// A pacer for one process and one connection (governor: GCRA). After a pause a ninth of a second's calls of the Profile API
/// leave at once, so that no second has more than Segment allows; of the others a second's share does.
#[derive(Debug)]
pub struct SoloPacer {
    profiles: DefaultDirectRateLimiter,
    create: DefaultDirectRateLimiter,
    read: DefaultDirectRateLimiter,
    config: DefaultDirectRateLimiter,
}

impl SoloPacer {
    /// A pacer with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let a_minute = |n: NonZeroU32| {
            let burst = NonZeroU32::new(n.get() / 60).unwrap_or(NonZeroU32::MIN);
            RateLimiter::direct(Quota::per_minute(n).allow_burst(burst))
        };
        let burst = NonZeroU32::new(limits.profiles_per_second.get() / 9).unwrap_or(NonZeroU32::MIN);
        Self {
            profiles: RateLimiter::direct(Quota::per_second(limits.profiles_per_second).allow_burst(burst)),
            create: a_minute(limits.creates_per_minute),
            read: a_minute(limits.reads_per_minute),
            config: a_minute(limits.config_calls_per_minute),
        }
    }
}

#[async_trait]
impl Pacer for SoloPacer {
    async fn acquire(&self, lane: Lane) {
        match lane {
            Lane::Profiles => self.profiles.until_ready().await,
            Lane::Create => self.create.until_ready().await,
            Lane::Config => self.config.until_ready().await,
            _ => self.read.until_ready().await,
        }
    }
}
