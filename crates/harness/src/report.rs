//! The only place of the harness that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this file is for")]

use comfy_table::{Table, presets};

use crate::{
    context::Api,
    runner::{Cell, Row},
    scenario::{Outcome, Scenario},
};

pub(crate) fn list(scenarios: &[&Scenario]) {
    for scenario in scenarios {
        println!("{:<34}{}", scenario.name(), scenario.about.trim());
    }
}

pub(crate) fn begins(name: &str, api: Api) {
    eprint!("{name} ({}) ...", api.name());
}

pub(crate) fn ended(cell: &Cell) {
    let seconds = cell.took.as_secs_f64();
    match &cell.result {
        Ok(Outcome::Skipped(why)) => eprintln!(" SKIPPED: {why}"),
        Ok(Outcome::OtherApi) => eprintln!(" is of the other API"),
        Ok(_) => eprintln!(" passed ({seconds:.1} s)"),
        Err(error) => eprintln!(" FAILED ({seconds:.1} s)\n{error:#}"),
    }
}

pub(crate) fn table(rows: &[Row], apis: &[Api]) {
    let mut table = Table::new();
    let header = ["scenario"].into_iter().chain(apis.iter().map(|api| api.name())).chain(["seconds", ""]);
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    for row in rows {
        let seconds: f64 = row.cells.iter().map(|cell| cell.took.as_secs_f64()).sum();
        let results = row.cells.iter().map(|cell| result(cell).to_owned());
        let name = [row.name.clone()].into_iter();
        table.add_row(name.chain(results).chain([format!("{seconds:.1}"), note(row)]).collect::<Vec<_>>());
    }
    println!("{table}");
    let count = |wanted: &str| rows.iter().flat_map(|row| &row.cells).filter(|cell| result(cell) == wanted).count();
    println!("{} passed, {} failed, {} skipped", count("pass"), count("FAIL"), count("SKIPPED"));
}

fn result(cell: &Cell) -> &'static str {
    match &cell.result {
        Ok(Outcome::Passed | Outcome::Cases(_)) => "pass",
        Ok(Outcome::Skipped(_)) => "SKIPPED",
        Ok(Outcome::OtherApi) => "–",
        Err(_) => "FAIL",
    }
}

/// What is worth a look, first of all a failure.
fn note(row: &Row) -> String {
    let failed = row.cells.iter().find_map(|cell| {
        let error = cell.result.as_ref().err()?;
        Some(format!("{}: {error:#}", cell.api.name()).lines().next().unwrap_or_default().chars().take(90).collect())
    });
    let passed = || {
        row.cells.iter().find_map(|cell| match &cell.result {
            Ok(Outcome::Skipped(why)) => Some(why.clone()),
            Ok(Outcome::Cases(cases)) => Some(format!("{cases} cases")),
            _ => None,
        })
    };
    failed.or_else(passed).unwrap_or_default()
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
