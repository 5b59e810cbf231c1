//! One cluster in a temporary folder.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::account::Account;
use crate::process;

/// How our folders start; nothing else is ever removed.
const PREFIX: &str = "segment-privacy-";

/// Somebody can take the free port before the server does.
pub(super) const ATTEMPTS: usize = 3;

/// A cluster: what is needed to start it and to stop it, by this process or by a later one.
#[derive(Debug)]
pub(super) struct Server {
    /// The server's programs.
    pub(super) binaries: PathBuf,
    /// Our temporary folder: data, socket, log.
    pub(super) folder: PathBuf,
    account: Account,
}

impl Server {
    /// Makes the folder; nothing runs yet.
    pub(super) fn create(binaries: PathBuf) -> Result<Self> {
        let account = Account::choose()?;
        let folder = temporary_folder("pg")?;
        account.give(&folder)?;
        Ok(Self { binaries, folder, account })
    }

    /// A server that an earlier process made.
    pub(super) fn reopen(binaries: PathBuf, folder: PathBuf) -> Result<Self> {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        ensure!(name.starts_with(&format!("{PREFIX}pg-")), "{} is not a folder of ours", folder.display());
        Ok(Self { binaries, folder, account: Account::choose()? })
    }

    /// Makes the cluster, starts it, waits until it answers, and returns its URL. `more` is added to its settings.
    pub(super) fn start(&self, more: &str) -> Result<String> {
        let data = self.data();
        let data = data.to_string_lossy();
        // All at once: su takes one line for the shell.
        let options =
            ["-D", &data, "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"];
        let mut initdb = self.program("initdb", &options);
        process::quietly(&mut initdb).with_context(|| {
            format!("cannot make a PostgreSQL cluster; may the server's account reach {}?", self.folder.display())
        })?;
        self.configure(&settings(&self.folder))?;
        self.configure(more)?;
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS {
            let port = free_port()?;
            self.configure(&format!("port = {port}\n"))?;
            outcome = process::quietly(&mut self.start_command());
            if outcome.is_ok() {
                return Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres"));
            }
        }
        let said = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        outcome.map(|()| String::new()).with_context(|| format!("PostgreSQL did not start; its log:\n{said}"))
    }

    /// Whether the server process is alive.
    pub(super) fn is_running(&self) -> bool {
        let data = self.data();
        process::quietly(&mut self.program("pg_ctl", &["-D", &data.to_string_lossy(), "status"])).is_ok()
    }

    /// The command that starts it, also after its processes were killed.
    pub(super) fn start_command(&self) -> Command {
        let (data, log) = (self.data(), self.folder.join("log"));
        let (data, log) = (data.to_string_lossy(), log.to_string_lossy());
        self.program("pg_ctl", &["-D", &data, "-l", &log, "-w", "start"])
    }

    /// Where the server writes the id of its first process.
    pub(super) fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// The command that stops it at once: nobody will look at the data again.
    pub(super) fn stop_command(&self) -> Command {
        let data = self.data();
        self.program("pg_ctl", &["-D", &data.to_string_lossy(), "-m", "immediate", "-w", "stop"])
    }

    /// Stops it and removes its folder.
    pub(super) fn destroy(&self) -> Result<()> {
        if self.is_running() {
            process::quietly(&mut self.stop_command())?;
        }
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.folder.display()))
            }
            _ => Ok(()),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn program(&self, name: &str, args: &[&str]) -> Command {
        let mut command = self.account.command(&self.binaries.join(name), args);
        // The account may be unable to enter our folder.
        command.current_dir(if self.folder.is_dir() { &self.folder } else { Path::new("/") });
        command
    }

    fn configure(&self, lines: &str) -> Result<()> {
        let path = self.data().join("postgresql.conf");
        let file = OpenOptions::new().append(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(lines.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Quick and forgetful, reachable from this machine only.
fn settings(folder: &Path) -> String {
    let mut lines = String::from("\n");
    let socket = folder.to_string_lossy().replace('\'', "''");
    let values = [
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", &socket),
        ("fsync", "off"),
        ("synchronous_commit", "off"),
        ("full_page_writes", "off"),
        ("max_connections", "300"),
        ("timezone", "UTC"),
    ];
    for (name, value) in values {
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{name} = '{value}'");
    }
    lines
}

pub(super) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// A new folder that only we can enter, for a server of this kind.
pub(super) fn temporary_folder(kind: &str) -> Result<PathBuf> {
    let parent = std::env::temp_dir();
    let process = std::process::id();
    for attempt in 0..100 {
        let folder = parent.join(format!("{PREFIX}{kind}-{process}-{attempt}"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            // Of the server that was started a moment ago, or left by a process that had our number.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).with_context(|| format!("cannot make a folder in {}", parent.display())),
        }
    }
    anyhow::bail!("too many folders {PREFIX}{process}-* in {}: remove them", parent.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_of_ours_are_reopened() {
        let error = Server::reopen("/pg/bin".into(), "/important".into()).unwrap_err();
        assert!(error.to_string().contains("not a folder of ours"));
        assert!(Server::reopen("/pg/bin".into(), "/x/segment-privacy-pg-1-0".into()).is_ok());
    }

    #[test]
    fn settings_keep_it_on_loopback() {
        let settings = settings(Path::new("/t/it's"));
        assert!(settings.contains("listen_addresses = '127.0.0.1'\n"));
        assert!(settings.contains("unix_socket_directories = '/t/it''s'\n"));
    }
}
