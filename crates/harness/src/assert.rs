//! What runs are held against. Every failure shows the whole run.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::process::Run;

/// The two are equal.
pub(crate) fn same<A, B>(what: &str, actual: &A, expected: &B) -> Result<()>
where
    A: Debug + PartialEq<B> + ?Sized,
    B: Debug + ?Sized,
{
    ensure!(actual == expected, "{what}: {actual:?}, expected {expected:?}");
    Ok(())
}

/// Waits until it happens.
pub(crate) fn until(what: &str, happened: impl Fn() -> bool) -> Result<()> {
    until_within(Duration::from_secs(30), what, happened)
}

/// The same, with more patience.
pub(crate) fn until_within(patience: Duration, what: &str, happened: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !happened() {
        ensure!(start.elapsed() < patience, "it never happened: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

impl Run {
    /// For failures.
    pub(crate) fn shown(&self) -> String {
        let cut = |text: &str| text.chars().take(6_000).collect::<String>();
        format!(
            "`{}` exited {}\n--- stdout\n{}\n--- stderr\n{}\n---\n",
            self.line,
            self.exit,
            cut(&self.stdout),
            cut(&self.stderr)
        )
    }

    /// It ended with this exit code.
    pub(crate) fn exits(&self, code: i32) -> Result<&Self> {
        ensure!(self.exit == code, "{}expected exit code {code}", self.shown());
        Ok(self)
    }

    /// Its one JSON document on standard output.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("{}stdout is not one JSON document", self.shown()))
    }

    /// The value at a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Result<Value> {
        self.json()?.pointer(pointer).cloned().with_context(|| format!("{}there is no {pointer}", self.shown()))
    }

    /// The text at a JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Result<String> {
        let value = self.at(pointer)?;
        Ok(value.as_str().with_context(|| format!("{}{pointer} is no text", self.shown()))?.to_owned())
    }

    /// The value at a JSON pointer is this.
    pub(crate) fn is(&self, pointer: &str, expected: impl Into<Value>) -> Result<&Self> {
        let (actual, expected) = (self.at(pointer)?, expected.into());
        ensure!(actual == expected, "{}{pointer} is {actual}, expected {expected}", self.shown());
        Ok(self)
    }

    /// The status of a check, of the first connection or else of what is local.
    pub(crate) fn check(&self, name: &str) -> Result<String> {
        let (connection, local) = (self.at("/connections/0/checks")?, self.at("/local")?);
        let mut all = connection.as_array().into_iter().chain(local.as_array()).flatten();
        let found = all.find(|check| check["name"] == name).and_then(|check| check["status"].as_str());
        Ok(found.with_context(|| format!("{}there is no check {name}", self.shown()))?.to_owned())
    }

    /// The codes of the findings of the first task.
    pub(crate) fn findings(&self) -> Result<Vec<String>> {
        let findings = self.at("/tasks/0/findings")?;
        let codes = findings.as_array().into_iter().flatten().map(|one| one["code"].as_str().unwrap_or_default());
        Ok(codes.map(str::to_owned).collect())
    }

    /// One of the tasks has a finding with this code.
    pub(crate) fn finds(&self, code: &str) -> Result<&Self> {
        let tasks = self.at("/tasks")?;
        let findings = tasks.as_array().into_iter().flatten().filter_map(|task| task["findings"].as_array());
        let codes = findings.flatten().map(|one| one["code"].as_str().unwrap_or_default());
        let codes: Vec<_> = codes.collect();
        ensure!(codes.contains(&code), "{}no finding {code}, but {codes:?}", self.shown());
        Ok(self)
    }

    /// A human must decide: exit code 4, and the first task says why.
    pub(crate) fn needs_human(&self, code: &str) -> Result<&Self> {
        self.exits(4)?.is("/status", "requires_attention")?.is("/tasks/0/code", code)?;
        ensure!(self.text("/tasks/0/message")?.len() > 20, "{}no sentence for a human", self.shown());
        Ok(self)
    }

    /// It failed before anything was done: exit code, stable code, and words that its message or hint must hold.
    pub(crate) fn fails(&self, exit: i32, code: &str, words: &[&str]) -> Result<&Self> {
        self.exits(exit)?;
        let Some(error) = self.error() else { bail!("{}no JSON error on stderr", self.shown()) };
        ensure!(error["code"] == code, "{}the code is {}, expected {code}", self.shown(), error["code"]);
        let told =
            format!("{} {}", error["message"].as_str().unwrap_or_default(), error["hint"].as_str().unwrap_or_default());
        for word in words {
            ensure!(told.contains(word), "{}neither message nor hint says \"{word}\"", self.shown());
        }
        Ok(self)
    }

    fn error(&self) -> Option<Value> {
        let documents = self.stderr.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        documents.into_iter().find_map(|document| document.get("error").cloned())
    }
}
