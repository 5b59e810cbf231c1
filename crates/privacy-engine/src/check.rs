//! The connection test: every credential by itself, with what to do when it fails.

use segment_core::{
    ErrorKind, IdentityKind, Pii, ProfileRef, RegulationQuery, RegulationScope, SegmentError, Service,
    ports::DirectoryCheck,
};

use crate::{ConnectionKind, Sources, wording};

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckStatus {
    /// It works.
    Succeeded,
    /// It does not work.
    Failed,
    /// It works, but somebody should know something.
    Warning,
    /// It could not be tried.
    Skipped,
}

impl CheckStatus {
    /// The name in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
        }
    }
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub name: String,
    /// How it went.
    pub status: CheckStatus,
    /// What was seen, and what to do.
    pub message: String,
}

impl Check {
    /// A check and its outcome.
    pub fn new(name: impl Into<String>, status: CheckStatus, message: impl Into<String>) -> Self {
        Self { name: name.into(), status, message: message.into() }
    }
}

impl From<DirectoryCheck> for Check {
    fn from(check: DirectoryCheck) -> Self {
        let (status, message) = match check.result {
            Ok(seen) => (CheckStatus::Succeeded, seen),
            Err(problem) if problem.warning => (CheckStatus::Warning, problem.message),
            Err(problem) => (CheckStatus::Failed, problem.message),
        };
        Self::new(check.name, status, message)
    }
}

/// Tests one connection. It only reads.
pub async fn check(sources: &Sources) -> Vec<Check> {
    let mut checks = vec![workspace(sources).await, suppressions(sources).await];
    if let Some(name) = &sources.source {
        checks.push(source(sources, name).await);
    }
    checks.push(Check::new("permissions", CheckStatus::Skipped, permissions(sources.kind)));
    if let Some(profiles) = &sources.profiles {
        // Nobody has this id. Whoever may read the space is told so; everybody else is refused.
        let nobody = ProfileRef::external_id(IdentityKind::UserId, Pii::from("segment-privacy-connection-test"));
        checks.push(profile_api(profiles.metadata(&nobody).await.map(drop)));
    }
    if let Some(directory) = &sources.directory {
        checks.extend(directory.describe().await.into_iter().map(Check::from));
    }
    checks
}

async fn workspace(sources: &Sources) -> Check {
    let name = "workspace";
    match sources.regulations.workspace().await {
        Ok(workspace) if workspace.is(&sources.workspace) => Check::new(
            name,
            CheckStatus::Succeeded,
            format!("the access token is of {} ({})", workspace.slug, workspace.id),
        ),
        Ok(workspace) => Check::new(
            name,
            CheckStatus::Failed,
            format!(
                "the access token is of workspace {} ({}), but {} is configured. Correct `workspace`, or use a token of that \
                 workspace: the token alone decides where is deleted",
                workspace.slug, workspace.id, sources.workspace
            ),
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Check::new(
            name,
            CheckStatus::Failed,
            format!("{error}. The access token knows no workspace {}. {}", sources.workspace, token_advice(&error)),
        ),
        Err(error) => Check::new(name, CheckStatus::Failed, format!("{error}. {}", token_advice(&error))),
    }
}

/// Reading regulations needs the same permission as creating them, as far as is known; creating one to find out is no test.
async fn suppressions(sources: &Sources) -> Check {
    let name = "suppressions";
    match sources.regulations.suppressions(None).await {
        Ok(_) => Check::new(name, CheckStatus::Succeeded, "the access token may read suppressions"),
        Err(error) => Check::new(name, CheckStatus::Failed, format!("{error}. {}", token_advice(&error))),
    }
}

/// A list of one source's regulations tells whether the workspace has the source.
async fn source(sources: &Sources, source: &str) -> Check {
    let name = "source";
    let scope = RegulationScope::of_source(Some(source));
    match sources.regulations.list(&RegulationQuery { scope, count: 1, ..RegulationQuery::default() }).await {
        Ok(_) => Check::new(
            name,
            CheckStatus::Succeeded,
            format!(
                "regulations are for the source {source} only; nothing else of the workspace is suppressed or deleted"
            ),
        ),
        Err(error) => match error.kind() {
            ErrorKind::Misuse => Check::new(
                name,
                CheckStatus::Skipped,
                format!(
                    "cannot be tried without creating a regulation: the Config API lists none of a source. {}",
                    wording::unknown_source(source)
                ),
            ),
            ErrorKind::NotFound => {
                let advice = wording::unknown_source(source);
                Check::new(name, CheckStatus::Failed, format!("{error}. {advice}"))
            }
            // Nothing documents how such a list ends: a long one may not be understood, and yet the source is there.
            ErrorKind::Unreadable => Check::new(
                name,
                CheckStatus::Warning,
                format!("{error}. A lost answer could not be searched for at this source; a human would have to look"),
            ),
            _ => Check::new(name, CheckStatus::Failed, format!("{error}. {}", token_advice(&error))),
        },
    }
}

fn permissions(kind: ConnectionKind) -> &'static str {
    match kind {
        ConnectionKind::Segment => {
            "cannot be tried without creating a regulation. The access token needs: End-user Privacy (Workspace Owner grants it)"
        }
        ConnectionKind::SegmentUnify => {
            "cannot be tried without creating a regulation. The access token needs: Identities, Sources, Spaces, Warehouses \
             and End-user Privacy (Workspace Owner grants them)"
        }
    }
}

fn profile_api(answer: Result<(), SegmentError>) -> Check {
    let name = "profile api";
    match answer {
        Ok(()) => Check::new(
            name,
            CheckStatus::Succeeded,
            "the access secret is taken. A space id that does not exist answers like a person who does not: check it against \
             Unify settings > API access",
        ),
        Err(error) => {
            let advice = match error.kind() {
                ErrorKind::Unauthorized => {
                    "Check that `access_secret` is the token of this space (Unify settings > API access), that `space_id` is \
                     the space's, and that `profiles_domain` is that of the workspace's region"
                }
                _ => domain_advice(error.kind()),
            };
            Check::new(name, CheckStatus::Failed, format!("{error}. {advice}"))
        }
    }
}

fn token_advice(error: &SegmentError) -> &'static str {
    match (error.kind(), error.service()) {
        (ErrorKind::Unauthorized, Service::ConfigApi) => {
            "Check that `access_token` is a Config API token of a Workspace Owner with full scope. Segment has given out none \
             since 2024-02: with a Public API token, set domain = \"api.segmentapis.com\""
        }
        (ErrorKind::Unauthorized, _) => {
            "Check that `access_token` is a Public API token (not a Config API token, a source's write key or the Unify access \
             secret), that `domain` is that of the workspace's region, and that its role is Workspace Owner"
        }
        (ErrorKind::NotFound, Service::ConfigApi) => {
            "Check `workspace`: the Config API wants the slug, as in app.segment.com/SLUG, not the id or the name"
        }
        (kind, _) => domain_advice(kind),
    }
}

fn domain_advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Connect | ErrorKind::Timeout => "Check the domain and the way to it (DNS, firewall, TLS inspection)",
        ErrorKind::Redirected | ErrorKind::NotFound | ErrorKind::Unreadable | ErrorKind::NoRoute => {
            "Check the domain: what answers there is not this API of Segment"
        }
        _ => "Try again later",
    }
}
