//! For tests: in-memory fakes, a clock that is moved by hand, and suites that every implementation of a port runs.
//! Exempt from semver.

mod clock;
pub mod conformance;
mod directory;
mod journal;
mod memory;
mod profiles;
mod regulations;
mod sink;
#[cfg(test)]
mod tests;

pub use clock::{CountingRandom, ManualClock, NoPacer};
pub use directory::FakeDirectory;
pub use journal::told;
pub use memory::MemoryStore;
pub use profiles::{FakeProfile, FakeProfiles};
pub use regulations::FakeRegulations;
pub use sink::{MemoryPackage, MemorySink};
