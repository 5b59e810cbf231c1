//! Completions and the manual page, made from the command line itself.

use clap::CommandFactory;

use crate::{
    cli::Cli,
    error::{CliError, Exit},
    output::Output,
};

pub(crate) fn completions(shell: clap_complete::Shell, output: &Output) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "segment-privacy", &mut text);
    print(text, output)
}

pub(crate) fn page(output: &Output) -> Result<Exit, CliError> {
    let mut text = Vec::new();
    clap_mangen::Man::new(Cli::command())
        .render(&mut text)
        .map_err(|error| CliError::unexpected("cannot make the page", &error))?;
    print(text, output)
}

fn print(text: Vec<u8>, output: &Output) -> Result<Exit, CliError> {
    let text = String::from_utf8(text).map_err(|error| CliError::unexpected("cannot print", &error))?;
    output.raw(text.trim_end());
    Ok(Exit::Done)
}
