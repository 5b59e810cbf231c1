//! From a parsed command line to the command.

use super::{
    access, check, config, connections, demo, erase, evidence, holds, init, key, man, package, purge, regulations,
    report, requests, serve, suppress, token, webhook, worker,
};
use crate::{
    cli::{Cli, Command, Connections, Key, Package, Requests},
    compose::{self, World},
    config::load,
    error::{CliError, Exit},
    output::Output,
};

pub(crate) async fn run(cli: Cli, output: &Output) -> Result<Exit, CliError> {
    let path = &cli.global.config;
    // With the connections of the record database.
    let all = async || compose::with_records(load(path)?).await;
    match cli.command {
        Command::Init(args) => init::run(args, path, output).await,
        Command::Check { connection } => check::command(path, connection.as_deref(), output).await,
        Command::Access(args) => access::run(&all().await?, &args, output).await,
        Command::Erase(args) if args.dry_run => erase::run(&compose::to_read(load(path)?).await?, &args, output).await,
        Command::Erase(args) => erase::run(&all().await?, &args, output).await,
        Command::Requests(args @ Requests::Retry { .. }) => requests::run(&all().await?, args, output).await,
        // What must be possible even while connections do not fit together.
        Command::Requests(args) => requests::run(&load(path)?, args, output).await,
        Command::Regulations(args) => regulations::run(&all().await?, args, World::default().clock.now(), output).await,
        Command::Connections(Connections::Test { key }) => check::command(path, Some(&key), output).await,
        Command::Connections(args) => connections::run(&load(path)?, args, output).await,
        Command::Holds(args) => holds::run(path, args, output).await,
        Command::Suppress(args) => suppress::run(&all().await?, &args, segment_core::Action::Suppression, output).await,
        Command::Unsuppress(args) => {
            suppress::run(&all().await?, &args, segment_core::Action::Unsuppression, output).await
        }
        Command::Worker { concurrency } => worker::run(path, concurrency, output).await,
        Command::Serve { listen } => serve::run(path, listen, output).await,
        Command::Purge { dry_run, forget } => purge::run(&load(path)?, dry_run, &forget, output).await,
        Command::Evidence(args) => evidence::run(path, args, output).await,
        Command::Package(Package::Verify { file }) => package::verify(&file, output).await,
        Command::Package(Package::Link { id, valid }) => package::link(&load(path)?, &id, valid, output).await,
        Command::Report(args) => report::run(&load(path)?, &args, output).await,
        Command::Token(args) => token::run(&load(path)?, args, output).await,
        Command::Webhook(args) => webhook::run(&load(path)?, args, output).await,
        Command::Key(Key::New { file }) => key::new(&file, output),
        Command::Key(Key::Rotate) => key::rotate(&load(path)?, output).await,
        Command::Config(args) => config::run(&args, path, output),
        Command::Demo => demo::run(output).await,
        Command::Completions { shell } => man::completions(shell, output),
        Command::Man => man::page(output),
    }
}
