//! The description of the HTTP API: made from the code, and kept beside it so that a change of it is seen.

use anyhow::{Context as _, Result, ensure};

use crate::{process, ui, workspace};

const FILE: &str = "docs/openapi.json";

/// Writes the file, or only compares it.
pub(crate) fn run(check: bool) -> Result<()> {
    let mut cargo = process::cargo();
    let made = process::stdout(cargo.args(["run", "--quiet", "-p", "privacy-service", "--example", "openapi"]))?;
    let file = workspace::root().join(FILE);
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    if made == kept {
        ui::note(&format!("{FILE} is what the code says"));
        return Ok(());
    }
    ensure!(!check, "{FILE} is not what the code says any more; run `cargo xtask openapi` and look at the difference");
    std::fs::write(&file, made).with_context(|| format!("cannot write {FILE}"))?;
    ui::note(&format!("wrote {FILE}"));
    Ok(())
}
