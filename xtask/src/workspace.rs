//! Where the workspace is and what it holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::layers::{self, Package};
use crate::{environment, process, ui};

/// The folder of the root manifest.
pub(crate) fn root() -> PathBuf {
    let xtask = environment::var("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").to_owned());
    let xtask = PathBuf::from(xtask);
    xtask.parent().map_or_else(|| xtask.clone(), Path::to_owned)
}

/// `cargo metadata` of the workspace's own packages.
pub(crate) fn metadata() -> Result<Value> {
    let text = process::stdout(process::cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str(&text).context("cargo metadata did not print JSON")
}

/// The packages that are published, as cargo lists them.
pub(crate) fn published() -> Result<Vec<Package>> {
    let packages = layers::packages(&metadata()?)?;
    Ok(packages.into_iter().filter(|package| package.published).collect())
}

/// Where cargo builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = metadata()?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(folder))
}

/// The files of the project, relative to the root: tracked ones, and new ones that are not ignored.
pub(crate) fn files() -> Result<Vec<String>> {
    let root = root();
    if !root.join(".git").exists() {
        ui::note("no .git folder: looking at every file outside target/");
        return walk(&root);
    }
    let mut git = Command::new("git");
    git.current_dir(&root).args(["-c", "safe.directory=*", "ls-files", "-z"]);
    let listed = process::stdout(git.args(["--cached", "--others", "--exclude-standard"]))?;
    let mut files: Vec<_> = listed.split('\0').filter(|name| root.join(name).is_file()).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(root: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                if path != root.join("target") {
                    folders.push(path);
                }
            } else if let Ok(relative) = path.strip_prefix(root) {
                files.push(relative.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    Ok(files)
}
