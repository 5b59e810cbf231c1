//! `cargo xtask db`.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::binaries;
use super::guard::Postgres;
use super::mariadb::MariaDb;
use super::server::Server;
use crate::cli::DbTask;
use crate::{environment, process, ui, workspace};

/// The server that `db start` left running.
struct Left {
    server: Server,
    url: String,
}

pub(crate) fn run(task: DbTask) -> Result<()> {
    match task {
        DbTask::Start => start(),
        DbTask::Stop => stop(),
        DbTask::Status => status(),
        DbTask::Run { command } => run_with(&command),
    }
}

fn start() -> Result<()> {
    if let Some(left) = load()? {
        if left.server.is_running() {
            ui::note("already running");
            ui::answer(&left.url);
            return Ok(());
        }
        forget(&left)?;
    }
    let Some(binaries) = binaries::find() else {
        bail!("no PostgreSQL server binaries (initdb, pg_ctl, postgres) found; apt-get install postgresql");
    };
    let server = Server::create(binaries)?;
    let started = server.start("").and_then(|url| save(&server, &url).map(|()| url));
    match started {
        Ok(url) => {
            ui::note(&format!("started; `cargo xtask db stop` ends it. export {}=…", environment::TEST_POSTGRES));
            ui::answer(&url);
            Ok(())
        }
        Err(error) => {
            server.destroy()?;
            Err(error)
        }
    }
}

fn stop() -> Result<()> {
    let Some(left) = load()? else {
        ui::note("no server was left running");
        return Ok(());
    };
    forget(&left)?;
    ui::note("stopped");
    Ok(())
}

fn status() -> Result<()> {
    match load()? {
        Some(left) if left.server.is_running() => {
            ui::answer(&left.url);
            Ok(())
        }
        Some(_) => bail!("not running, though `db start` was called; `cargo xtask db start` starts a new one"),
        None => bail!("not running; `cargo xtask db start` starts one"),
    }
}

fn run_with(command: &[OsString]) -> Result<()> {
    let (program, args) = command.split_first().context("name a command")?;
    let postgres = Postgres::start("")?;
    let mariadb = MariaDb::for_tests()?;
    let mut command = Command::new(program);
    command.args(args).env(environment::TEST_POSTGRES, postgres.url());
    if let Some(mariadb) = &mariadb {
        command.env(environment::TEST_MYSQL, mariadb.url());
    }
    process::run(&mut command)
}

fn state_file() -> Result<PathBuf> {
    Ok(workspace::target_directory()?.join("xtask-db.json"))
}

fn save(server: &Server, url: &str) -> Result<()> {
    let path = state_file()?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let state = json!({ "url": url, "folder": server.folder, "binaries": server.binaries });
    fs::write(&path, format!("{state:#}\n")).with_context(|| format!("cannot write {}", path.display()))
}

fn load() -> Result<Option<Left>> {
    let path = state_file()?;
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let state: Value = serde_json::from_str(&text)
        .with_context(|| format!("{} is damaged: stop its server by hand and delete it", path.display()))?;
    let field = |name: &str| state[name].as_str().with_context(|| format!("{} has no `{name}`", path.display()));
    let server = Server::reopen(field("binaries")?.into(), field("folder")?.into())?;
    Ok(Some(Left { server, url: field("url")?.to_owned() }))
}

fn forget(left: &Left) -> Result<()> {
    left.server.destroy()?;
    let path = state_file()?;
    fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
}
