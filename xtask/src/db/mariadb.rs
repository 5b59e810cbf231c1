//! A throw-away MariaDB from the binaries that are installed: one account without a password, on 127.0.0.1 only, no fsync.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::account::Account;
use super::server::{ATTEMPTS, free_port, temporary_folder};
use crate::{environment, process, ui};

const MISSING: &str = "no MariaDB server (mariadbd, mariadb-install-db) found; apt-get install mariadb-server";

/// Where Debian keeps servers, which may not be on the search path.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/opt/mariadb/bin"];

/// Who may do everything, from anywhere on this machine. A statement has a line of its own.
const ACCOUNT: &str = "CREATE USER IF NOT EXISTS 'tests'@'%';\nGRANT ALL ON *.* TO 'tests'@'%' WITH GRANT OPTION;\n";

/// Runs the server until the other end of its input is closed, then removes its folder.
///
/// The kernel closes that end when this process ends for whatever reason, `SIGKILL` too; Ctrl-C reaches the whole process
/// group, so the shell ignores it. Arguments: the folder, then the command that is the server.
const KEEPER: &str = r#"trap "" INT TERM HUP; "$@" </dev/null >/dev/null 2>&1 & cat >/dev/null; kill -9 $! $(cat "$0/pid"); wait; cd /; rm -rf "$0""#;

/// A database for tests: one of ours, or one that the caller's environment names.
#[derive(Debug)]
pub(crate) struct MariaDb {
    url: String,
    keeper: Option<Child>,
}

impl MariaDb {
    /// The server for tests: the one of `SEGMENT_PRIVACY_TEST_MYSQL`, else a new one.
    ///
    /// `None`: no server is installed, which was said loudly.
    ///
    /// # Errors
    ///
    /// In continuous integration a missing server is an error: skipped tests would look like passed ones.
    pub(crate) fn for_tests() -> Result<Option<Self>> {
        if let Some(url) = environment::var(environment::TEST_MYSQL) {
            ui::note(&format!("MySQL tests use the server of {}", environment::TEST_MYSQL));
            return Ok(Some(Self { url, keeper: None }));
        }
        if let (Some(server), Some(installer)) = (find("mariadbd"), find("mariadb-install-db")) {
            return Self::start(&server, &installer).map(Some);
        }
        if environment::is_ci() {
            bail!("MySQL tests: {MISSING}; CI=true, so they may not be skipped");
        }
        ui::loud(&format!("SKIPPED: MySQL tests: {MISSING}"));
        Ok(None)
    }

    fn start(server: &Path, installer: &Path) -> Result<Self> {
        ui::note(&format!("starting a throw-away MariaDB of {}", server.display()));
        let (account, folder) = (Account::choose()?, temporary_folder("my")?);
        let started = make(&account, installer, &folder).and_then(|()| {
            for _ in 0..ATTEMPTS {
                let port = free_port()?;
                let mut keeper = keep(&account, server, &folder, port)?;
                if answers(port) {
                    let url = format!("mysql://tests@127.0.0.1:{port}/mysql");
                    return Ok(Self { url, keeper: Some(keeper) });
                }
                let said = fs::read_to_string(folder.join("log")).unwrap_or_default();
                ui::note(&format!("MariaDB did not start; its log:\n{said}"));
                drop(keeper.stdin.take());
                keeper.wait().context("MariaDB may still run")?;
                make(&account, installer, &folder)?;
            }
            bail!("MariaDB did not start")
        });
        if started.is_err() {
            // Whether it is there still or not.
            let _ = fs::remove_dir_all(&folder);
        }
        started
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        if let Err(error) = keeper.wait() {
            ui::error(&format!("the throw-away MariaDB may still run: {error}"));
        }
    }
}

fn find(program: &str) -> Option<PathBuf> {
    process::find(program)
        .or_else(|| FOLDERS.iter().map(|folder| Path::new(folder).join(program)).find(|file| file.is_file()))
}

/// Makes the system tables.
fn make(account: &Account, installer: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    fs::write(folder.join("account.sql"), ACCOUNT)
        .context("cannot write the statements that the server begins with")?;
    account.give(folder)?;
    let data = format!("--datadir={}", folder.join("data").display());
    let options =
        ["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"];
    let mut command = account.command(installer, &options);
    process::quietly(command.current_dir(folder)).context("cannot make a MariaDB database")
}

fn keep(account: &Account, server: &Path, folder: &Path, port: u16) -> Result<Child> {
    let path = |option: &str, name: &str| format!("--{option}={}", folder.join(name).display());
    let options = [
        "--no-defaults".to_owned(),
        path("datadir", "data"),
        path("socket", "socket"),
        path("pid-file", "pid"),
        path("log-error", "log"),
        path("tmpdir", ""),
        path("init-file", "account.sql"),
        format!("--port={port}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--skip-name-resolve".to_owned(),
        "--max-connections=300".to_owned(),
        "--innodb-flush-log-at-trx-commit=0".to_owned(),
        "--innodb-doublewrite=0".to_owned(),
        "--innodb-buffer-pool-size=64M".to_owned(),
    ];
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let command = account.command(server, &options);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(KEEPER).arg(folder).arg(command.get_program()).args(command.get_args());
    shell.current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn().context("cannot start `sh`, which runs the server")
}

/// Waits for it, for up to a minute.
fn answers(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    (0..600).any(|_| {
        thread::sleep(Duration::from_millis(100));
        TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
    })
}
