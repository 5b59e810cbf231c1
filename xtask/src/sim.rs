//! The simulation, and the proof that it can fail: engines that are broken on purpose.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{process, ui, workspace};

/// How an engine is broken: the value of `--cfg sabotage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Sabotage {
    /// It sends, and records the intent afterwards.
    IntentAfterCall,
    /// It sends again when an answer is lost.
    BlindRepost,
    /// It takes Segment's acceptance for the end.
    CompleteOnPost,
    /// It lets stale workers write.
    NoFencing,
}

impl Sabotage {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The invariant that has to notice it.
    fn breaks(self) -> &'static str {
        match self {
            Self::IntentAfterCall => "the intent is committed before the call leaves",
            Self::BlindRepost => "a regulation is never sent twice",
            Self::CompleteOnPost => "no path from Segment did not confirm to complete",
            Self::NoFencing => "a stale worker's writes are refused",
        }
    }
}

/// Seeds within which each of them has to be caught.
const SEEDS: &str = "200";
/// How the compiler's wrapper is called: this program, under a name that says what it adds.
const WRAPPER: &str = "sabotage-";

pub(crate) fn run(args: &[OsString]) -> Result<()> {
    process::run(process::cargo().args(["run", "--quiet", "-p", "simulation", "--"]).args(args))
}

/// Builds each broken engine, and lets the simulation catch it.
pub(crate) fn sabotage(chosen: &[Sabotage]) -> Result<()> {
    let all = Sabotage::value_variants();
    for sabotage in if chosen.is_empty() { all } else { chosen } {
        ui::note(&format!("an engine with {}:", sabotage.name()));
        let wrapper = wrapper(*sabotage)?;
        let mut command = process::cargo();
        // A few seeds are enough: compiling quickly is worth more than running quickly.
        for package in ["segment-core", "privacy-engine", "simulation"] {
            command.args(["--config", &format!("profile.dev.package.{package}.opt-level=0")]);
        }
        command.args(["run", "--quiet", "-p", "simulation", "--", "--seeds", SEEDS, "--must-break", sabotage.breaks()]);
        // Only the workspace's own crates are compiled anew: what they depend on is not broken.
        process::run(command.env("RUSTC_WORKSPACE_WRAPPER", wrapper))?;
    }
    Ok(())
}

fn wrapper(sabotage: Sabotage) -> Result<PathBuf> {
    let folder = workspace::root().join("target").join("sabotage");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{WRAPPER}{}{}", sabotage.name(), std::env::consts::EXE_SUFFIX));
    let this = std::env::current_exe().context("this program does not know where it is")?;
    // Written anew only when it changed: cargo looks at its time.
    let is_same = std::fs::read(&this).ok().zip(std::fs::read(&path).ok()).is_some_and(|(this, there)| this == there);
    if !is_same {
        std::fs::copy(this, &path)?;
    }
    Ok(path)
}

/// Compiles, if it is as the compiler's wrapper that this program was called.
pub(crate) fn as_wrapper() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let called = arguments.next()?;
    let name = Path::new(&called).file_stem()?.to_str()?.strip_prefix(WRAPPER)?.to_owned();
    let compiler = arguments.next()?;
    let mut command = Command::new(compiler);
    command.args(arguments).arg("--cfg").arg(format!("sabotage=\"{name}\""));
    // What is broken leaves something unused.
    let status = command.args(["--cap-lints", "allow"]).status();
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    Some(ExitCode::from(code.unwrap_or(1)))
}
