//! Secrets on their way into a connection: never on the command line, where others on the machine can read them.

use std::io::BufRead as _;

use secrecy::ExposeSecret;

use crate::{
    config::{Secret, checked},
    error::CliError,
};

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
    let what = format!("line of standard input for --{flag}");
    if std::io::stdin().lock().read_line(&mut line).is_err() {
        return Err(CliError::usage("secret_malformed", format!("the {what} is not text in UTF-8")));
    }
    let secret = checked(&line, &what).map_err(|error| error.hint("one line a secret, in the order of the help"))?;
    Ok(Secret::Text(secret.expose_secret().to_owned()))
}

/// Asks without showing what is typed.
pub(super) fn ask(prompt: &str) -> Result<Secret, CliError> {
    let typed = dialoguer::Password::new().with_prompt(prompt).interact().map_err(|error| super::ask::asked(&error))?;
    let secret = checked(&typed, "secret")?;
    Ok(Secret::Text(secret.expose_secret().to_owned()))
}
