//! Choosing scenarios, running them one after the other, and the table.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use clap::Parser;

use crate::{
    context::{Api, Context},
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
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
}

/// A scenario on one of the APIs.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) api: Api,
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
    let apis = cli.api.map_or(Api::ALL.to_vec(), |api| vec![api]);
    let rows: Vec<_> = chosen.iter().map(|scenario| row(scenario, &context, &apis)).collect();
    report::table(&rows, &apis);
    Ok(rows.iter().flat_map(|row| &row.cells).all(|cell| cell.result.is_ok()))
}

fn row(scenario: &Scenario, context: &Context, apis: &[Api]) -> Row {
    let name = scenario.name();
    let cells = apis.iter().map(|api| cell(scenario, &name, &context.on(*api))).collect();
    Row { name, cells }
}

fn cell(scenario: &Scenario, name: &str, context: &Context) -> Cell {
    report::begins(name, context.api());
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| (scenario.run)(context)))
        .unwrap_or_else(|_| Err(anyhow!("the scenario itself panicked")));
    let cell = Cell { api: context.api(), result, took: start.elapsed() };
    report::ended(&cell);
    cell
}
