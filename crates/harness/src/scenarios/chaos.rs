//! Everything is killed, again and again, while it works.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    assert::{same, until_within},
    context::{Context, Records},
    process::Running,
    rig::Rig,
    scenario::{Outcome, on_rig, scenarios},
    setup::Setup,
};

scenarios! {
    /// kill -9 of workers, and of the PostgreSQL server, under load: everybody is erased, and nobody is sent twice
    chaos,
}

const WORKERS: usize = 3;
const PEOPLE: usize = 120;
const ROUNDS: usize = 10;
/// The rounds in which the server is killed, too.
const SERVER: [usize; 2] = [3, 7];
/// So many kills, at least, have to meet somebody who is not sent yet.
const UNDER_LOAD: usize = 6;
const PATIENCE: Duration = Duration::from_mins(2);

/// Columns share the server.
static MORTAL: Mutex<()> = Mutex::new(());

fn chaos(context: &Context) -> Result<Outcome> {
    if context.records() == Records::Sqlite {
        return kill_all(context, None);
    }
    let Some(mortal) = context.mortal() else {
        return Ok(Outcome::Skipped("there is no PostgreSQL server that may be killed".to_owned()));
    };
    let mortal: Mortal = Mortal::read(mortal)?;
    let _alone = MORTAL.lock().unwrap_or_else(PoisonError::into_inner);
    kill_all(&context.with_postgres(&mortal.url), Some(&mortal))
}

fn kill_all(context: &Context, mortal: Option<&Mortal>) -> Result<Outcome> {
    let setup = Setup::unify().mock(|mock| mock.latency(Duration::from_millis(60)));
    on_rig(context, &setup, |rig| {
        let people = rig.mock().generate(PEOPLE, 7);
        let mut workers = (0..WORKERS).map(|_| worker(rig)).collect::<Result<Vec<_>>>()?;
        let mut met = 0;
        for (round, part) in people.chunks(PEOPLE / ROUNDS).enumerate() {
            let emails: Vec<_> = part.iter().map(|person| person.email.as_str()).collect();
            rig.write("people.csv", format!("email\n{}\n", emails.join("\n")))?;
            rig.run(&["erase", "--from", "people.csv", "--yes", "--no-wait"])?.exits(0)?.is("/accepted", part.len())?;
            std::thread::sleep(Duration::from_millis(100 + 60 * (round as u64 % 4)));
            met += usize::from(
                rig.mock().regulations().iter().map(|one| one.subjects.len()).sum::<usize>() < (round + 1) * part.len(),
            );
            let victim = workers.remove(0);
            victim.signal(Signal::SIGKILL)?;
            victim.wait()?.exits(-9)?;
            if let Some(mortal) = mortal.filter(|_| SERVER.contains(&round)) {
                mortal.die_and_rise()?;
            }
            workers.push(worker(rig)?);
        }
        ensure!(met >= UNDER_LOAD, "only {met} of {ROUNDS} kills met work that was under way");
        until_within(PATIENCE, "everybody is erased", || are_complete(rig).unwrap_or(false))?;
        for worker in workers {
            worker.signal(Signal::SIGTERM)?;
            worker.wait()?.exits(0)?;
        }
        everybody_once(rig, people.iter().flat_map(|person| &person.user_ids))
    })
}

fn worker(rig: &Rig) -> Result<Running> {
    rig.quiet_call(&["worker", "--concurrency", "4"]).start()
}

fn are_complete(rig: &Rig) -> Result<bool> {
    let list = rig.quiet_call(&["requests", "list", "--limit", "1000"]).run()?;
    let statuses: Vec<_> =
        list.json()?["requests"].as_array().into_iter().flatten().map(|one| one["status"].clone()).collect();
    ensure!(statuses.len() == PEOPLE, "{} requests", statuses.len());
    Ok(statuses.iter().all(|status| status == "complete"))
}

/// Each user id is in exactly one regulation, and Segment holds none that the ledger does not know.
fn everybody_once<'a>(rig: &Rig, user_ids: impl Iterator<Item = &'a String>) -> Result<()> {
    // Some are known from their profile alone, which shows them in lower case.
    let mut times: BTreeMap<String, usize> = user_ids.map(|id| (id.to_lowercase(), 0)).collect();
    let regulations = rig.mock().regulations();
    for id in regulations.iter().flat_map(|one| &one.subjects) {
        match times.get_mut(&id.to_lowercase()) {
            Some(times) => *times += 1,
            None => bail!("{id} was sent, and nobody named them"),
        }
    }
    let wrong = times.values().filter(|times| **times != 1).count();
    ensure!(wrong == 0, "{wrong} of {} user ids are not in exactly one regulation: {:?}", times.len(), times.values());
    let list = rig.quiet_call(&["regulations", "list", "--limit", "1000"]).run()?;
    let foreign =
        list.json()?["regulations"].as_array().into_iter().flatten().filter(|one| one["intent"].is_null()).count();
    same("regulations that the ledger does not know", &foreign, &0)
}

/// A server that may be killed.
struct Mortal {
    url: String,
    pid_file: PathBuf,
    start: Vec<String>,
}

impl Mortal {
    fn read(text: &str) -> Result<Self> {
        let read: Value = serde_json::from_str(text)?;
        let word = |value: &Value| value.as_str().map(str::to_owned).context("it is not described");
        let start = read["start"].as_array().into_iter().flatten().map(word).collect::<Result<_>>()?;
        Ok(Self { url: word(&read["url"])?, pid_file: word(&read["pid_file"])?.into(), start })
    }

    fn die_and_rise(&self) -> Result<()> {
        let file = std::fs::read_to_string(&self.pid_file)?;
        let pid: i32 = file.lines().next().context("it does not run")?.trim().parse()?;
        kill(Pid::from_raw(pid), Signal::SIGKILL)?;
        let (program, args) = self.start.split_first().context("it cannot be started again")?;
        let begun = Instant::now();
        // Its other processes notice, and until they are gone it does not start.
        loop {
            let mut command = Command::new(program);
            command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
            if command.status()?.success() {
                return Ok(());
            }
            ensure!(begun.elapsed() < PATIENCE, "PostgreSQL does not start again");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}
