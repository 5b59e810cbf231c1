//! Asking before somebody is suppressed or deleted.

use std::io::IsTerminal;

use crate::{
    error::{CliError, Exit},
    output::Output,
};

/// Whether a person can be asked.
pub(crate) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, unless `yes` was given. Without a terminal `yes` is required.
pub(crate) fn confirm(question: &str, yes: bool, output: &Output) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    if !can_ask() {
        return Err(
            CliError::usage("not_confirmed", format!("{question} There is no terminal to ask at")).hint("give --yes")
        );
    }
    output.say(question);
    let answer = dialoguer::Confirm::new().with_prompt("Go on?").default(false).interact();
    match answer {
        Ok(true) => Ok(()),
        Ok(false) => Err(CliError::new(Exit::CalledOff, "not_confirmed", "called off; nothing was done")),
        Err(error) => Err(CliError::new(Exit::Interrupted, "interrupted", format!("nothing was done: {error}"))),
    }
}
