//! `erase`: one person, or many from a file; or only the plan.

use segment_core::Action;

use super::{access, ask, drive, file, plan};
use crate::{
    cli::Erase,
    compose::Need,
    config::Loaded,
    error::{CliError, Exit},
    output::{Output, ProgressLine},
};

pub(crate) async fn run(loaded: &Loaded, args: &Erase, output: &Output) -> Result<Exit, CliError> {
    if args.from.is_some() && args.ask.external_id.is_some() {
        return Err(CliError::usage("two_sources", "one --external-id cannot name everybody in a file")
            .hint("give the file a column external_id, or use --batch NAME"));
    }
    match (&args.from, args.identities.is_empty()) {
        (Some(_), false) => Err(CliError::usage("two_sources", "give identities or --from, not both")),
        (Some(path), true) => file::run(loaded, args, path, output).await,
        (None, _) => one(loaded, args, output).await,
    }
}

async fn one(loaded: &Loaded, args: &Erase, output: &Output) -> Result<Exit, CliError> {
    let identities = args.identities.read().map_err(|error| access::refused_identity(&error))?;
    if args.dry_run {
        return plan::show(loaded, args, &[identities], Vec::new(), output).await;
    }
    let asked = access::asked(Action::Erasure, identities, &args.ask)?;
    let line = ProgressLine::new(output.is_json());
    let engine = drive::engine(loaded, Need::of(args.ask.connection.as_deref()), None, &line).await?;
    let connections = engine.connections_for(Action::Erasure, asked.connection.as_ref())?;
    ask::confirm(
        &plan::question(loaded, "this person", &connections, args.ask.connection.as_deref()),
        args.yes,
        output,
    )?;
    let id = access::take(&engine, asked, output).await?;
    let driven = if args.wait.no_wait {
        None
    } else {
        Some(drive::drive(&engine, vec![id.clone()], drive::until(&args.wait), args.wait.timeout).await?)
    };
    line.done();
    drive::report(&engine, &id, &args.wait, args.reveal, driven, output).await
}
