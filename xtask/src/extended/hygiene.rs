//! Spelling, unused dependencies, licences, sources and banned crates.

use anyhow::Result;

use crate::{process, tools};

/// Spelling, by `typos.toml`.
pub(crate) fn typos() -> Result<()> {
    process::run(&mut tools::need("typos")?)
}

/// Dependencies that no source names.
pub(crate) fn machete() -> Result<()> {
    process::run(tools::need("cargo-machete")?.arg("--skip-target-dir"))
}

/// What `deny.toml` says. Advisories are left to the workflows: they are news, which only the network has, and no change of
/// ours brings them.
pub(crate) fn deny() -> Result<()> {
    let mut deny = tools::need("cargo-deny")?;
    // The licences of every platform's dependencies are read, and a build fetches only those of this one.
    process::run(process::cargo().args(["fetch", "--locked"]))?;
    process::run(deny.args(["--locked", "--offline", "check", "bans", "licenses", "sources"]))
}
