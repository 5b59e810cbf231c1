//! The headings of a document, as links name them.

use std::collections::HashMap;

/// What `#…` may name in a Markdown document: its headings as GitHub and docs.rs spell them, and `<a id="…">`.
pub(super) fn anchors(text: &str) -> Vec<String> {
    let mut anchors = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for line in prose(text) {
        anchors.extend(explicit(line).map(str::to_owned));
        let Some(heading) = heading(line) else { continue };
        let slug = slug(heading);
        let before = seen.entry(slug.clone()).or_default();
        anchors.push(if *before == 0 { slug } else { format!("{slug}-{before}") });
        *before += 1;
    }
    anchors
}

/// The lines outside fenced blocks.
pub(super) fn prose(text: &str) -> impl Iterator<Item = &str> {
    numbered(text).map(|(_, line)| line)
}

/// The lines outside fenced blocks, counted from 1.
pub(super) fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        !fenced && !is_fence
    })
}

/// The text of `## Heading`; a heading that is underlined is not one here, nobody writes it so.
fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| text.trim().trim_end_matches('#').trim_end())
}

/// The names in `<a id="name">` and `<a name="name">`.
fn explicit(line: &str) -> impl Iterator<Item = &str> {
    let starts = ["<a id=\"", "<a name=\""].into_iter().flat_map(|start| line.split(start).skip(1));
    starts.filter_map(|rest| rest.split('"').next())
}

/// Letters and digits in lower case, `_` and `-`; white space becomes `-`; of a link its text counts.
fn slug(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ');
    let text = without_targets(heading);
    text.to_lowercase().chars().filter(|c| kept(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// `[text](target)` as `text`.
fn without_targets(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(anchors(text), expected);
    }

    #[test]
    fn headings_are_spelled_as_in_links() {
        check("# What always holds\n## Two clocks?\n", &["what-always-holds", "two-clocks"]);
        check("## `cargo xtask ci` & _more_\n", &["cargo-xtask-ci--_more_"]);
        check("### See [the table](docs/a.md), twice ###\n", &["see-the-table-twice"]);
        check("## Größe in MiB: 64\n", &["größe-in-mib-64"]);
    }

    #[test]
    fn the_second_of_its_name_has_a_number() {
        check("## Usage\n## Usage\n### Usage\n", &["usage", "usage-1", "usage-2"]);
    }

    #[test]
    fn code_and_words_with_a_hash_are_no_headings() {
        check("```sh\n# a comment\n```\n#hashtag\n####### seven\n", &[]);
    }

    #[test]
    fn explicit_names_count() {
        check("<a id=\"here\"></a> x <a name=\"there\"></a>\n", &["here", "there"]);
    }
}
