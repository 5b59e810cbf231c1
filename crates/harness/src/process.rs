//! Starting the binary under test: clean environment, captured output, a time limit, signals.

use std::{
    io::{Read, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{assert::until, context::clean_environment};

/// Nothing takes longer unless it hangs.
const LIMIT: Duration = Duration::from_mins(1);

/// Everything that the processes of a rig printed.
pub(crate) type Transcript = Arc<Mutex<Vec<Run>>>;

/// What a process prints, and the thread that reads it.
#[derive(Debug)]
struct Drained {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

/// A call of the binary, being put together.
#[derive(Debug)]
pub struct Invocation {
    command: Command,
    /// For failures; it may hold identities and is never part of the transcript.
    line: String,
    stdin: Vec<u8>,
    transcript: Transcript,
}

/// A process that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    line: String,
    outputs: Option<(Drained, Drained)>,
    transcript: Transcript,
}

/// A process that ended.
#[derive(Debug, Clone)]
pub struct Run {
    /// The command line.
    pub line: String,
    /// The exit code; the negative number of the signal that ended it.
    pub exit: i32,
    /// What it printed as its result.
    pub stdout: String,
    /// What it told.
    pub stderr: String,
}

impl Invocation {
    pub(crate) fn new(binary: PathBuf, folder: PathBuf, args: &[String], transcript: Transcript) -> Self {
        let mut command = Command::new(binary);
        command.args(args).current_dir(folder).env_clear().envs(clean_environment());
        Self { command, line: args.join(" "), stdin: Vec::new(), transcript }
    }

    /// Gives it this on standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(mut self) -> Result<Running> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().with_context(|| format!("cannot start {:?}", self.command))?;
        let (Some(mut stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            bail!("the process has no pipes")
        };
        let bytes = self.stdin;
        // A process may end without reading its input; that is its choice.
        std::thread::spawn(move || drop(stdin.write_all(&bytes)));
        let outputs = Some((drain(stdout), drain(stderr)));
        Ok(Running { child, line: self.line, outputs, transcript: self.transcript })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    ///
    /// It cannot be started, or does not end in time.
    pub fn run(self) -> Result<Run> {
        self.start()?.wait()
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> Drained {
    let bytes = Arc::<Mutex<Vec<u8>>>::default();
    let all = Arc::clone(&bytes);
    let reader = std::thread::spawn(move || {
        let mut some = [0; 4_096];
        // What was read before a failure is still worth showing.
        while let Ok(read @ 1..) = pipe.read(&mut some) {
            all.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&some[..read]);
        }
    });
    Drained { bytes, reader }
}

impl Drained {
    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn all(self) -> String {
        // What it read before a panic is still worth showing.
        let _ = self.reader.join();
        String::from_utf8_lossy(&self.bytes.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Running {
    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// It has ended already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).context("a process id")?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("`{}` cannot be sent {signal}", self.line))
    }

    /// Waits until it has told this so many times on standard error.
    ///
    /// # Errors
    ///
    /// It does not tell it in time.
    pub fn tells(&self, words: &str, times: usize) -> Result<()> {
        let tells = || self.told().matches(words).count() >= times;
        until(words, tells).with_context(|| format!("it told:\n{}", self.told()))
    }

    /// What it has told so far on standard error.
    pub(crate) fn told(&self) -> String {
        self.outputs.as_ref().map(|(_, stderr)| stderr.so_far()).unwrap_or_default()
    }

    /// Watches it until it ends: its peak resident memory in KiB, as Linux says (`VmHWM`).
    ///
    /// # Errors
    ///
    /// It ended before it was seen, or this is no Linux.
    pub fn peak_memory(&self) -> Result<u64> {
        let file = format!("/proc/{}/status", self.child.id());
        let seen = || {
            let status = std::fs::read_to_string(&file).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches(" kB").parse().ok()
        };
        let mut peak = None;
        // A process that has ended has no memory any more.
        while let Some(now) = seen() {
            peak = Some(now);
            std::thread::sleep(Duration::from_millis(2));
        }
        peak.with_context(|| format!("`{}` was not seen", self.line))
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// It does not end in time; then it is killed.
    pub fn wait(mut self) -> Result<Run> {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break Some(status);
            }
            if start.elapsed() > LIMIT {
                self.child.kill()?;
                self.child.wait()?;
                break None;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let Some((stdout, stderr)) = self.outputs.take() else { bail!("the output is gone") };
        let exit = status.map_or(0, |status| {
            use std::os::unix::process::ExitStatusExt;
            status.code().unwrap_or_else(|| -status.signal().unwrap_or_default())
        });
        let run = Run { line: self.line.clone(), exit, stdout: stdout.all(), stderr: stderr.all() };
        self.transcript.lock().unwrap_or_else(PoisonError::into_inner).push(run.clone());
        if status.is_none() {
            bail!("{}did not end within {LIMIT:?}", run.shown());
        }
        Ok(run)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.outputs.is_some() {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
