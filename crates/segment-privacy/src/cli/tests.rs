//! Every help page, as people see it.

use std::fmt::Write as _;

use clap::{Command, CommandFactory};

use super::Cli;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

/// The page of a command, and those of its subcommands.
fn pages(mut command: Command, path: &str, all: &mut String) {
    let page = command.render_long_help().to_string();
    let lines: Vec<_> = page.lines().map(str::trim_end).collect();
    let _ = writeln!(all, "$ {path} --help\n{}\n", lines.join("\n").trim_end());
    for subcommand in command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help") {
        pages(subcommand.clone(), &format!("{path} {}", subcommand.get_name()), all);
    }
}

#[test]
fn every_help_page() {
    let mut command = Cli::command().term_width(100);
    // Global options are known to subcommands only after this.
    command.build();
    let mut all = String::new();
    pages(command, "segment-privacy", &mut all);
    for page in ["connections add", "holds list", "requests resolve", "config schema", "worker", "completions", "man"] {
        assert!(all.contains(&format!("$ segment-privacy {page} --help")), "{page}");
    }
    insta::assert_snapshot!("help", all);
}
