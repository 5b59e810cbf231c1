//! The extended checks, most of which are a tool of somebody else with the arguments that fit this workspace.
//!
//! - `hygiene` is spelling, unused dependencies, and what cargo-deny refuses,
//! - `features` checks each crate by itself,
//! - `semver` compares with the last version,
//! - `fuzz` runs each fuzz target for a few seconds,
//! - `package` makes what would be published, and `outside` is a stranger's project that uses it,
//! - `sbom` writes bills of materials, `coverage` measures the tests.

mod coverage;
mod features;
mod fuzz;
mod hygiene;
mod outside;
mod package;
mod sbom;
mod semver;

pub(crate) use self::coverage::coverage;
pub(crate) use self::features::hack;
pub(crate) use self::fuzz::fuzz;
pub(crate) use self::hygiene::{deny, machete, typos};
pub(crate) use self::package::package;
pub(crate) use self::sbom::sbom;
pub(crate) use self::semver::{baseline, semver};
