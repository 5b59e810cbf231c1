//! From a parsed command line to the command.

use super::{access, check, config, demo, erase, init, man, regulations, requests, suppress, worker};
use crate::{
    cli::{Cli, Command},
    compose::World,
    config::load,
    error::{CliError, Exit},
    output::Output,
};

pub(crate) async fn run(cli: Cli, output: &Output) -> Result<Exit, CliError> {
    let path = &cli.global.config;
    match cli.command {
        Command::Init(args) => init::run(args, path, output).await,
        Command::Check { connection } => check::run(&load(path)?, connection.as_deref(), output).await,
        Command::Access(args) => access::run(&load(path)?, &args, output).await,
        Command::Erase(args) => erase::run(&load(path)?, &args, output).await,
        Command::Requests(args) => requests::run(&load(path)?, args, output).await,
        Command::Regulations(args) => regulations::run(&load(path)?, args, World::default().clock.now(), output).await,
        Command::Suppress(args) => suppress::run(&load(path)?, &args, segment_core::Action::Suppression, output).await,
        Command::Unsuppress(args) => {
            suppress::run(&load(path)?, &args, segment_core::Action::Unsuppression, output).await
        }
        Command::Worker => worker::run(&load(path)?, output).await,
        Command::Config(args) => config::run(&args, path, output),
        Command::Demo => demo::run(output).await,
        Command::Completions { shell } => man::completions(shell, output),
        Command::Man => man::page(output),
    }
}
