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
