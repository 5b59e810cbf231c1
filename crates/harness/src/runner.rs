//! Choosing scenarios, running them one after the other, and the table.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use clap::Parser;

use crate::{
    context::{Api, Column, Context, Records},
    environment::var,
    report,
    scenario::{Outcome, Scenario},
    scenarios,
};

/// Run the end-to-end scenarios: the real binary against a mock of Segment.
#[derive(Debug, Parser)]
#[command(name = "e2e", bin_name = "cargo xtask e2e", disable_version_flag = true)]
struct Cli {
    /// Only scenarios whose name contains one of these
    names: Vec<String>,
    /// The same, with commas between
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// List the scenarios and run none
    #[arg(long)]
    list: bool,
    /// Only on this of Segment's APIs of regulations
    #[arg(long, value_enum)]
    api: Option<Api>,
    /// Only with this kind of record database
    #[arg(long, value_enum)]
    records: Option<Records>,
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

/// A scenario in one column of the matrix.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) column: Column,
    pub(crate) result: Result<Outcome>,
    pub(crate) took: Duration,
}

/// The program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::problem(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let wanted: Vec<_> = cli.names.iter().chain(&cli.only).collect();
    let chosen = |scenario: &&Scenario| wanted.is_empty() || wanted.iter().any(|name| scenario.name().contains(*name));
    let chosen: Vec<_> = scenarios::all().filter(chosen).collect();
    if chosen.is_empty() {
        bail!("no scenario has such a name; --list shows them");
    }
    if cli.list {
        report::list(&chosen);
        return Ok(true);
    }
    let context = Context::from_environment()?;
    let wanted = |column: &Column| {
        cli.api.is_none_or(|api| api == column.api) && cli.records.is_none_or(|records| records == column.records)
    };
    let columns: Vec<_> = Column::ALL.into_iter().filter(wanted).collect();
    let rows: Vec<_> = chosen.iter().map(|scenario| row(scenario, &context, &columns)).collect();
    report::table(&rows, &columns);
    Ok(rows.iter().flat_map(|row| &row.cells).all(|cell| cell.result.is_ok()))
}

/// A scenario mostly waits: its columns run side by side.
fn row(scenario: &Scenario, context: &Context, columns: &[Column]) -> Row {
    let name = scenario.name();
    let run = |column: Column| cell(scenario, &name, &context.on(column));
    let cells = std::thread::scope(|scope| {
        let running: Vec<_> = columns.iter().map(|column| scope.spawn(move || run(*column))).collect();
        // A panic within a scenario is a failed cell; there is no other.
        running.into_iter().filter_map(|cell| cell.join().ok()).collect()
    });
    Row { name, cells }
}

fn cell(scenario: &Scenario, name: &str, context: &Context) -> Cell {
    let start = Instant::now();
    let result = match context.records() {
        Records::Postgres if context.postgres().is_none() => no_server(),
        _ => catch_unwind(AssertUnwindSafe(|| (scenario.run)(context)))
            .unwrap_or_else(|_| Err(anyhow!("the scenario itself panicked"))),
    };
    let cell = Cell { column: context.column(), result, took: start.elapsed() };
    report::ended(name, &cell);
    cell
}

/// Where there must be one, its absence is a failure.
fn no_server() -> Result<Outcome> {
    if var("CI").is_some() {
        bail!("there is no PostgreSQL server, and in CI there must be one");
    }
    Ok(Outcome::Skipped("there is no PostgreSQL server".to_owned()))
}
