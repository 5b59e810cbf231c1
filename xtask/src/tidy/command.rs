//! `cargo xtask tidy`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::exceptions::{self, EXCEPTIONS, Exception};
use super::problem::{Problem, Rule};
use super::{
    facade, leftover,
    links::{self, Found},
    size, source, text,
};
use crate::layers;
use crate::{ui, workspace};

pub(crate) fn run() -> Result<()> {
    let root = workspace::root();
    let mut problems = crate_folders(&root)?;
    let files = on_every_text(&root, |path, content| problems.extend(check(path, content, &root)))?;
    tell("tidy", &exceptions::apply(EXCEPTIONS, problems))?;
    ui::note(&format!("tidy: {files} files are in order"));
    Ok(())
}

/// The links alone.
pub(crate) fn links() -> Result<()> {
    let root = workspace::root();
    let mut problems = Vec::new();
    on_every_text(&root, |path, content| problems.extend(check_links(path, content, &root)))?;
    let of_links = |exception: &&Exception| exception.rule == Rule::BrokenLink;
    let exceptions: Vec<_> = EXCEPTIONS.iter().filter(of_links).copied().collect();
    tell("links", &exceptions::apply(&exceptions, problems))?;
    ui::note("links: all lead somewhere");
    Ok(())
}

/// Calls `look` with each file that is text, and says how many files there are.
fn on_every_text(root: &Path, mut look: impl FnMut(&str, &str)) -> Result<usize> {
    let files = workspace::files()?;
    for path in &files {
        let bytes = fs::read(root.join(path)).with_context(|| format!("cannot read {path}"))?;
        // What is not UTF-8 is not text.
        if let Ok(content) = String::from_utf8(bytes) {
            look(path, &content);
        }
    }
    Ok(files.len())
}

fn tell(what: &str, open: &[String]) -> Result<()> {
    for problem in open {
        ui::error(problem);
    }
    if !open.is_empty() {
        bail!(
            "{what}: {} problem(s); xtask/src/tidy/exceptions.rs takes exceptions that have a good reason",
            open.len()
        );
    }
    Ok(())
}

fn check(path: &str, content: &str, root: &Path) -> Vec<Problem> {
    let mut problems = text::check(path, content);
    problems.extend(leftover::check_text(path, content));
    problems.extend(check_links(path, content, root));
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

fn check_links(path: &str, content: &str, root: &Path) -> Vec<Problem> {
    if text::has_extension(path, "md") { links::check(path, content, |file| found(root, file)) } else { Vec::new() }
}

fn found(root: &Path, file: &Path) -> Found {
    let full = root.join(file);
    let is_document = full.is_file() && file.to_str().is_some_and(|name| text::has_extension(name, "md"));
    match fs::read_to_string(&full) {
        Ok(text) if is_document => Found::Document(text),
        _ if full.exists() => Found::Something,
        _ => Found::Nothing,
    }
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
