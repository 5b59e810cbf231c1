//! Secrets on their way into a connection: never on the command line, where others on the machine can read them.

use std::io::BufRead as _;

use crate::{config::Secret, error::CliError};

/// `env:NAME`, `file:PATH`, or `-` for a line of standard input.
pub(super) fn read(flag: &str, text: &str) -> Result<Secret, CliError> {
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(Secret::from_env(name)),
        Some(("file", path)) if !path.is_empty() => Ok(Secret::from_file(path)),
        _ if text == "-" => line(flag),
        _ => Err(CliError::usage(
            "secret_on_command_line",
            format!("--{flag} takes no secret itself: others on this machine can read command lines"),
        )
        .hint("env:NAME, file:PATH, or - for a line of standard input, which is stored encrypted")),
    }
}

fn line(flag: &str) -> Result<Secret, CliError> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    let text = line.trim();
    if read.is_err() || text.is_empty() {
        return Err(CliError::usage("secret_missing", format!("standard input has no line for --{flag}"))
            .hint("one line a secret, in the order of the flags in the help"));
    }
    Ok(Secret::Text(text.to_owned()))
}

/// Asks without showing what is typed.
pub(super) fn ask(prompt: &str) -> Result<Secret, CliError> {
    let typed = dialoguer::Password::new().with_prompt(prompt).interact().map_err(|error| super::ask::asked(&error))?;
    Ok(Secret::Text(typed.trim().to_owned()))
}
