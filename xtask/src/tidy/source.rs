//! Rust source for scanners: strings and comments blanked, test modules found.

use std::ops::Range;

/// The source with every byte of strings, characters and comments replaced by a space; line breaks stay, so positions
/// and lines are those of the source.
pub(super) fn blank(source: &str) -> String {
    let bytes = source.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = opaque_end(bytes, at);
        if end > at {
            let opaque = &mut code[at..end];
            opaque.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
            at = end;
        } else {
            at += word_length(&bytes[at..]).max(1);
        }
    }
    String::from_utf8_lossy(&code).into_owned()
}

/// The end of the comment, string or character that starts here; the start when none does.
fn opaque_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let length = match rest {
        [b'/', b'/', ..] => line_comment(rest),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => quoted(rest, 1),
        [b'b' | b'c', b'"', ..] => quoted(rest, 2),
        [b'b', b'\'', ..] => 1 + character(&rest[1..]),
        [b'b' | b'c', b'r', b'"' | b'#', ..] => raw(rest, 2),
        [b'r', b'"' | b'#', ..] => raw(rest, 1),
        [b'\'', ..] => character(rest),
        _ => 0,
    };
    start + length
}

fn line_comment(rest: &[u8]) -> usize {
    rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())
}

/// Block comments nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[u8], first: usize) -> usize {
    let mut at = first;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r#"…"#` with as many `#` as it likes; a raw identifier such as `r#type` is none.
fn raw(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|byte| **byte == b'#').count();
    let first = prefix + hashes + 1;
    if rest.get(prefix + hashes) != Some(&b'"') {
        return 0;
    }
    let mut end = vec![b'"'];
    end.resize(hashes + 1, b'#');
    rest[first..].windows(end.len()).position(|window| window == end).map_or(rest.len(), |at| first + at + end.len())
}

/// `'x'` or `'\u{1f}'`; a lifetime is none.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'');
        return close.map_or(rest.len(), |at| at + 4);
    }
    let text = String::from_utf8_lossy(&rest[..rest.len().min(8)]);
    let mut characters = text.chars().skip(1);
    match (characters.next(), characters.next()) {
        (Some(one), Some('\'')) => one.len_utf8() + 2,
        _ => 0,
    }
}

/// The length of the identifier, keyword or number that starts here.
fn word_length(rest: &[u8]) -> usize {
    rest.iter().take_while(|byte| is_word(**byte)).count()
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The position after the bracket that closes the one here; the end when none does.
pub(super) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes()[open..].iter().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return open + offset + 1;
        }
    }
    code.len()
}

/// The `#[cfg(test)] mod … { … }` blocks of blanked source.
pub(super) fn test_modules(code: &str) -> Vec<Range<usize>> {
    let mut modules: Vec<Range<usize>> = Vec::new();
    for (start, _) in code.match_indices("#[") {
        let mut at = closing(code, start + 1);
        if !is_test_attribute(&code[start..at]) || modules.last().is_some_and(|last| last.contains(&start)) {
            continue;
        }
        at = skip_space(code, at);
        while code[at..].starts_with("#[") {
            at = skip_space(code, closing(code, at + 1));
        }
        let Some(brace) = code[at..].find(['{', ';']).map(|offset| at + offset) else { continue };
        if code[at..brace].split_whitespace().any(|word| word == "mod") && code[brace..].starts_with('{') {
            modules.push(start..closing(code, brace));
        }
    }
    modules
}

/// Whether this is `#[cfg(test)]`, also as `#[cfg(all(test, …))]`.
pub(super) fn is_test_attribute(attribute: &str) -> bool {
    let dense: String = attribute.split_whitespace().collect();
    dense.starts_with("#[cfg(test)") || dense.starts_with("#[cfg(all(test,")
}

pub(super) fn skip_space(code: &str, at: usize) -> usize {
    at + code[at..].len() - code[at..].trim_start().len()
}

/// Whether a file holds tests only: in a `tests` folder, or the `tests.rs` of a module.
pub(super) fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches" | "tests.rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exactly the hidden parts become spaces.
    #[track_caller]
    fn check(source: &str, hidden: &[&str]) {
        let expected = hidden.iter().fold(source.to_owned(), |text, part| {
            assert!(text.contains(part), "{part}");
            text.replacen(part, &" ".repeat(part.len()), 1)
        });
        assert_eq!(blank(source), expected);
    }

    #[test]
    fn strings_and_comments_are_blanked() {
        check("a // {\nb", &["// {"]);
        check("a /* { /* } */ { */ b", &["/* { /* } */ { */"]);
        check(r#"f("{\"{", x)"#, &[r#""{\"{""#]);
        check(r##"f(r#"{"{"#, b"{")"##, &[r##"r#"{"{"#"##, r#"b"{""#]);
        check(r"f('{', '\'', '\u{7b}', b'{', 'é')", &["'{'", r"'\''", r"'\u{7b}'", "b'{'", "'é'"]);
        assert_eq!(blank("a \"\n{\" b"), "a  \n   b");
    }

    #[test]
    fn lifetimes_raw_identifiers_and_words_stay() {
        check("fn f<'a>(x: &'a str) -> &'static str {}", &[]);
        check("let r#type = attr; for b in r {}", &[]);
    }

    #[test]
    fn an_unfinished_string_ends_with_the_file() {
        check("a \"b", &["\"b"]);
    }

    #[test]
    fn test_modules_are_found_behind_other_attributes() {
        let code = "fn a() {}\n#[cfg(test)]\n#[expect(x)]\nmod tests { fn b() {} }\nfn c() {}\n";
        let found = test_modules(code);
        assert_eq!(found.len(), 1);
        assert!(code[found[0].clone()].ends_with("fn b() {} }"));
        assert!(test_modules("#[cfg(test)]\nmod tests;\nfn a() {}").is_empty());
        assert!(test_modules("#[cfg(feature)]\nmod testing { }").is_empty());
        assert!(test_modules("#[cfg(test)]\nfn helper() { }").is_empty());
    }
}
