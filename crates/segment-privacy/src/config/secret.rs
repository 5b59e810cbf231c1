//! Secrets: a string, or where to find one.

use std::path::Path;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::error::CliError;

/// A secret: the text itself, `{ env = "NAME" }` or `{ file = "PATH" }`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a secret is a string, { env = \"NAME\" } or { file = \"PATH\" }")]
pub(crate) enum Secret {
    Text(String),
    Env(FromEnv),
    File(FromFile),
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromEnv {
    env: String,
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FromFile {
    file: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// Shown as where it comes from, never as what it is.
impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(_) => serializer.serialize_str("(hidden)"),
            Self::Env(from) => from.serialize(serializer),
            Self::File(from) => from.serialize(serializer),
        }
    }
}

impl Secret {
    pub(crate) fn from_env(name: &str) -> Self {
        Self::Env(FromEnv { env: name.to_owned() })
    }

    pub(crate) fn from_file(path: &str) -> Self {
        Self::File(FromFile { file: path.to_owned() })
    }

    /// Where it comes from, never what it is.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(_) => "(hidden)".to_owned(),
            Self::Env(from) => format!("env:{}", from.env),
            Self::File(from) => format!("file:{}", from.file),
        }
    }

    /// The text, where the configuration holds it.
    pub(crate) fn inline(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Env(_) | Self::File(_) => None,
        }
    }

    /// Reads the secret; `what` names it in errors, such as `access_token of connection segment_prod`.
    pub(crate) fn read(&self, what: &str, base: &Path) -> Result<SecretString, CliError> {
        let text = match self {
            Self::Text(text) => text.clone(),
            Self::Env(FromEnv { env }) => variable(env).ok_or_else(|| {
                CliError::usage(
                    "secret_missing",
                    format!("the {what} is to come from the environment variable {env}, which is not set"),
                )
                .hint(format!("set it for this command, or write {{ file = \"…\" }}: export {env}=…"))
            })?,
            Self::File(FromFile { file }) => std::fs::read_to_string(base.join(file)).map_err(|error| {
                CliError::usage(
                    "secret_missing",
                    format!("the {what} is to come from the file {file}, which cannot be read: {error}"),
                )
                .hint("create the file with mode 0600")
            })?,
        };
        checked(&text, what)
    }
}

/// No secret of Segment's is near it.
const MAX_SECRET: usize = 8_192;

/// The secret of a text, if it can be one.
pub(crate) fn checked(text: &str, what: &str) -> Result<SecretString, CliError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(CliError::usage("secret_missing", format!("the {what} is empty"))
            .hint("see the README for where each value is found in Segment"));
    }
    let malformed = |why: &str| {
        Err(CliError::usage("secret_malformed", format!("the {what} {why}")).hint("copy it again, without line breaks"))
    };
    if text.len() > MAX_SECRET {
        return malformed("is too long to be one");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return malformed("holds white space or control characters");
    }
    Ok(SecretString::from(text.to_owned()))
}

/// Where the encryption key is when the configuration does not say it.
pub(crate) fn default_key() -> Secret {
    Secret::Env(FromEnv { env: "SEGMENT_PRIVACY_KEY".to_owned() })
}

#[expect(clippy::disallowed_methods, reason = "the configuration is the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
