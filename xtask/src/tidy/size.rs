//! How long files and functions are, without their tests.

use super::problem::{Problem, Rule, line_of};
use super::source;

/// With documentation, without test modules.
pub(super) const FILE_LINES: usize = 400;

/// From the line of `fn` to the closing brace.
pub(super) const FUNCTION_LINES: usize = 60;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

pub(super) fn check(path: &str, code: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let lines = file_lines(code);
    if lines > FILE_LINES {
        problems.push(Problem {
            rule: Rule::LongFile,
            path: path.to_owned(),
            line: 1,
            message: format!("{lines} lines without tests, above {FILE_LINES}; give each purpose its own file"),
        });
    }
    let long = functions(code).into_iter().filter(|function| function.lines > FUNCTION_LINES);
    problems.extend(long.map(|function| Problem {
        rule: Rule::LongFunction,
        path: path.to_owned(),
        line: function.line,
        message: format!("`{}` has {} lines, above {FUNCTION_LINES}; split it", function.name, function.lines),
    }));
    problems
}

fn file_lines(code: &str) -> usize {
    let tests = source::test_modules(code);
    let inside: usize = tests.into_iter().map(|range| code[range].lines().count()).sum();
    code.lines().count() - inside
}

/// The functions outside test modules, also those inside other functions.
fn functions(code: &str) -> Vec<Function<'_>> {
    let tests = source::test_modules(code);
    let outside = |at: &usize| !tests.iter().any(|range| range.contains(at));
    let starts = code.match_indices("fn ").map(|(at, _)| at);
    starts.filter(outside).filter_map(|at| function(code, at)).collect()
}

fn function(code: &str, start: usize) -> Option<Function<'_>> {
    if start > 0 && source::is_word(code.as_bytes()[start - 1]) {
        return None;
    }
    let name = start + "fn ".len();
    let length = code[name..].bytes().take_while(|byte| source::is_word(*byte)).count();
    if length == 0 {
        return None;
    }
    let body = body(code, name + length)?;
    let lines = code[start..source::closing(code, body)].lines().count();
    Some(Function { name: &code[name..name + length], line: line_of(code, start), lines })
}

/// The brace that opens the body; none when the declaration ends without one.
fn body(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in code.as_bytes()[from..].iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(from + offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(source: &str) -> Vec<(String, usize, usize)> {
        let code = source::blank(source);
        functions(&code).into_iter().map(|found| (found.name.to_owned(), found.line, found.lines)).collect()
    }

    #[test]
    fn a_function_ends_at_its_brace() {
        let source = "\npub(crate) async fn a(x: [u8; 2]) -> char\nwhere\n    T: X,\n{\n    '}'\n}\nfn b() {}\n";
        assert_eq!(measured(source), [("a".to_owned(), 2, 6), ("b".to_owned(), 8, 1)]);
    }

    #[test]
    fn declarations_pointers_and_tests_are_none() {
        assert!(measured("trait T { fn a(&self) -> [u8; 4]; }").is_empty());
        assert!(measured("type F = fn (u8) -> u8; struct S { g: fn(u8) }").is_empty());
        assert!(measured("#[cfg(test)]\nmod tests {\n fn a() {}\n}").is_empty());
    }

    #[test]
    fn long_functions_are_reported_by_name() {
        let body = "    x();\n".repeat(FUNCTION_LINES - 1);
        let problems = check("a.rs", &format!("fn long() {{\n{body}}}\n"));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("`long` has 61 lines"), "{problems:?}");
        let body = "    x();\n".repeat(FUNCTION_LINES - 2);
        assert!(check("a.rs", &format!("fn fits() {{\n{body}}}\n")).is_empty());
    }

    #[test]
    fn tests_do_not_make_a_file_long() {
        let uses = "use x;\n".repeat(FILE_LINES);
        let tests = "#[cfg(test)]\nmod tests {\n    fn a() {}\n}\n";
        assert!(check("a.rs", &format!("{uses}{tests}")).is_empty());
        let problems = check("a.rs", &format!("{uses}use y;\n{tests}"));
        assert!(problems[0].message.starts_with("401 lines"), "{problems:?}");
    }
}
