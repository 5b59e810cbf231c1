//! Values of people as HTML: everything is text, and what is long is cut with a word where the whole of it is.

use std::borrow::Cow;

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::Value;

use super::texts::{Texts, fill};

/// Characters of one value that are shown.
const MOST_CHARACTERS: usize = 2_000;
/// Members of an object or a list that are shown, and how deep.
const MOST_MEMBERS: usize = 100;
const DEEPEST: usize = 4;

/// Where the whole of a cut value is.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) texts: &'a Texts,
    /// The path of the file in the package.
    pub(super) file: &'a str,
}

impl Shown<'_> {
    /// A value in words: texts as they are, objects and lists as lists.
    pub(super) fn value(self, value: &Value) -> Markup {
        self.nested(value, 0)
    }

    fn nested(self, value: &Value, depth: usize) -> Markup {
        match value {
            Value::Null => html! { span.soft { (self.texts.nothing_given) } },
            Value::Bool(true) => html! { (self.texts.yes) },
            Value::Bool(false) => html! { (self.texts.no) },
            Value::Number(number) => html! { (number.to_string()) },
            Value::String(text) => self.text(text),
            Value::Array(items) if items.is_empty() => html! { span.soft { (self.texts.nothing_given) } },
            Value::Object(members) if members.is_empty() => html! { span.soft { (self.texts.nothing_given) } },
            Value::Array(_) | Value::Object(_) if depth == DEEPEST => self.text(&value.to_string()),
            Value::Array(items) => html! {
                ul {
                    @for item in items.iter().take(MOST_MEMBERS) { li { (self.nested(item, depth + 1)) } }
                    @if items.len() > MOST_MEMBERS { li { (self.cut()) } }
                }
            },
            Value::Object(members) => html! {
                ul {
                    @for (name, value) in members.iter().take(MOST_MEMBERS) {
                        li { span.soft { (self.text(name)) ": " } (self.nested(value, depth + 1)) }
                    }
                    @if members.len() > MOST_MEMBERS { li { (self.cut()) } }
                }
            },
        }
    }

    /// A moment in UTC; what is none is shown as it is.
    pub(super) fn time(self, value: &Value) -> Markup {
        match value.as_str().and_then(|text| text.parse::<Timestamp>().ok()) {
            Some(at) => html! { (at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) },
            None => self.value(value),
        }
    }

    /// A text as it is, without characters that cannot be seen.
    pub(super) fn text(self, text: &str) -> Markup {
        match text.char_indices().nth(MOST_CHARACTERS) {
            None => html! { (visible(text)) },
            Some((end, _)) => html! { (visible(&text[..end])) " " (self.cut()) },
        }
    }

    /// Everything of a value as JSON.
    pub(super) fn json(self, value: &Value) -> Markup {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        html! { pre { (self.text(&text)) } }
    }

    fn cut(self) -> Markup {
        html! { em.soft { (fill(self.texts.cut, self.file)) } }
    }
}

/// Control characters, and those that turn around what follows them, as replacement characters.
fn visible(text: &str) -> Cow<'_, str> {
    let hides = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if text.contains(hides) { Cow::Owned(text.replace(hides, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::texts::ENGLISH;
    use serde_json::json;

    fn check(value: &Value, expected: &str) {
        assert_eq!(Shown { texts: &ENGLISH, file: "s/traits.json" }.value(value).into_string(), expected);
    }

    #[test]
    fn values_stay_text() {
        check(&json!("<script>alert(1)</script> & \"x\""), "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x&quot;");
        check(
            &json!({"<b>": [1, null, true]}),
            "<ul><li><span class=\"soft\">&lt;b&gt;: </span><ul><li>1</li>\
            <li><span class=\"soft\">nothing</span></li><li>yes</li></ul></li></ul>",
        );
        check(&json!("a\u{0}b\u{202e}c\nd"), "a\u{fffd}b\u{fffd}c\nd");
        check(&json!([]), "<span class=\"soft\">nothing</span>");
    }

    #[test]
    fn what_is_long_or_deep_is_cut_and_says_where_it_is() {
        let shown = Shown { texts: &ENGLISH, file: "s/traits.json" };
        let long = shown.value(&json!("ü".repeat(5_000_000))).into_string();
        assert!(long.len() < 5_000 && long.contains("the whole of it is in the file s/traits.json"), "{}", long.len());
        let many = shown.value(&json!((0..1_000).collect::<Vec<_>>())).into_string();
        assert_eq!(many.matches("<li>").count(), MOST_MEMBERS + 1);
        let mut deep = json!("x");
        for _ in 0..100 {
            deep = json!([deep]);
        }
        assert_eq!(shown.value(&deep).into_string().matches("<ul>").count(), DEEPEST);
    }
}
