//! Every command of the documentation does what it is said to do.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use segment_mock::{Event, Profile};

use super::service::is_first_column;
use crate::{
    context::Context,
    database::{execute, open_sqlite_shop},
    process::Running,
    rig::Rig,
    scenario::{Outcome, each, scenarios},
    service::{Served, token},
    setup::Setup,
};

scenarios! {
    /// every command in README.md and docs/ runs, in the order of its page, and exits as the page says
    documented_commands,
}

const PEOPLE: [(i64, &str); 3] = [(1_001, "ann@example.com"), (1_002, "ben@example.com"), (1_003, "carla@example.com")];
/// A public key of nobody here: what is encrypted for it stays closed.
const RECIPIENT: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
/// Where the documentation serves.
const SERVED: &str = "http://127.0.0.1:8080";

fn documented_commands(context: &Context) -> Result<Outcome> {
    if !is_first_column(context) {
        return Ok(Outcome::NotHere);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = root.join("README.md");
    let mut pages = vec![(readme.clone(), commands(&std::fs::read_to_string(readme)?))];
    find(&root.join("docs"), &mut pages)?;
    let name = |(path, _): &(PathBuf, Vec<String>)| path.display().to_string();
    ensure!(pages.iter().map(|(_, commands)| commands.len()).sum::<usize>() > 40, "few commands: are they found?");
    each(&pages, name, |(_, commands)| page(context, commands))
}

/// The pages with commands of ours, in folders, too.
fn find(folder: &Path, pages: &mut Vec<(PathBuf, Vec<String>)>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, pages)?;
        } else if path.extension() == Some(OsStr::new("md")) {
            let commands = commands(&std::fs::read_to_string(&path)?);
            if commands.iter().any(|command| command.starts_with("segment-privacy ")) {
                pages.push((path, commands));
            }
        }
    }
    Ok(())
}

/// What stands behind a prompt, in blocks of console. A backslash goes on in the next line.
fn commands(text: &str) -> Vec<String> {
    let (mut all, mut within) = (Vec::new(), false);
    let text = text.replace("\\\n", " ");
    for line in text.lines() {
        if line.starts_with("```") {
            within = line == "```console";
        } else if within && let Some(command) = line.strip_prefix("$ ") {
            all.push(command.trim().to_owned());
        }
    }
    all
}

fn page(context: &Context, commands: &[String]) -> Result<Outcome> {
    let setup = Setup::unify()
        .replace("key = \"unify\"", "key = \"segment_prod\"")
        .with_dataset()
        .append("[evidence]\nsigning_key = { file = \"evidence.key\" }\n");
    let rig = Rig::new(context, &setup)?;
    prepare(&rig)?;
    let mut served = None;
    for command in commands {
        run(&rig, command, &mut served).with_context(|| format!("`{command}`"))?;
    }
    if let Some(served) = served {
        served.stop()?;
    }
    Ok(Outcome::Passed)
}

fn prepare(rig: &Rig) -> Result<()> {
    open_sqlite_shop(rig)?;
    for (id, email) in PEOPLE {
        let sql = format!("INSERT INTO customer VALUES ({id}, '{email}', 'Somebody', '{id}', 8)");
        execute(&rig.path("shop.db"), &sql)?;
    }
    rig.run(&["key", "new", "evidence.key"])?.exits(0)?;
    let emails: Vec<_> = PEOPLE.iter().map(|(_, email)| *email).collect();
    rig.write("people.csv", format!("email\n{}\n", emails.join("\n")))?;
    for (id, email) in PEOPLE {
        let person =
            Profile::new(format!("use_{id}")).external_id("email", email).external_id("user_id", id.to_string());
        rig.mock().add_profile(person.trait_("plan", "pro").event(Event::track("Signed Up")));
    }
    Ok(())
}

fn run(rig: &Rig, command: &str, served: &mut Option<Served>) -> Result<()> {
    let (text, remark) = command.split_once(" #").unwrap_or((command, ""));
    let text = text.trim();
    if text.starts_with("cargo ") || text.starts_with("export ") {
        // What builds it is what runs it here; what is exported is in the environment of every rehearsal.
        return Ok(());
    }
    if let Some(rest) = text.strip_prefix("curl ") {
        let served = served.as_ref().context("nothing is served")?;
        return curl(rest, served);
    }
    let text = text.strip_prefix("segment-privacy ").context("this is no command that is known here")?;
    if text == "serve" {
        let token = token(rig, "documents", &["read", "submit", "review"])?;
        *served = Some(Served::start_with(rig, token, &["serve", "--listen", "127.0.0.1:0"])?);
        return Ok(());
    }
    let words = words(&filled_in(rig, text)?)?;
    let call = rig.plain_call(&words.iter().map(String::as_str).collect::<Vec<_>>());
    if text == "worker" {
        return follow(rig, call.start()?);
    }
    let exit = remark.split("exits ").nth(1).map_or(Ok(0), |code| code.trim().parse())?;
    let run = call.env("EU_TOKEN", "a token").env("EU_SECRET", "a secret").run()?;
    run.exits(exit).map(drop)
}

/// With what a reader puts in for the dots, and answers to what is asked: nobody is there to be asked.
fn filled_in(rig: &Rig, text: &str) -> Result<String> {
    let mut text = text.replace("age1…", RECIPIENT);
    if text.contains("packages/pri_….zip") {
        text = text.replace("packages/pri_….zip", &last_package(rig)?);
    }
    if text.contains("pri_…") {
        text = text.replace("pri_…", &last_request(rig)?);
    }
    if text.contains("--public-key …") {
        let key = rig.quiet_call(&["evidence", "public-key"]).run()?.text("/public_key")?;
        text = text.replace("--public-key …", &format!("--public-key {key}"));
    }
    if text == "init" {
        // Beside the configuration of the rehearsal, and without a look at the real Segment.
        std::fs::create_dir(rig.path("new"))?;
        text +=
            " --config new/segment-privacy.toml --kind segment_unify --region us --workspace acme --space-id spa_4Qm2";
        text += " --delete false --no-check";
    }
    if text.starts_with("erase ") && !["--dry-run", "--yes"].iter().any(|flag| text.contains(flag)) {
        text += " --yes";
    }
    Ok(text)
}

/// The newest that is not encrypted.
fn last_package(rig: &Rig) -> Result<String> {
    let packages = rig.packages()?.into_iter().filter(|path| path.extension() == Some(OsStr::new("zip")));
    // Ids grow with time.
    let newest = packages.max().context("there is no package")?;
    Ok(newest.display().to_string())
}

/// Until what Segment has accepted is over.
fn follow(rig: &Rig, running: Running) -> Result<()> {
    running.tells("working", 1)?;
    let open = rig.quiet_call(&["requests", "list", "--status", "awaiting_processor"]).run()?;
    for request in open.at("/requests")?.as_array().context("no requests")? {
        rig.completes(request["id"].as_str().context("no id")?)?;
    }
    running.signal(Signal::SIGTERM)?;
    running.wait()?.exits(0).map(drop)
}

/// The newest of the record.
fn last_request(rig: &Rig) -> Result<String> {
    rig.quiet_call(&["requests", "list", "--limit", "1"]).run()?.text("/requests/0/id")
}

/// As a shell divides it: at blanks that are not between quotes.
fn words(text: &str) -> Result<Vec<String>> {
    let (mut all, mut quote) = (vec![String::new()], None);
    for c in text.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (_, Some(open)) if open == c => quote = None,
            (' ', None) => all.push(String::new()),
            _ => all.last_mut().context("no word")?.push(c),
        }
    }
    ensure!(quote.is_none(), "a quote is open");
    all.retain(|word| !word.is_empty());
    Ok(all)
}

fn curl(text: &str, served: &Served) -> Result<()> {
    let text = text.replace(SERVED, served.url()).replace("$TOKEN", served.token()).replace("sp_…", served.token());
    let run = Command::new("curl").args(["--silent", "--show-error", "--fail"]).args(words(&text)?).output();
    let run = run.context("curl is not installed")?;
    ensure!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Ok(())
}
