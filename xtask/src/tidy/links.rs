//! Links from a document to files of the repository, and to the headings in them.

use std::path::{Component, Path, PathBuf};

use super::anchors::{anchors, numbered};
use super::problem::{Problem, Rule};

/// What is at a path of the repository.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    /// A folder, or a file in which a link can name no heading.
    Something,
    /// A document, by its text.
    Document(String),
}

/// Checks the links of one Markdown file; `look` looks for a path relative to the root.
pub(super) fn check(path: &str, text: &str, look: impl Fn(&Path) -> Found) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in numbered(text) {
        for target in targets(line).into_iter().filter(|target| is_local(target)) {
            problems.extend(fault(path, text, &target, &look).map(|fault| Problem {
                rule: Rule::BrokenLink,
                path: path.to_owned(),
                line: number,
                message: format!("link to `{target}`: {fault}"),
            }));
        }
    }
    problems
}

/// What is wrong with a link of the document.
fn fault(path: &str, text: &str, target: &str, look: impl Fn(&Path) -> Found) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = file.split('?').next().unwrap_or_default();
    let found = if file.is_empty() {
        Found::Document(text.to_owned())
    } else {
        resolve(path, file).map_or(Found::Nothing, |file| look(&file))
    };
    match found {
        Found::Nothing => Some("no such file in the repository"),
        Found::Document(text) if !anchor.is_empty() && !anchors(&text).iter().any(|name| name == anchor) => {
            Some("no such heading there")
        }
        _ => None,
    }
}

/// The targets of `[text](target)`, `[text](<target> "title")` and `[label]: target`.
fn targets(line: &str) -> Vec<String> {
    let prose = without_code(line);
    let mut targets: Vec<&str> = prose
        .match_indices("](")
        .filter_map(|(at, _)| prose[at + 2..].find(')').map(|end| &prose[at + 2..at + 2 + end]))
        .collect();
    if let Some((label, target)) = prose.trim_start().split_once("]: ")
        && label.starts_with('[')
        && !label.starts_with("[^")
    {
        targets.push(target);
    }
    let words = targets.into_iter().filter_map(|target| target.split_whitespace().next());
    words.map(|word| word.trim_matches(['<', '>']).to_owned()).collect()
}

/// The line without `code`.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// Other places are not looked up; `crate::…` is rustdoc's, which checks it.
fn is_local(target: &str) -> bool {
    !target.contains(':')
}

/// A path relative to the root; none when it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<PathBuf> {
    let folder = if target.starts_with('/') { Path::new("") } else { Path::new(from).parent()? };
    let mut resolved = PathBuf::new();
    for part in folder.join(target.trim_start_matches('/')).components() {
        match part {
            Component::Normal(name) => resolved.push(name),
            Component::ParentDir if !resolved.pop() => return None,
            _ => {}
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(file: &Path) -> Found {
        match file.to_str() {
            Some("docs/a.md") => Found::Document("# A\n## Part\n".to_owned()),
            Some("README.md" | "docs/img" | "src/a.rs") => Found::Something,
            _ => Found::Nothing,
        }
    }

    #[track_caller]
    fn check_lines(text: &str, expected: &[usize]) {
        let problems = check("docs/index.md", text, look);
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn good_links_pass() {
        check_lines(
            "[a](a.md#part) ![b](img) [c](../README.md \"title\") [d](/README.md) [e](<a.md>)\n[f]: a.md\n",
            &[],
        );
        check_lines("[a](https://example.org/x#y) [c](mailto:a@example.org) [`d`](crate::d)\n", &[]);
    }

    #[test]
    fn broken_links_are_found() {
        check_lines("x\n[a](b.md) [`c`](../src/c.rs)\n[d]: missing.md\n[e](../../outside.md)\n", &[2, 2, 3, 4]);
    }

    #[test]
    fn headings_are_looked_for() {
        check_lines("# Here\n[a](#here) [b](a.md#part) [c](a.md#a)\n", &[]);
        check_lines("# Here\n[a](#there)\n[b](a.md#missing)\n[c](a.md#Part)\n", &[2, 3, 4]);
        // Lines of code are GitHub's, and a document may be one that we do not read.
        check_lines("[a](../src/a.rs#L10) [b](../README.md#x)\n", &[]);
    }

    #[test]
    fn code_is_no_link() {
        check_lines("`[a](b.md)`\n```text\n[a](b.md)\n```\n[x]: a.md\n", &[]);
    }
}
