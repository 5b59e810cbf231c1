//! What an erasure would do: asked before it is done, and all of a dry run.

use segment_core::{ConnectionKey, IdentitySet};

use crate::{
    cli::Erase,
    compose,
    config::Loaded,
    error::{CliError, Exit},
    output::{
        Output,
        shapes::{DryRunShape, RejectedShape},
        tables,
    },
};

pub(crate) fn question(loaded: &Loaded, whom: &str, connections: &[ConnectionKey]) -> String {
    let place = |key: &ConnectionKey| {
        let of_key = loaded.connections.iter().find(|one| one.config.key == key.as_str());
        match of_key.and_then(|one| one.source.as_ref()) {
            Some(source) => format!("{key}, the source {source} only"),
            None => key.to_string(),
        }
    };
    let keys: Vec<_> = connections.iter().map(place).collect();
    let what = if loaded.policy.masking_strict {
        "be suppressed: blocked, nothing deleted, until it is ended with `unsuppress`".to_owned()
    } else {
        format!("be deleted for good ({}): this cannot be undone", loaded.policy.regulation)
    };
    format!("At Segment ({}), {whom} will {what}.", keys.join("; "))
}

/// Composed without anything that can write.
pub(crate) async fn show(
    loaded: &Loaded,
    args: &Erase,
    people: &[IdentitySet],
    rejected: Vec<RejectedShape>,
    output: &Output,
) -> Result<Exit, CliError> {
    let planner = compose::planner(loaded, args.ask.connection.as_deref()).await?;
    let plan = planner.erasure(people, None).await?;
    let shape = DryRunShape { dry_run: true, plan: plan.into_iter().map(Into::into).collect(), rejected };
    output.result(&shape, |_| tables::dry_run(&shape))?;
    Ok(Exit::Done)
}
