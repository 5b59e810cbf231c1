//! The command line without a Segment: errors, files and pages. The rest is rehearsed by `cargo xtask e2e`.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod errors;
mod files;
mod pages;

use std::{path::Path, process::Command};

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs the binary in a folder, with nothing in its environment.
fn run(folder: &Path, args: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_segment-privacy"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
