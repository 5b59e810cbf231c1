//! What would be published: that it builds, and that a stranger can use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::outside::{self, LIBRARIES};
use crate::layers::Package;
use crate::{environment, process, ui, workspace};

/// Packages every crate and builds each from its package alone, then builds a project outside of the workspace on three of
/// them.
pub(crate) fn package() -> Result<()> {
    let mut publish = process::cargo();
    process::run(publish.args(["publish", "--workspace", "--dry-run", "--locked"]).args(dirty()))?;
    let packages = packages()?;
    // What a dry run has made is not kept.
    let mut package = process::cargo();
    package.args(["package", "--locked", "--no-verify"]).args(dirty());
    for one in &packages {
        package.args(["-p", &one.name]);
    }
    process::run(&mut package)?;
    let made = workspace::target_directory()?.join("package");
    let folder = Folder::create()?;
    for one in &packages {
        unpack(&made.join(format!("{}-{}.crate", one.name, one.version)), &folder.0)?;
    }
    build_outside(&packages, &folder.0)
}

/// On a developer's machine the files as they are; in continuous integration only what is committed.
fn dirty() -> Option<&'static str> {
    (!environment::is_ci()).then_some("--allow-dirty")
}

/// The libraries that must be usable alone.
fn packages() -> Result<Vec<Package>> {
    let mut all = workspace::published()?;
    all.retain(|package| LIBRARIES.contains(&&*package.name));
    if all.len() != LIBRARIES.len() {
        bail!("not all of {} are published", LIBRARIES.join(", "));
    }
    Ok(all)
}

fn unpack(file: &Path, folder: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    process::quietly(tar.arg("-xzf").arg(file).arg("-C").arg(folder))
}

/// With the versions of our lock file: a new release of a dependency is not what this is about.
fn build_outside(packages: &[Package], folder: &Path) -> Result<()> {
    let project = folder.join("outside");
    let sources = project.join("src");
    fs::create_dir_all(&sources).with_context(|| format!("cannot make {}", sources.display()))?;
    fs::write(project.join("Cargo.toml"), outside::manifest(packages)?)?;
    fs::write(sources.join("main.rs"), outside::MAIN)?;
    fs::copy(workspace::root().join("Cargo.lock"), project.join("Cargo.lock"))?;
    ui::note("a project outside of the workspace uses the packages");
    let target = workspace::target_directory()?.join("outside");
    let mut cargo = process::cargo_here();
    process::run(cargo.current_dir(&project).env("CARGO_TARGET_DIR", target).args(["check", "--all-targets"]))
}

/// A folder of the system for temporary files, which goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("segment-privacy-outside-{}", std::process::id()));
        // Whoever was here before with our number is gone.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            ui::note(&format!("{} is left behind: {error}", self.0.display()));
        }
    }
}
