//! A server that ends with this process, however that ends.

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::binaries;
use super::server::Server;
use crate::{environment, ui};

/// Waits until the other end of its input is closed, then stops the server and removes its folder.
///
/// The kernel closes that end when this process ends for whatever reason, `SIGKILL` too; Ctrl-C reaches the whole
/// process group, so the shell ignores it. Arguments: the folder, then the command that stops the server.
const WATCHDOG: &str = r#"trap "" INT TERM HUP; cat >/dev/null; "$@" >/dev/null 2>&1; cd /; rm -rf "$0""#;

/// A database for tests: one of ours, or one that the caller's environment names.
#[derive(Debug)]
pub(crate) struct Postgres {
    url: String,
    /// How to start it again.
    again: serde_json::Value,
    watchdog: Option<Child>,
}

impl Postgres {
    /// The server for tests: the one of `SEGMENT_PRIVACY_TEST_POSTGRES`, else a new one.
    ///
    /// `None`: no server is installed, which was said loudly.
    ///
    /// # Errors
    ///
    /// In continuous integration a missing server is an error: skipped tests would look like passed ones.
    pub(crate) fn for_tests() -> Result<Option<Self>> {
        if let Some(url) = environment::var(environment::TEST_POSTGRES) {
            ui::note(&format!("PostgreSQL tests use the server of {}", environment::TEST_POSTGRES));
            return Ok(Some(Self { url, again: serde_json::Value::Null, watchdog: None }));
        }
        if binaries::find().is_some() {
            return Self::start("").map(Some);
        }
        let why = "PostgreSQL tests: no server binaries (initdb, pg_ctl, postgres) found; apt-get install postgresql";
        if environment::is_ci() {
            bail!("{why}; CI=true, so they may not be skipped");
        }
        ui::loud(&format!("SKIPPED: {why}"));
        Ok(None)
    }

    /// A server that may be killed: what it has committed is there when it is started again. `None` where none is installed.
    pub(crate) fn mortal() -> Result<Option<Self>> {
        binaries::find().map(|_| Self::start("synchronous_commit = on\n")).transpose()
    }

    /// A new server, with these settings beside our own.
    pub(super) fn start(settings: &str) -> Result<Self> {
        let Some(binaries) = binaries::find() else {
            bail!("no PostgreSQL server binaries (initdb, pg_ctl, postgres) found; apt-get install postgresql");
        };
        ui::note(&format!("starting a throw-away PostgreSQL of {}", binaries.display()));
        let server = Server::create(binaries)?;
        // Before anything else, so that an interrupted start leaves nothing behind either.
        let watchdog = Some(watch(&server)?);
        let mut guard = Self { url: String::new(), again: serde_json::Value::Null, watchdog };
        guard.url = server.start(settings)?;
        let start = server.start_command();
        let words = [start.get_program()].into_iter().chain(start.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        guard.again = json!({"url": guard.url, "pid_file": server.pid_file(), "start": words});
        Ok(guard)
    }

    /// Its URL, the file of its process id, and the command that starts it again.
    pub(crate) fn again(&self) -> String {
        self.again.to_string()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let Some(mut watchdog) = self.watchdog.take() else { return };
        drop(watchdog.stdin.take());
        if let Err(error) = watchdog.wait() {
            ui::error(&format!("the throw-away PostgreSQL may still run: {error}"));
        }
    }
}

fn watch(server: &Server) -> Result<Child> {
    let stop = server.stop_command();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(WATCHDOG).arg(&server.folder).arg(stop.get_program()).args(stop.get_args());
    shell.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().context("cannot start `sh`, which stops the server at the end")
}
