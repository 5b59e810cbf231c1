//! Time, randomness and pace: injected, never ambient.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

/// The time.
#[async_trait]
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// A clock that never goes back, since an arbitrary start.
    fn monotonic(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, pause: Duration);
}

/// A source of randomness good enough for keys.
pub trait Random: Send + Sync + std::fmt::Debug {
    /// Fills the buffer.
    fn fill(&self, buffer: &mut [u8]);
}

/// Which of Segment's rate limits a call counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Lane {
    /// The Profile API: 100 requests a second and space (documented).
    Profiles,
    /// Creating regulations on the Public API: 600 a minute (documented).
    Create,
    /// Everything else on the Public API; its limit is not documented.
    Read,
    /// Every call of the Config API: 200 a minute (documented).
    Config,
}

impl Lane {
    /// The name in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Create => "create",
            Self::Read => "read",
            Self::Config => "config",
        }
    }
}

/// Asked before every attempt of a call, retries too.
#[async_trait]
pub trait Pacer: Send + Sync + std::fmt::Debug {
    /// Waits until the call may leave.
    async fn acquire(&self, lane: Lane);
}
