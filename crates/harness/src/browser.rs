//! A page in a real browser: Chromium, headless, with a profile of its own.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// What Chromium made of a page.
#[derive(Debug)]
pub(crate) struct Visit {
    /// The document when everything had run, as HTML.
    pub(crate) dom: String,
    /// What was written to the console.
    pub(crate) console: Vec<String>,
    /// Every address that the page asked for.
    pub(crate) requests: Vec<String>,
}

/// What it is called, on Debian and elsewhere.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The browser, if there is one.
pub(crate) fn installed() -> Option<&'static str> {
    NAMES.into_iter().find(|name| answers(name))
}

/// Where it is.
pub(crate) fn path() -> Option<String> {
    let name = installed()?;
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().ok()?;
    Some(String::from_utf8(found.stdout).ok()?.trim().to_owned())
}

/// Whether a program is there.
pub(crate) fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|said| said.status.success())
}

/// Opens a file as somebody does who unpacked a package.
pub(crate) fn open(page: &Path) -> Result<Visit> {
    let profile = tempfile::tempdir()?;
    let log = profile.path().join("net-log.json");
    let url = format!("file://{}", page.display());
    let mut command = Command::new(installed().context("there is no Chromium")?);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-extensions"]);
    // The browser would like to talk to its maker.
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
    command.args(["--enable-logging=stderr", "--dump-dom"]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("--log-net-log={}", log.display()));
    let run = command.arg(&url).output().context("it cannot be started")?;
    let stderr = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "chromium failed: {stderr}");
    let console = stderr.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
    let dom = String::from_utf8(run.stdout).context("the document is not UTF-8")?;
    let log: Value = serde_json::from_slice(&std::fs::read(&log)?).context("the log of the network is not whole")?;
    let mut requests = Vec::new();
    for event in log["events"].as_array().into_iter().flatten() {
        let (Some(asked), Some(by)) = (event["params"]["url"].as_str(), event["params"]["initiator"].as_str()) else {
            continue;
        };
        // What no page began is the browser's own: to show the page, and what its maker is asked.
        if by != "not an origin" {
            requests.push(asked.to_owned());
        }
    }
    Ok(Visit { dom, console, requests })
}
