//! `lib.rs` and `mod.rs` say what there is: docs, modules, uses and re-exports, nothing else.

use super::problem::{Problem, Rule, line_of};
use super::source;

pub(super) fn applies(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("lib.rs" | "mod.rs"))
}

pub(super) fn check(path: &str, code: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    foreign(code, 0, code.len(), &mut |item, position| {
        problems.push(Problem {
            rule: Rule::Facade,
            path: path.to_owned(),
            line: line_of(code, position),
            message: format!("`{item}` does not belong into a facade; move it to a module and re-export it"),
        });
    });
    problems
}

/// Reports each item between two positions that is no module, no use and no re-export.
fn foreign(code: &str, start: usize, end: usize, report: &mut impl FnMut(&str, usize)) {
    let mut at = start;
    let mut is_test = false;
    loop {
        at = source::skip_space(code, at);
        if at >= end {
            return;
        }
        let rest = &code[at..end];
        if rest.starts_with('#') {
            let Some(open) = rest.find('[') else { return };
            let after = source::closing(code, at + open);
            is_test |= source::is_test_attribute(&code[at..after]);
            at = after;
            continue;
        }
        if rest.starts_with(';') {
            at += 1;
            continue;
        }
        let item = Item::parse(code, at);
        match (item.kind, item.body) {
            ("use", _) | ("mod", None) => {}
            ("mod", Some(_)) if is_test => {}
            ("mod", Some(body)) => foreign(code, body + 1, item.end - 1, report),
            _ => report(item.head, at),
        }
        is_test = false;
        at = item.end;
    }
}

/// One item without its attributes.
struct Item<'a> {
    /// Its first words.
    head: &'a str,
    /// The first word without visibility; `use` for `extern crate` too.
    kind: &'a str,
    /// Its opening brace.
    body: Option<usize>,
    /// The position after it.
    end: usize,
}

impl<'a> Item<'a> {
    fn parse(code: &'a str, start: usize) -> Self {
        let rest = &code[start..];
        let (mut kind, mut tail) = first_word(rest);
        if kind == "pub" {
            let visible = tail.trim_start();
            let skip = if visible.starts_with('(') { source::closing(visible, 0) } else { 0 };
            (kind, tail) = first_word(&visible[skip..]);
        }
        if kind == "extern" && first_word(tail).0 == "crate" {
            kind = "use";
        }
        // The braces of `use a::{b, c};` are no body.
        let stops: &[char] = if kind == "use" { &[';'] } else { &[';', '{'] };
        let stop = rest.find(stops).map_or(code.len(), |offset| start + offset);
        let body = code[stop..].starts_with('{').then_some(stop);
        let end = if body.is_some() { source::closing(code, stop) } else { code.len().min(stop + 1) };
        let head = code[start..stop].lines().next().unwrap_or_default().trim_end();
        Self { head, kind, body, end }
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.bytes().take_while(|byte| source::is_word(*byte)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_items(source: &str, expected: &[(usize, &str)]) {
        let problems = check("src/lib.rs", &source::blank(source));
        let found: Vec<_> = problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((line, message), (expected_line, item)) in found.iter().zip(expected) {
            assert_eq!(line, expected_line);
            assert!(message.starts_with(&format!("`{item}`")), "{message}");
        }
    }

    #[test]
    fn docs_modules_and_re_exports_pass() {
        check_items(
            "//! Docs: fn x() {}\n#![doc = include_str!(\"../README.md\")]\n#[macro_use]\nmod macros;\n\
             pub mod a;\npub(crate) mod b;\npub use a::{C, d::{E, F}};\nextern crate alloc;\n\
             #[cfg(feature = \"testing\")]\npub mod testing;\npub mod prelude { pub use super::a::C; }\n\
             #[cfg(test)]\nmod tests { fn a() {} }\n",
            &[],
        );
    }

    #[test]
    fn anything_else_is_named() {
        check_items(
            "mod a;\n/// Doc\npub fn run() -> u8 { 1 }\nconst X: &[u8] = &[1, 2];\nuse b::{c};\n#[derive(Debug)]\n\
             pub(crate) struct S { x: u8 }\nimpl S {}\nmacro_rules! m { () => {} }\n",
            &[
                (3, "pub fn run() -> u8"),
                (4, "const X: &[u8] = &[1, 2]"),
                (7, "pub(crate) struct S"),
                (8, "impl S"),
                (9, "macro_rules! m"),
            ],
        );
    }

    #[test]
    fn inline_modules_keep_to_the_rule() {
        check_items("pub mod prelude {\n    pub use a::B;\n    fn hidden() {}\n}\nuse c::D;\n", &[(3, "fn hidden()")]);
    }

    #[test]
    fn only_facades_are_checked() {
        assert!(applies("crates/a/src/lib.rs") && applies("crates/a/src/b/mod.rs") && !applies("src/calib.rs"));
    }
}
