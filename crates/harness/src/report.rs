//! The only place of the harness that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this file is for")]

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::{
    context::Column,
    runner::{Cell, Row},
    scenario::{Outcome, Scenario},
};

pub(crate) fn list(scenarios: &[&Scenario]) {
    for scenario in scenarios {
        println!("{:<34}{}", scenario.name(), scenario.about.trim());
    }
}

pub(crate) fn ended(name: &str, cell: &Cell) {
    let (seconds, column) = (cell.took.as_secs_f64(), cell.column.name());
    match &cell.result {
        Ok(Outcome::Skipped(why)) => eprintln!("{name} ({column}) SKIPPED: {why}"),
        Ok(Outcome::NotHere) => {}
        Ok(_) => eprintln!("{name} ({column}) passed ({seconds:.1} s)"),
        Err(error) => eprintln!("{name} ({column}) FAILED ({seconds:.1} s)\n{error:#}"),
    }
}

pub(crate) fn table(rows: &[Row], columns: &[Column]) {
    let mut table = Table::new();
    let names = columns.iter().map(|column| column.name());
    let header = ["scenario".to_owned()].into_iter().chain(names).chain(["seconds".to_owned(), String::new()]);
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    for row in rows {
        let seconds = row.cells.iter().map(|cell| cell.took.as_secs_f64()).fold(0.0, f64::max);
        let results = row.cells.iter().map(|cell| result(cell).to_owned());
        let name = [row.name.clone()].into_iter();
        table.add_row(name.chain(results).chain([format!("{seconds:.1}"), note(row)]).collect::<Vec<_>>());
    }
    println!("{table}");
    for row in rows {
        for cell in &row.cells {
            if let Err(error) = &cell.result {
                println!("{} ({}) FAILED: {error:#}", row.name, cell.column.name());
            }
        }
    }
    let count = |wanted: &str| rows.iter().flat_map(|row| &row.cells).filter(|cell| result(cell) == wanted).count();
    println!("{} passed, {} failed, {} skipped", count("pass"), count("FAIL"), count("SKIPPED"));
}

fn result(cell: &Cell) -> &'static str {
    match &cell.result {
        Ok(Outcome::Passed | Outcome::Cases(_)) => "pass",
        Ok(Outcome::Skipped(_)) => "SKIPPED",
        Ok(Outcome::NotHere) => "–",
        Err(_) => "FAIL",
    }
}

/// What is worth a look, first of all a failure.
fn note(row: &Row) -> String {
    let failed = row.cells.iter().find_map(|cell| {
        let error = cell.result.as_ref().err()?;
        Some(format!("{}: {error:#}", cell.column.name()).lines().next().unwrap_or_default().chars().take(90).collect())
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

/// What was measured, as it was shown: for [`write_figures`].
static MEASURED: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Figures of a benchmark.
pub(crate) fn figures(name: &str, header: &[&str], rows: &[Vec<String>]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.to_vec());
    let mut shown = Vec::new();
    for row in rows {
        table.add_row(row.clone());
        let fields = header.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned().map(Value::from));
        shown.push(Value::Object(fields.collect()));
    }
    println!("{table}");
    let measured = json!({"benchmark": name, "rows": shown});
    MEASURED.lock().unwrap_or_else(PoisonError::into_inner).push(measured);
}

/// Writes what was measured, with when and on how many cores.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_figures(path: &Path) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let measured = std::mem::take(&mut *MEASURED.lock().unwrap_or_else(PoisonError::into_inner));
    let document = json!({
        "at": segment_core::ports::Clock::now(&segment_http::SystemClock::new()),
        "version": env!("CARGO_PKG_VERSION"),
        "cores": cores,
        "optimised": !cfg!(debug_assertions),
        "figures": measured,
    });
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, serde_json::to_vec_pretty(&document)?)?;
    eprintln!("figures: {}", path.display());
    Ok(())
}

pub(crate) fn problem(error: &anyhow::Error) {
    eprintln!("e2e: {error:#}");
}
