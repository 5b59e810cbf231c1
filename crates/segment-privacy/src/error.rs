//! Failures as people and scripts see them: a stable code, what is wrong, what to do, and the exit code.

use std::process::ExitCode;

use privacy_engine::{EngineError, ResolveError};
use privacy_store::OpenError;
use segment_core::{RequestStatus, ports::StoreError};

/// The documented exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Unexpected = 1,
    Usage = 2,
    EndedInError = 3,
    RequiresAttention = 4,
    CheckFailed = 5,
    NoSuchRequest = 6,
    StillOpen = 7,
    CalledOff = 8,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit code of a request in this status, for somebody who did, or did not, wait for its end.
    pub(crate) fn of(status: RequestStatus, waited: bool) -> Self {
        match status {
            RequestStatus::Complete => Self::Done,
            RequestStatus::AwaitingProcessor if !waited => Self::Done,
            RequestStatus::Error => Self::EndedInError,
            RequestStatus::RequiresAttention => Self::RequiresAttention,
            RequestStatus::Canceled | RequestStatus::Denied => Self::CalledOff,
            _ => Self::StillOpen,
        }
    }

    /// For a file: the worst by 3 > 4 > 7 > 0; called off counts as over.
    pub(crate) fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        let order = [Self::EndedInError, Self::RequiresAttention, Self::StillOpen];
        let all: Vec<_> = all.into_iter().collect();
        order.into_iter().find(|exit| all.contains(exit)).unwrap_or(Self::Done)
    }
}

/// Why a command failed.
#[derive(Debug, Clone)]
pub(crate) struct CliError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    pub(crate) exit: Exit,
}

impl CliError {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, exit }
    }

    /// Wrong usage or configuration.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message)
    }

    pub(crate) fn unexpected(what: &str, error: &dyn std::error::Error) -> Self {
        Self::new(Exit::Unexpected, "unexpected", format!("{what}: {}", chain(error)))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// An error with its causes. None of ours holds personal data or a secret.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        let (code, exit, hint) = match &error {
            OpenError::Key { .. } => ("key_malformed", Exit::Usage, "see [encryption] key"),
            OpenError::WrongKey { .. } => (
                "wrong_key",
                Exit::Usage,
                "give the key that the database was made with, see [encryption] key; while a key is replaced, that one as previous_key",
            ),
            OpenError::Newer { .. } => ("database_newer", Exit::Usage, "install the newer version again"),
            OpenError::Locked { .. } => ("database_locked", Exit::Unexpected, "wait for the other process, or stop it"),
            // A supervisor starts what ended so again; 2 would say that it is of no use.
            OpenError::NotNow { .. } => (
                "database_not_writable_now",
                Exit::Unexpected,
                "make room on the disk, or wait until the server takes changes again; nothing was changed",
            ),
            OpenError::Server { .. } => (
                "database_unreachable",
                Exit::Unexpected,
                "check [database] url, that the server runs, and that the role may create a schema",
            ),
            OpenError::NotARecordDatabase { .. } => {
                ("not_a_record_database", Exit::Usage, "point [database] url at another file; nothing was changed")
            }
            _ => (
                "database_not_writable",
                Exit::Usage,
                "check that the folder exists, its permissions and the space on the disk",
            ),
        };
        Self::new(exit, code, chain(&error)).hint(hint)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let (code, hint) = match &error {
            StoreError::Unavailable(_) => ("database_locked", "wait for the other process, then run the command again"),
            StoreError::NotWritable(_) => (
                "database_not_writable",
                "check the disk's space and the permissions; nothing is half-done, run the command again",
            ),
            StoreError::Misuse(_) => return Self::usage("not_possible", error_text(&error)),
            _ => ("database_failed", "nothing is half-done; run the command again, and report it if it stays"),
        };
        Self::new(Exit::Unexpected, code, chain(&error)).hint(hint)
    }
}

fn error_text(error: &StoreError) -> String {
    match error {
        StoreError::Misuse(text) => text.clone(),
        other => other.to_string(),
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            other => Self::usage("no_connection", other.to_string()).hint(
                "`segment-privacy connections list` shows them all; `connections enable KEY` lets one work again",
            ),
        }
    }
}

impl From<ResolveError> for CliError {
    fn from(error: ResolveError) -> Self {
        Self::new(Exit::EndedInError, "cannot_plan", chain(&error))
            .hint("`segment-privacy check` tests each connection")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_as_documented() {
        assert_eq!(Exit::of(RequestStatus::AwaitingProcessor, false), Exit::Done);
        assert_eq!(Exit::of(RequestStatus::AwaitingProcessor, true), Exit::StillOpen);
        assert_eq!(Exit::of(RequestStatus::Pending, false), Exit::StillOpen);
        assert_eq!(Exit::of(RequestStatus::Denied, false), Exit::CalledOff);
        let worst = |exits: &[Exit]| Exit::worst(exits.iter().copied());
        assert_eq!(worst(&[Exit::Done, Exit::StillOpen, Exit::RequiresAttention]), Exit::RequiresAttention);
        assert_eq!(worst(&[Exit::RequiresAttention, Exit::EndedInError]), Exit::EndedInError);
        assert_eq!(worst(&[Exit::Done, Exit::CalledOff]), Exit::Done);
    }

    #[test]
    fn what_may_pass_ends_so_that_a_supervisor_starts_it_again() {
        let path = || "records.db".to_owned();
        let of = |error: OpenError| CliError::from(error).exit;
        assert_eq!(of(OpenError::NotNow { path: path(), source: "no space left on device".into() }), Exit::Unexpected);
        assert_eq!(of(OpenError::Locked { path: path() }), Exit::Unexpected);
        assert_eq!(of(OpenError::Io { path: path(), source: "permission denied".into() }), Exit::Usage);
    }
}
