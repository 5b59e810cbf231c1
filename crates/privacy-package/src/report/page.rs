//! The frame of every page: no load from outside, nothing that runs but our own few lines.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::texts::Texts;

const STYLE: &str = include_str!("style.css");
const FILTER: &str = include_str!("filter.js");

/// Nothing is loaded and nothing sent; only these exact texts are style and script.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(FILTER)
    )
});

/// A page of the report.
pub(super) fn page(texts: &Texts, title: &str, main: &Markup) -> String {
    frame(texts.language, title, texts.skip, main)
}

/// A page with a title and what is in its main part.
pub(crate) fn frame(language: &str, title: &str, skip: &str, main: &Markup) -> String {
    let whole = html! {
        (DOCTYPE)
        html lang=(language) {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(*POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { (skip) }
                main #main { (main) }
                script { (PreEscaped(FILTER)) }
            }
        }
    };
    whole.into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The colours of a theme: the first block of variables is the light one, the second the dark one.
    fn colour(theme: usize, name: &str) -> [f64; 3] {
        let block = STYLE.split(":root {").nth(theme + 1).unwrap().split('}').next().unwrap();
        let value = block.split(&format!("--{name}: #")).nth(1).unwrap().split(';').next().unwrap();
        let digits = if value.len() == 3 { value.chars().flat_map(|c| [c, c]).collect() } else { value.to_owned() };
        [0, 2, 4].map(|at| f64::from(u8::from_str_radix(&digits[at..at + 2], 16).unwrap()) / 255.0)
    }

    /// As WCAG 2 defines it.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let linear = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        let light = |[r, g, b]: [f64; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_text_has_the_contrast_that_wcag_asks_for_in_both_themes() {
        assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 0.01);
        for theme in [0, 1] {
            for (text, ground) in [
                ("ink", "paper"),
                ("soft", "paper"),
                ("accent", "paper"),
                ("ink", "shade"),
                ("ink", "note"),
                ("soft", "shade"),
            ] {
                let found = contrast(colour(theme, text), colour(theme, ground));
                assert!(found >= 4.5, "{text} on {ground}, theme {theme}: {found:.2}");
            }
        }
    }
}
