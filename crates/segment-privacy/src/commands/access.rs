//! `access`: always runs to its end.

use privacy_engine::{Asked, Until};
use privacy_package::check_recipient;
use segment_core::{Action, ConnectionKey, Pii, Recipient, Regime};

use super::drive;
use crate::{
    cli::{Access, Ask},
    compose::Need,
    config::{Loaded, operator},
    error::{CliError, Exit, chain},
    output::{Output, ProgressLine},
};

pub(crate) async fn run(loaded: &Loaded, args: &Access, output: &Output) -> Result<Exit, CliError> {
    let identities = args.identities.read().map_err(|error| refused_identity(&error))?;
    let asked = Asked { recipient: recipient(args)?, ..asked(Action::Access, identities, &args.ask)? };
    let line = ProgressLine::new(output.is_json());
    let engine = drive::engine(loaded, Need::of(args.ask.connection.as_deref()), args.out.as_deref(), &line).await?;
    let id = take(&engine, asked, output).await?;
    let driven = if args.wait.no_wait {
        None
    } else {
        Some(drive::drive(&engine, vec![id.clone()], Until::Ended, args.wait.timeout).await?)
    };
    line.done();
    drive::report(&engine, &id, &args.wait, args.reveal, driven, output).await
}

/// For whom the package is encrypted, if it is to be.
fn recipient(args: &Access) -> Result<Option<Recipient>, CliError> {
    let recipient = match (&args.recipient, &args.passphrase_file) {
        (Some(key), _) => Recipient::PublicKey(Pii::new(key.trim().to_owned())),
        (None, Some(file)) => {
            let read = std::fs::read_to_string(file);
            let text = read.map_err(|error| {
                CliError::usage("cannot_read", format!("--passphrase-file {} cannot be read: {error}", file.display()))
            })?;
            Recipient::Passphrase(Pii::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => return Ok(None),
    };
    check_recipient(&recipient).map_err(|error| {
        CliError::usage("recipient_refused", chain(&error))
            .hint("`age-keygen` makes a key and shows its public key; nothing was recorded")
    })?;
    Ok(Some(recipient))
}

/// Records a request and says under which id.
pub(crate) async fn take(
    engine: &privacy_engine::Engine,
    asked: Asked,
    output: &Output,
) -> Result<segment_core::RequestId, CliError> {
    tell_left_out(engine, asked.action, asked.connection.as_ref(), output);
    let recipient = asked.recipient.clone();
    let mut answers = engine.intake(vec![asked]).await?;
    let Some(taken) = answers.pop() else {
        return Err(CliError::new(Exit::Unexpected, "unexpected", "the request was not recorded"));
    };
    match &taken.intake {
        segment_core::Intake::ExternalIdConflict(other) => {
            let message = format!("the external id belongs to {other}, which asks for something else");
            return Err(CliError::usage("external_id_conflict", message)
                .hint("an external id names one request for ever; use another"));
        }
        segment_core::Intake::Linked(id) => {
            let request = engine.store().request(id).await?;
            if recipient.is_some() && request.as_ref().is_some_and(|request| request.recipient != recipient) {
                return Err(CliError::usage(
                    "recipient_conflict",
                    format!("this was asked before, as {id}, and its package is for somebody else, or not encrypted"),
                )
                .hint(format!(
                    "cancel that one first (segment-privacy requests cancel {id}), or ask without a recipient"
                )));
            }
            if request.is_some_and(|request| request.status == segment_core::RequestStatus::RequiresAttention) {
                output.say(&format!(
                    "this was asked before and needs a human; once its cause is gone: segment-privacy requests retry {id}"
                ));
            } else {
                output.say(&format!("this was asked before: going on with {id}"));
            }
        }
        _ => output.say(&format!("recorded as {}", taken.id())),
    }
    Ok(taken.id().clone())
}

/// Warns of connections where nothing is done although something could be.
pub(crate) fn tell_left_out(
    engine: &privacy_engine::Engine,
    action: Action,
    only: Option<&ConnectionKey>,
    output: &Output,
) {
    for key in engine.left_out(action, only) {
        output.say(&format!("warning: {key} is disabled and takes no part"));
    }
}

pub(crate) fn asked(action: Action, identities: segment_core::IdentitySet, ask: &Ask) -> Result<Asked, CliError> {
    let external_id = match &ask.external_id {
        Some(id) if id.trim().is_empty() => {
            return Err(CliError::usage("external_id_empty", "the external id is empty"));
        }
        id => id.clone().map(Pii::new),
    };
    Ok(Asked {
        external_id,
        regime: ask.regime.as_deref().and_then(Regime::parse),
        connection: ask.connection.clone().map(ConnectionKey::new),
        by: Some(operator()),
        ..Asked::new(action, identities)
    })
}

pub(crate) fn refused_identity(error: &segment_core::IdentityError) -> CliError {
    CliError::usage("identity_refused", error.to_string())
        .hint("give --email, --phone-number, --user-id, --anonymous-id or --identity TYPE:VALUE; nothing was recorded")
}
