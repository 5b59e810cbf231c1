//! `suppress` and `unsuppress`: an operator's orders for user ids. They go the way of every regulation: intent first,
//! reconciled, followed, read back.

use privacy_engine::Asked;
use segment_core::{Action, ConnectionKey, Identity, IdentityKind, IdentitySet};

use super::{access, ask, drive};
use crate::{
    cli::UserId,
    compose::Need,
    config::{Loaded, operator},
    error::{CliError, Exit},
    output::{Output, ProgressLine},
};

pub(crate) async fn run(loaded: &Loaded, args: &UserId, action: Action, output: &Output) -> Result<Exit, CliError> {
    let ids = args.user_id.iter().map(|id| Identity::new(IdentityKind::UserId, id)).collect::<Result<Vec<_>, _>>();
    let identities = ids.and_then(IdentitySet::new).map_err(|error| access::refused_identity(&error))?;
    let line = ProgressLine::new(output.is_json());
    let engine = drive::engine(loaded, Need::of(args.connection.as_deref()), None, &line).await?;
    let connection = args.connection.clone().map(ConnectionKey::new);
    let keys: Vec<_> = engine.connections_for(action, connection.as_ref())?.iter().map(ToString::to_string).collect();
    let question = match action {
        Action::Unsuppression => {
            "data of this user id will be taken in again; what comes in then, an earlier deletion does not clean"
        }
        _ => "new data of this user id will be blocked",
    };
    ask::confirm(&format!("At Segment, at {}, {question}.", keys.join(", ")), args.yes, output)?;
    let id =
        access::take(&engine, Asked { connection, by: Some(operator()), ..Asked::new(action, identities) }, output)
            .await?;
    let driven = if args.wait.no_wait {
        None
    } else {
        Some(drive::drive(&engine, vec![id.clone()], drive::until(&args.wait), args.wait.timeout).await?)
    };
    line.done();
    drive::report(&engine, &id, &args.wait, false, driven, output).await
}
