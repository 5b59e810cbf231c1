//! Development tasks of this workspace: `cargo xtask help` lists them.
//!
//! `cargo xtask ci` *is* the continuous integration: the workflow and `.ci/run` only prepare a machine and call it.

use std::process::ExitCode;

use clap::Parser;

mod ci;
mod cli;
mod db;
mod environment;
mod extended;
mod layers;
mod openapi;
mod process;
mod publish;
mod run;
mod setup;
mod sim;
mod test;
mod tidy;
mod tools;
mod ui;
mod workspace;

fn main() -> ExitCode {
    if let Some(code) = sim::as_wrapper() {
        return code;
    }
    match dispatch(cli::Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            ui::error(&format!("{error:#}"));
            process::exit_code(&error)
        }
    }
}

fn dispatch(task: cli::Task) -> anyhow::Result<()> {
    match task {
        cli::Task::Demo { args } => run::demo(&args),
        cli::Task::Mock { args } => run::mock(&args),
        cli::Task::E2e { args } => run::harness(run::Harness::E2e, &args),
        cli::Task::Bench { args } => run::harness(run::Harness::Bench, &args),
        cli::Task::Sim { args } => sim::run(&args),
        cli::Task::Sabotage { how } => sim::sabotage(&how),
        cli::Task::Test { args } => test::run(&args),
        cli::Task::Db { task } => db::run(task),
        cli::Task::Layers => layers::run(),
        cli::Task::Tidy => tidy::run(),
        cli::Task::Openapi { check } => openapi::run(check),
        cli::Task::Ci { steps, keep_going } => ci::run(&steps, keep_going),
        cli::Task::Setup { check } => setup::run(check),
        cli::Task::CheckTag { tag } => publish::check_tag(&tag),
        cli::Task::Publish { execute } => publish::run(execute),
    }
}
