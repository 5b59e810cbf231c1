//! Asking: before somebody is suppressed or deleted, and for what was not given.

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

/// What was given, or what somebody answers.
pub(crate) fn input(prompt: &str, flag: &str, given: Option<String>) -> Result<String, CliError> {
    let answer = match given {
        Some(given) => given,
        None if can_ask() => {
            dialoguer::Input::new().with_prompt(prompt).interact_text().map_err(|error| asked(&error))?
        }
        None => return Err(no_terminal(flag)),
    };
    let answer = answer.trim().to_owned();
    if answer.is_empty() {
        return Err(CliError::usage("given_empty", format!("{flag} is empty; nothing was written")));
    }
    Ok(answer)
}

/// What was given, or which of these somebody chooses.
pub(crate) fn choose(prompt: &str, flag: &str, given: Option<String>, options: &[&str]) -> Result<String, CliError> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !can_ask() {
        return Err(no_terminal(flag));
    }
    let at = dialoguer::Select::new()
        .with_prompt(prompt)
        .items(options)
        .default(0)
        .interact()
        .map_err(|error| asked(&error))?;
    Ok(options[at].to_owned())
}

fn no_terminal(flag: &str) -> CliError {
    CliError::usage(
        "not_given",
        format!("there is no terminal to ask at, and {flag} was not given; nothing was written"),
    )
}

pub(crate) fn asked(error: &dialoguer::Error) -> CliError {
    CliError::new(Exit::Interrupted, "interrupted", format!("nothing was written: {error}"))
}
