//! The only place of the harness that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this file is for")]

use comfy_table::{Table, presets};

use crate::{
    runner::Row,
    scenario::{Outcome, Scenario},
};

pub(crate) fn list(scenarios: &[&Scenario]) {
    for scenario in scenarios {
        println!("{:<34}{}", scenario.name(), scenario.about.trim());
    }
}

pub(crate) fn begins(name: &str) {
    eprint!("{name} ...");
}

pub(crate) fn ended(row: &Row) {
    let seconds = row.took.as_secs_f64();
    match &row.result {
        Ok(Outcome::Skipped(why)) => eprintln!(" SKIPPED: {why}"),
        Ok(_) => eprintln!(" passed ({seconds:.1} s)"),
        Err(error) => eprintln!(" FAILED ({seconds:.1} s)\n{error:#}"),
    }
}

pub(crate) fn table(rows: &[Row]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(["scenario", "result", "seconds", ""]);
    for row in rows {
        let (result, note) = match &row.result {
            Ok(Outcome::Passed) => ("pass", String::new()),
            Ok(Outcome::Cases(cases)) => ("pass", format!("{cases} cases")),
            Ok(Outcome::Skipped(why)) => ("SKIPPED", why.clone()),
            Err(error) => ("FAIL", format!("{error:#}").lines().next().unwrap_or_default().chars().take(90).collect()),
        };
        table.add_row([row.name.clone(), result.to_owned(), format!("{:.1}", row.took.as_secs_f64()), note]);
    }
    println!("{table}");
    let failed = rows.iter().filter(|row| row.result.is_err()).count();
    let skipped = rows.iter().filter(|row| matches!(row.result, Ok(Outcome::Skipped(_)))).count();
    println!("{} passed, {failed} failed, {skipped} skipped", rows.len() - failed - skipped);
}

/// Figures of a benchmark.
pub(crate) fn figures(header: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.to_vec());
    for row in rows {
        table.add_row(row.clone());
    }
    println!("{table}");
}

pub(crate) fn problem(error: &anyhow::Error) {
    eprintln!("e2e: {error:#}");
}
