//! Each crate as somebody else's project would build it: alone, and with other features than the workspace has on.

use anyhow::Result;

use crate::{process, tools, workspace};

/// Lints every published crate by itself, without features, with each, with all.
///
/// A build of the workspace turns on what any crate needs of a shared dependency, and so hides that a crate forgot to ask for
/// it. `--no-dev-deps` is not needed for that: cargo's resolver keeps the features of tests apart, and the flag would
/// rewrite the manifests while it runs.
pub(crate) fn hack() -> Result<()> {
    let mut hack = tools::need("cargo-hack")?;
    hack.args(["clippy", "--locked", "--each-feature"]);
    for package in workspace::published()? {
        hack.args(["-p", &package.name]);
    }
    process::run(hack.args(["--", "-D", "warnings"]))
}
