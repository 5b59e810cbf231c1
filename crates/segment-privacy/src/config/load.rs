//! Reading the file, with the environment over it.

use std::path::{Path, PathBuf};

use super::{ConfigFile, Loaded, environment, nearest, resolved};
use crate::error::CliError;

/// Reads and checks the configuration.
pub(crate) fn load(path: &Path) -> Result<Loaded, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("the configuration {} cannot be read: {error}", path.display());
        match error.kind() {
            std::io::ErrorKind::NotFound => CliError::usage("config_missing", message)
                .hint("`segment-privacy init` writes one; --config FILE or SEGMENT_PRIVACY_CONFIG names another"),
            _ => {
                CliError::usage("config_unreadable", message).hint("it must be a text file in UTF-8 that you may read")
            }
        }
    })?;
    let file = read(&text, &path.display().to_string(), &environment::overrides())?;
    let base = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    resolved::resolve(file, base)
}

/// Reads the text with these overrides; `name` is the file's name in errors.
pub(crate) fn read(text: &str, name: &str, overrides: &[(String, String)]) -> Result<ConfigFile, CliError> {
    let invalid = |error: toml::de::Error| {
        let place =
            error.span().map(|span| line_of(text, span.start)).map(|line| format!(", line {line}")).unwrap_or_default();
        CliError::usage("config_invalid", format!("{name}{place}: {}", nearest::explain(error.message())))
            .hint("`segment-privacy config schema` prints every key")
    };
    // The file by itself first: its errors can say the line.
    let file: ConfigFile = toml::from_str(text).map_err(invalid)?;
    if overrides.is_empty() {
        return Ok(file);
    }
    let mut table: toml::Table = toml::from_str(text).map_err(invalid)?;
    environment::apply(&mut table, overrides)?;
    table.try_into().map_err(|error: toml::de::Error| {
        let names: Vec<_> = overrides.iter().map(|(name, _)| name.as_str()).collect();
        CliError::usage(
            "config_invalid",
            format!("the environment ({}): {}", names.join(", "), nearest::explain(error.message())),
        )
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
