//! Links from a document to files of the repository.

use std::path::{Component, Path, PathBuf};

use super::problem::{Problem, Rule};

/// Checks the links of one Markdown file; `exists` looks for a path relative to the root.
pub(super) fn check(path: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fenced = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for target in targets(line).into_iter().filter(|target| is_local(target)) {
            let file = target.split(['#', '?']).next().unwrap_or_default();
            if !resolve(path, file).is_some_and(|file| exists(&file)) {
                problems.push(Problem {
                    rule: Rule::BrokenLink,
                    path: path.to_owned(),
                    line: index + 1,
                    message: format!("link to `{target}`: no such file in the repository"),
                });
            }
        }
    }
    problems
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
    !target.starts_with('#') && !target.contains(':')
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

    #[track_caller]
    fn check_lines(text: &str, expected: &[usize]) {
        let there = ["docs/a.md", "README.md", "docs/img"];
        let problems = check("docs/index.md", text, |file| there.iter().any(|name| file == Path::new(name)));
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn good_links_pass() {
        check_lines(
            "[a](a.md#part) ![b](img) [c](../README.md \"title\") [d](/README.md) [e](<a.md>)\n[f]: a.md\n",
            &[],
        );
        check_lines("[a](https://example.org/x) [b](#here) [c](mailto:a@example.org) [`d`](crate::d)\n", &[]);
    }

    #[test]
    fn broken_links_are_found() {
        check_lines("x\n[a](b.md) [`c`](../src/c.rs)\n[d]: missing.md\n[e](../../outside.md)\n", &[2, 2, 3, 4]);
    }

    #[test]
    fn code_is_no_link() {
        check_lines("`[a](b.md)`\n```text\n[a](b.md)\n```\n[x]: a.md\n", &[]);
    }
}
