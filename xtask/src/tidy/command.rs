//! `cargo xtask tidy`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::exceptions::{self, EXCEPTIONS};
use super::problem::{Problem, Rule};
use super::{facade, leftover, links, size, source, text};
use crate::layers;
use crate::{ui, workspace};

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let files = workspace::files()?;
    let mut problems = crate_folders(&root)?;
    for path in &files {
        let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        // What is not UTF-8 is not text.
        if let Ok(content) = String::from_utf8(bytes) {
            problems.extend(check(path, &content, &root));
        }
    }
    let open = exceptions::apply(EXCEPTIONS, problems);
    for problem in &open {
        ui::error(problem);
    }
    if !open.is_empty() {
        bail!("tidy: {} problem(s); xtask/src/tidy/exceptions.rs takes exceptions that have a good reason", open.len());
    }
    ui::note(&format!("tidy: {} files are in order", files.len()));
    Ok(())
}

fn check(path: &str, content: &str, root: &Path) -> Vec<Problem> {
    let mut problems = text::check(path, content);
    problems.extend(leftover::check_text(path, content));
    if text::has_extension(path, "md") {
        problems.extend(links::check(path, content, |file| root.join(file).exists()));
    }
    if text::has_extension(path, "rs") {
        let code = source::blank(content);
        problems.extend(leftover::check_code(path, &code));
        if !source::is_test_file(path) {
            problems.extend(size::check(path, &code));
            if facade::applies(path) {
                problems.extend(facade::check(path, &code));
            }
        }
    }
    problems
}

/// Every crate lives in a folder of its name.
fn crate_folders(root: &Path) -> Result<Vec<Problem>> {
    let packages = layers::packages(&workspace::metadata()?)?;
    let misplaced = packages.iter().filter(|package| !package.folder.ends_with(&package.name));
    Ok(misplaced
        .map(|package| {
            let folder = package.folder.strip_prefix(root).unwrap_or(&package.folder);
            Problem {
                rule: Rule::CrateFolder,
                path: folder.join("Cargo.toml").to_string_lossy().into_owned(),
                line: 1,
                message: format!("crate `{}` lives in another folder; rename one of them", package.name),
            }
        })
        .collect())
}
