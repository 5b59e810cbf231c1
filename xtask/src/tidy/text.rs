//! White space, and paths of somebody's machine.

use std::path::Path;

use super::problem::{Problem, Rule};

/// Homes of people and of build machines; in two parts, since this file is checked as well.
const MACHINE_PATHS: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/wo", "rk/"), concat!("/Us", "ers/")];

/// Folders of recorded data, whose white space is part of it.
const RECORDED: [&str; 5] = ["fixtures", "golden", "seeds", "snapshots", "testdata"];

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |rule, line, message: String| {
        problems.push(Problem { rule, path: path.to_owned(), line, message });
    };
    let recorded = path.split('/').any(|part| RECORDED.contains(&part));
    for (index, line) in text.lines().enumerate() {
        // `lines` takes `\r\n` away: it is reported once below.
        if !recorded && line.ends_with([' ', '\t']) {
            report(Rule::Whitespace, index + 1, "trailing white space; remove it".to_owned());
        }
        if line.contains('\t') && has_extension(path, "rs") {
            report(Rule::Whitespace, index + 1, "a tab; indent with spaces, write \\t in strings".to_owned());
        }
        if let Some(found) = MACHINE_PATHS.iter().find(|found| starts_a_path(line, found)) {
            let message = format!("`{found}…` exists on one machine only; make it relative or an argument");
            report(Rule::MachinePath, index + 1, message);
        }
    }
    if !recorded && text.contains("\r\n") {
        report(Rule::Whitespace, 1, "Windows line ends; convert them".to_owned());
    }
    if !recorded && !text.is_empty() && !text.ends_with('\n') {
        report(Rule::Whitespace, text.lines().count(), "no line break at the end of the file; add it".to_owned());
    }
    problems
}

pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Whether the folder is named as the first of an absolute path, unlike in `https://example.org/home/`.
fn starts_a_path(line: &str, folder: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '}' | ')' | '*' | '>');
    line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, text: &str, expected: &[(Rule, usize)]) {
        let found: Vec<_> = check(path, text).into_iter().map(|problem| (problem.rule, problem.line)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn white_space_is_checked() {
        check_text("a.md", "a\nb\n", &[]);
        check_text("a.md", "a \nb\n", &[(Rule::Whitespace, 1)]);
        check_text("a.md", "a\nb", &[(Rule::Whitespace, 2)]);
        check_text("a.md", "a\r\n", &[(Rule::Whitespace, 1)]);
        check_text("a.rs", "a\tb\n", &[(Rule::Whitespace, 1)]);
        check_text("Makefile", "\tb\n", &[]);
        check_text("tests/fixtures/a.csv", "a \r\nb", &[]);
    }

    #[test]
    fn machine_paths_are_checked_everywhere() {
        for folder in MACHINE_PATHS {
            check_text("tests/fixtures/a.json", &format!("{{}}\n\"{folder}me/x\"\n"), &[(Rule::MachinePath, 2)]);
            check_text("a.sh", &format!("cd {folder}x\n"), &[(Rule::MachinePath, 1)]);
            check_text("a.md", &format!("https://example.org{folder}x and ..{folder}\n"), &[]);
        }
    }
}
