//! `cargo xtask layers`.

use std::path::Path;

use anyhow::{Result, bail};

use super::{absent, edges, manifest, package};
use crate::{ui, workspace};

pub(crate) fn run() -> Result<()> {
    let packages = package::packages(&workspace::metadata()?)?;
    let mut problems = edges::check(&packages);
    problems.extend(absent::check(&packages)?);
    problems.extend(manifest::check(&packages, Path::is_file));
    for problem in &problems {
        ui::error(problem);
    }
    if !problems.is_empty() {
        bail!("layers: {} problem(s)", problems.len());
    }
    ui::note(&format!("layers: {} packages keep to the table", packages.len()));
    Ok(())
}
