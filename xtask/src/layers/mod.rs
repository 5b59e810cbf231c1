//! The diagram of crates, executable: fails on a dependency that the architecture does not know.
//!
//! - `table` is the architecture's table as data,
//! - `package` reads `cargo metadata`,
//! - `edges` compares normal dependencies with the table,
//! - `absent` looks for libraries below a crate, however deep,
//! - `manifest` checks what crates.io needs.

mod absent;
mod command;
mod edges;
mod manifest;
mod package;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use self::command::run;
pub(crate) use self::package::{Package, packages};
