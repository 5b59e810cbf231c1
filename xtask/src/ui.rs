//! All that the tasks print themselves.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a development tool talks to its terminal, here only")]

use std::time::Duration;

/// An answer for a person or a script: standard output.
pub(crate) fn answer(text: &str) {
    println!("{text}");
}

/// Progress: standard error, so that answers can be piped.
pub(crate) fn note(text: &str) {
    eprintln!("xtask: {text}");
}

/// Something that must not be overlooked.
pub(crate) fn loud(text: &str) {
    let rule = "=".repeat(72);
    eprintln!("{rule}\n{text}\n{rule}");
}

pub(crate) fn error(text: &str) {
    eprintln!("xtask: error: {text}");
}

/// The start of a step of `ci`.
pub(crate) fn step(name: &str) {
    eprintln!("\n==> {name}");
}

/// Name, outcome and duration of each step.
pub(crate) fn table(rows: &[(String, String, Option<Duration>)]) {
    let width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    eprintln!();
    for (name, outcome, took) in rows {
        let took = took.map_or_else(|| "-".to_owned(), seconds);
        eprintln!("{name:width$}  {took:>8}  {outcome}");
    }
}

pub(crate) fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
