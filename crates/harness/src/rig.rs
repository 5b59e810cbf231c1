//! A mock, a folder with a configuration, and the binary.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use segment_mock::{Endpoint, MockSegment, Outcome, RecordedRequest, Which};

use crate::{
    assert::until,
    context::{Api, Context, Records},
    database::PostgresDatabase,
    process::{Invocation, Run, Running, Transcript},
    setup::{Setup, key},
};

const CONFIG: &str = "segment-privacy.toml";
/// Of the records on PostgreSQL.
const SCHEMA: &str = "segment_privacy";

/// One rehearsal: dropping it stops the mock and removes the folder.
#[derive(Debug)]
pub struct Rig {
    folder: tempfile::TempDir,
    mock: MockSegment,
    binary: PathBuf,
    api: Api,
    /// Where the records are, if they are not in a file.
    server: Option<PostgresDatabase>,
    transcript: Transcript,
    /// What must never be printed or stored in the clear, beside what the mock knows.
    secrets: Mutex<Vec<String>>,
}

impl Rig {
    /// Starts a mock and writes the configuration, the key and the tokens.
    ///
    /// # Errors
    ///
    /// The folder or the mock cannot be made.
    pub fn new(context: &Context, setup: &Setup) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("segment-privacy-e2e-").tempdir()?;
        let mock = setup.start_mock().context("the mock does not start")?;
        let rig = Self {
            folder,
            mock,
            binary: context.binary().to_owned(),
            api: context.api(),
            server: match (context.records(), context.postgres()) {
                (Records::Postgres, Some(server)) => Some(PostgresDatabase::create(server, "")?),
                _ => None,
            },
            transcript: Transcript::default(),
            secrets: Mutex::default(),
        };
        rig.write(CONFIG, setup.text(&rig.mock, context.api())?)?;
        if let Some(server) = &rig.server {
            rig.write("records.url", server.url())?;
            rig.reconfigure("url = \"sqlite://records.db\"", "url = { file = \"records.url\" }")?;
        }
        rig.write("key", key("ours"))?;
        rig.write("token", rig.token())?;
        rig.write("secret", rig.mock.profile_token())?;
        Ok(rig)
    }

    /// The Segment of this rehearsal.
    #[must_use]
    pub fn mock(&self) -> &MockSegment {
        &self.mock
    }

    /// The API of regulations that is rehearsed.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api
    }

    /// The token of that API.
    #[must_use]
    pub fn token(&self) -> &str {
        match self.api {
            Api::Public => self.mock.public_token(),
            Api::Config => self.mock.config_token(),
        }
    }

    /// A path in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        std::fs::write(self.path(name), content).with_context(|| format!("cannot write {name}"))
    }

    /// Replaces a part of the configuration, which must be there.
    ///
    /// # Errors
    ///
    /// It is not there.
    pub fn reconfigure(&self, from: &str, to: &str) -> Result<()> {
        let text = std::fs::read_to_string(self.path(CONFIG))?;
        ensure!(text.contains(from), "the configuration has no `{from}`");
        self.write(CONFIG, text.replace(from, to))
    }

    /// A call with `--output json -vvv`.
    #[must_use]
    pub fn call(&self, args: &[&str]) -> Invocation {
        self.call_with(&["--output", "json", "-vvv"], args)
    }

    /// A call with `--output json` that logs no more than it does by itself.
    #[must_use]
    pub fn quiet_call(&self, args: &[&str]) -> Invocation {
        self.call_with(&["--output", "json"], args)
    }

    /// A call that is asked to show people: what it prints is not searched for them.
    #[must_use]
    pub fn revealing_call(&self, args: &[&str]) -> Invocation {
        let all = ["--output", "json"].iter().chain(args).map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        Invocation::new(self.binary.clone(), self.folder.path().to_owned(), &all, Transcript::default())
    }

    /// A call as a person makes it: what it prints is not searched for people.
    #[must_use]
    pub fn plain_call(&self, args: &[&str]) -> Invocation {
        let all = args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        Invocation::new(self.binary.clone(), self.folder.path().to_owned(), &all, Transcript::default())
    }

    fn call_with(&self, global: &[&str], args: &[&str]) -> Invocation {
        let all = global.iter().chain(args).map(|arg| (*arg).to_owned()).collect::<Vec<_>>();
        Invocation::new(self.binary.clone(), self.folder.path().to_owned(), &all, self.transcript.clone())
    }

    /// Runs a call to its end.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not end in time.
    pub fn run(&self, args: &[&str]) -> Result<Run> {
        self.call(args).run()
    }

    /// Starts a call.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(&self, args: &[&str]) -> Result<Running> {
        self.call(args).start()
    }

    /// Waits until somebody else has completed a request.
    pub(crate) fn completes(&self, id: &str) -> Result<()> {
        until("it is complete", || {
            self.run(&["requests", "show", id]).is_ok_and(|run| run.is("/status", "complete").is_ok())
        })
    }

    /// Changes the record database behind its back; `{schema}` stands before the name of a table.
    pub(crate) fn change_records(&self, sql: &str) -> Result<()> {
        match &self.server {
            Some(server) => server.execute(&sql.replace("{schema}", &format!("{SCHEMA}."))),
            None => crate::database::execute(&self.path("records.db"), &sql.replace("{schema}", "")),
        }
    }

    /// This must never be printed nor stored in the clear.
    pub fn keep_private(&self, text: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(text.to_owned());
    }
}

/// What the mock does.
impl Rig {
    /// Segment works on regulations for as long as the scenario lasts, however slow the machine is.
    pub(crate) fn segment_takes_long(&self) {
        let late = Outcome::finished().finished_after(Duration::from_hours(1));
        self.mock.set_outcome(Which::Any, late);
    }

    /// Segment ends what it works on.
    pub(crate) fn segment_is_quick(&self) {
        self.mock.set_outcome(Which::Any, Outcome::finished().finished_after(Duration::ZERO));
    }
}

/// What the mock saw.
impl Rig {
    /// The POSTs, answered or not.
    pub(crate) fn posts(&self) -> Vec<RecordedRequest> {
        self.mock.requests_to(Endpoint::CreateRegulation)
    }

    /// The regulations: type and user ids, sorted.
    pub(crate) fn regulations(&self) -> Vec<(String, Vec<String>)> {
        let view = |one: segment_mock::RegulationView| {
            let mut subjects = one.subjects;
            subjects.sort();
            (one.regulation_type, subjects)
        };
        self.mock.regulations().into_iter().map(view).collect()
    }

    /// Exactly this one regulation.
    pub(crate) fn regulated(&self, kind: &str, subjects: &[&str]) -> Result<()> {
        let mut subjects: Vec<_> = subjects.iter().map(|one| (*one).to_owned()).collect();
        subjects.sort();
        crate::assert::same("the regulations at the mock", &self.regulations(), &vec![(kind.to_owned(), subjects)])
    }

    /// No regulation was created, and none was tried.
    pub(crate) fn nothing_sent(&self) -> Result<()> {
        ensure!(self.posts().is_empty(), "{} POSTs reached the mock", self.posts().len());
        ensure!(self.mock.regulations().is_empty(), "the mock has regulations");
        Ok(())
    }

    /// The mock was not asked anything.
    pub(crate) fn nothing_asked(&self) -> Result<()> {
        let asked = self.mock.requests();
        ensure!(asked.is_empty(), "{} requests reached the mock", asked.len());
        Ok(())
    }

    /// No package, no staging file, no record.
    pub(crate) fn nothing_written(&self) -> Result<()> {
        let records = match &self.server {
            Some(server) => server.dump(SCHEMA)?.is_some(),
            None => self.path("records.db").exists(),
        };
        ensure!(!records, "there is a record database");
        ensure!(!self.path("packages").exists(), "there is a folder of packages");
        Ok(())
    }

    /// The files below the folder of packages.
    pub(crate) fn packages(&self) -> Result<Vec<PathBuf>> {
        let folder = self.path("packages");
        let mut files = Vec::new();
        if folder.exists() {
            list(&folder, &mut files)?;
        }
        Ok(files)
    }

    /// One package, and nothing beside it.
    pub(crate) fn one_package(&self) -> Result<()> {
        let files = self.packages()?;
        ensure!(matches!(files.as_slice(), [_]), "expected one package, found {files:?}");
        Ok(())
    }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Invariant 1: nobody's data and no secret in what is printed or stored in the clear.
impl Rig {
    /// What must not be readable anywhere but in a package.
    fn hidden(&self) -> Vec<String> {
        let mut hidden = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        hidden.extend([self.mock.public_token().to_owned(), self.mock.profile_token().to_owned()]);
        hidden.push(STANDARD.encode(format!("{}:", self.mock.profile_token())));
        hidden.push(key("ours"));
        for person in self.mock.people() {
            hidden.extend([person.email, person.segment_id]);
            hidden.extend(person.user_ids);
            hidden.extend(person.anonymous_ids);
        }
        // The beginning of every phone number and name, and what is in every address.
        hidden.extend(["+1555", "Springfield", "Example Street", "Person 00"].map(str::to_owned));
        hidden
    }

    /// Looks through a file that is not yet a package.
    pub(crate) fn nobody_is_named_in(&self, path: &Path) -> Result<()> {
        let bytes = std::fs::read(path)?;
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        for hidden in self.hidden() {
            ensure!(!text.contains(&hidden.to_lowercase()), "{} holds \"{hidden}\" in the clear", path.display());
        }
        Ok(())
    }

    /// Looks through everything that was printed, and through the record database.
    pub(crate) fn nobody_is_named(&self) -> Result<()> {
        let hidden = self.hidden();
        for run in self.transcript.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let printed = format!("{}\n{}", run.stdout, run.stderr).to_lowercase();
            for text in &hidden {
                ensure!(!printed.contains(&text.to_lowercase()), "{}it prints \"{text}\"", run.shown());
            }
        }
        if let Some(stored) = self.server.as_ref().map(|server| server.dump(SCHEMA)).transpose()?.flatten() {
            let stored = stored.to_lowercase();
            for text in &hidden {
                // Bytes are printed in hexadecimal.
                let lower = text.to_lowercase();
                let found =
                    stored.contains(&lower) || [text, &lower].into_iter().any(|text| stored.contains(&hex(text)));
                ensure!(!found, "the record database holds \"{text}\" in the clear");
            }
        }
        for name in ["records.db", "records.db-wal"] {
            let path = self.path(name);
            if path.exists() {
                self.nobody_is_named_in(&path)?;
            }
        }
        Ok(())
    }
}

fn hex(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
