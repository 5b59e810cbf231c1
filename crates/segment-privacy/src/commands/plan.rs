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

/// `only`: the connection or dataset that was named.
pub(crate) fn question(loaded: &Loaded, whom: &str, connections: &[ConnectionKey], only: Option<&str>) -> String {
    let takes_part = |key: &str, only: Option<&str>| only.is_none_or(|only| only == key);
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
    let masked: Vec<_> = loaded.datasets.iter().filter(|one| one.masks && takes_part(&one.config.key, only)).collect();
    let masked: Vec<_> = masked.into_iter().map(|dataset| dataset.config.key.as_str()).collect();
    let at_segment = format!("At Segment ({}), {whom} will {what}.", keys.join("; "));
    let in_rows = format!("Rows in the owned databases ({}) will be masked for good.", masked.join(", "));
    match (keys.is_empty(), masked.is_empty()) {
        (false, true) => at_segment,
        (true, _) => in_rows,
        (false, false) => format!("{at_segment} {in_rows}"),
    }
}

/// Composed without anything that can write.
pub(crate) async fn plan(
    loaded: &Loaded,
    only: Option<&str>,
    people: &[IdentitySet],
    rejected: Vec<RejectedShape>,
) -> Result<DryRunShape, CliError> {
    let planner = compose::planner(loaded, only).await?;
    let plan = planner.erasure(people, None).await?;
    let masking = planner.masking(people).await?;
    let plan = plan.into_iter().map(Into::into).chain(masking.into_iter().map(Into::into)).collect();
    Ok(DryRunShape { dry_run: true, plan, rejected })
}

pub(crate) async fn show(
    loaded: &Loaded,
    args: &Erase,
    people: &[IdentitySet],
    rejected: Vec<RejectedShape>,
    output: &Output,
) -> Result<Exit, CliError> {
    let shape = plan(loaded, args.ask.connection.as_deref(), people, rejected).await?;
    output.result(&shape, |_| tables::dry_run(&shape))?;
    Ok(Exit::Done)
}
