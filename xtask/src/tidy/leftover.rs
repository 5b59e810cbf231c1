//! What was meant to be finished later.

use super::problem::{Problem, Rule, line_of};

/// Written in two parts: this file is checked as well.
const NOTE: &str = concat!("FIX", "ME");

/// What code must not say, without white space, and what to do instead.
const IN_CODE: [(&str, &str); 3] = [
    ("todo!", "write it, or return an error"),
    ("unimplemented!", "write it, or return an error"),
    ("#[ignore]", "give the reason: #[ignore = \"…\"]"),
];

/// Looks through blanked Rust source.
pub(super) fn check_code(path: &str, code: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (found, fix) in IN_CODE {
        problems.extend(code.match_indices(found).map(|(at, _)| problem(path, line_of(code, at), found, fix)));
    }
    problems
}

/// Looks through any text.
pub(super) fn check_text(path: &str, text: &str) -> Vec<Problem> {
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains(NOTE));
    lines.map(|(index, _)| problem(path, index + 1, NOTE, "repair it, or say what is so and why")).collect()
}

fn problem(path: &str, line: usize, found: &str, fix: &str) -> Problem {
    Problem { rule: Rule::Leftover, path: path.to_owned(), line, message: format!("`{found}` is left; {fix}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source;

    fn lines(source: &str) -> Vec<usize> {
        let mut problems = check_code("a.rs", &source::blank(source));
        problems.extend(check_text("a.rs", source));
        problems.iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn leftovers_are_found() {
        assert_eq!(lines("fn a() {\n    todo!()\n}"), [2]);
        assert_eq!(lines("fn a() { unimplemented!(\"b\") }"), [1]);
        assert_eq!(lines("#[test]\n#[ignore]\nfn a() {}"), [2]);
        assert_eq!(lines(&format!("// {NOTE} later")), [1]);
    }

    #[test]
    fn words_in_strings_and_reasons_are_fine() {
        assert!(lines("let a = \"todo!\"; // todo!\n#[ignore = \"needs a workspace\"]\nfn b() {}").is_empty());
    }
}
