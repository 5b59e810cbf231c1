//! For tests: in-memory fakes, a clock that is moved by hand, and suites that every implementation of a port runs.
//! Exempt from semver.

mod clock;

pub use clock::{CountingRandom, ManualClock, NoPacer};
