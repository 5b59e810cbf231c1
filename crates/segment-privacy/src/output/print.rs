//! The only place that prints.

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::{
    cli::{Color, Format, Global},
    error::{CliError, Exit},
};

/// The width of a table where there is no terminal to fill.
const WIDTH: u16 = 140;

/// How results are printed.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    color: Color,
}

/// Wrong usage, in clap's words; asking for help is no error.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let asked = !error.use_stderr();
    if !asked && wants_json() {
        let message = error.render().to_string();
        told(&json!({"error": {"code": "usage", "message": message.trim_end(), "hint": "--help"}}).to_string());
        return Exit::Usage.into();
    }
    // A closed pipe is the reader's choice.
    let _ = error.print();
    if asked { ExitCode::SUCCESS } else { Exit::Usage.into() }
}

/// Whether the command line asks for JSON, although it could not be read.
fn wants_json() -> bool {
    let args: Vec<_> = std::env::args_os().collect();
    args.iter().any(|arg| arg == "--output=json")
        || args.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json")
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        Self { format: global.output, quiet: global.quiet, color: global.color }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A result: one JSON document, or text made for people.
    pub(crate) fn result<T: Serialize>(&self, value: &T, text: impl FnOnce(&Self) -> String) -> Result<(), CliError> {
        if self.is_json() {
            let document =
                serde_json::to_string_pretty(value).map_err(|error| CliError::unexpected("cannot print", &error))?;
            self.raw(&document);
        } else {
            self.raw(&text(self));
        }
        Ok(())
    }

    /// Text as it is, to stdout.
    #[expect(clippy::unused_self, reason = "printing goes through an output")]
    pub(crate) fn raw(&self, text: &str) {
        // A reader that closed the pipe has read enough: the exit code still says what was done.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// Something that a person should see, to stderr.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            told(text);
        }
    }

    /// A failure, to stderr.
    pub(crate) fn fail(&self, error: &CliError) -> ExitCode {
        if self.is_json() {
            let document = json!({"error": {"code": error.code, "message": error.message, "hint": error.hint}});
            told(&document.to_string());
        } else {
            let label = if self.color.on_stderr() { "\u{1b}[1;31merror\u{1b}[0m" } else { "error" };
            told(&format!("{label}: {}", error.message));
            if let Some(hint) = &error.hint {
                told(&format!(" hint: {hint}"));
            }
        }
        error.exit.into()
    }

    /// A status in its colour.
    pub(crate) fn status(&self, status: &str) -> String {
        let colour = match status {
            "complete" | "succeeded" | "FINISHED" => "32",
            "error" | "failed" | "requires_attention" | "FAILED" => "31",
            "warning" | "pending" => "33",
            _ => return status.to_owned(),
        };
        if self.color.on_stdout() { format!("\u{1b}[{colour}m{status}\u{1b}[0m") } else { status.to_owned() }
    }
}

/// To stderr; somebody who closed it does not want to know.
fn told(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// An empty table with these columns.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.to_vec());
    if cfg!(test) || !std::io::stdout().is_terminal() {
        table.set_width(WIDTH);
    }
    table
}
