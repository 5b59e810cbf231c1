//! Runs other programs and reports how they ended.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::{environment, workspace};

/// A program ran and did not succeed; its own output says why.
#[derive(Debug)]
struct Failed {
    command: String,
    code: Option<i32>,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "`{}` failed with exit code {code}", self.command),
            None => write!(f, "`{}` was ended by a signal", self.command),
        }
    }
}

impl std::error::Error for Failed {}

/// The exit code of the program that failed, so that `cargo xtask demo` ends as the demo did; else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    let code = error.downcast_ref::<Failed>().and_then(|failed| failed.code);
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(1))
}

/// Cargo in the folder where xtask was called.
pub(crate) fn cargo_here() -> Command {
    Command::new(environment::var("CARGO").unwrap_or_else(|| "cargo".to_owned()))
}

/// Cargo at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = cargo_here();
    command.current_dir(workspace::root());
    command
}

/// Runs to the end with our input and output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if status.success() {
        return Ok(());
    }
    Err(Failed { command: describe(command), code: status.code() }.into())
}

/// Runs to the end and returns standard output; standard error goes to ours.
pub(crate) fn stdout(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| cannot_start(command))?;
    if !output.status.success() {
        return Err(Failed { command: describe(command), code: output.status.code() }.into());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed text that is not UTF-8", describe(command)))
}

/// Runs silently; a failure carries all that the program printed.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| cannot_start(command))?;
    let printed = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "`{}` failed ({}):\n{}",
        describe(command),
        output.status,
        String::from_utf8_lossy(&printed).trim_end()
    );
    Ok(())
}

/// The first file of this name on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = environment::var("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`; is it installed?", command.get_program().to_string_lossy())
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    if let Some(name) = PathBuf::from(&*words[0]).file_name() {
        words[0] = name.to_string_lossy().into_owned().into();
    }
    words.join(" ")
}
