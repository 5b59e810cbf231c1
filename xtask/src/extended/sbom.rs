//! Bills of materials: what each published crate is made of, for whoever has to know.

use std::fs;

use anyhow::{Context as _, Result};

use crate::{layers, process, tools, ui, workspace};

/// Writes `target/sbom/NAME.cdx.json`.
///
/// cargo-cyclonedx writes a file for every crate beside its manifest and can nothing else, so they are moved from there, and
/// those of crates that are not published are removed.
pub(crate) fn sbom() -> Result<()> {
    let mut cyclonedx = tools::need("cargo-cyclonedx")?;
    let packages = layers::packages(&workspace::metadata()?)?;
    let folder = workspace::target_directory()?.join("sbom");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    cyclonedx.args(["--format", "json", "--spec-version", "1.5", "--all", "--target", "all"]);
    let written = process::run(&mut cyclonedx);
    for package in &packages {
        let name = format!("{}.cdx.json", package.name);
        let file = package.folder.join(&name);
        if file.is_file() && written.is_ok() && package.published {
            fs::copy(&file, folder.join(&name)).with_context(|| format!("cannot write {name}"))?;
        }
        if file.is_file() {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    written?;
    for package in packages.iter().filter(|package| package.published) {
        let file = folder.join(format!("{}.cdx.json", package.name));
        let text = fs::read_to_string(&file).with_context(|| format!("no bill of materials of {}", package.name))?;
        serde_json::from_str::<serde_json::Value>(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    }
    ui::note(&format!("bills of materials are in {}", folder.display()));
    Ok(())
}
