//! `SEGMENT_PRIVACY__SECTION__KEY` overrides a key; entries of lists are named by their key.

use std::path::PathBuf;

use toml::{Table, Value};

use super::nearest::nearest;
use crate::error::CliError;

const PREFIX: &str = "SEGMENT_PRIVACY__";
pub(super) const LISTS: [&str; 4] = ["connections", "datasets", "policies", "webhooks"];
/// Keys that hold a number or a boolean; everything else is text, or a table or list in TOML's inline form.
pub(super) const NOT_TEXT: [&str; 15] = [
    "allow_private",
    "behind_proxy",
    "enabled",
    "masking_strict",
    "report",
    "require_approval",
    "max_user_ids",
    "packages_days",
    "identities_days",
    "concurrency",
    "allow_custom_domain",
    "profile_requests_per_second",
    "regulations_per_minute",
    "config_calls_per_minute",
    "monthly_users",
];

/// The overriding variables of the process.
pub(crate) fn overrides() -> Vec<(String, String)> {
    variables(PREFIX)
}

/// The variables whose names begin so.
#[expect(clippy::disallowed_methods, reason = "the configuration is the one place that reads the environment")]
pub(crate) fn variables(prefix: &str) -> Vec<(String, String)> {
    let mut all: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    all.sort();
    all
}

/// Where the system keeps files for a while.
pub(crate) fn temporary_folder() -> PathBuf {
    std::env::temp_dir()
}

/// Who runs the command, as far as the environment says it.
#[expect(clippy::disallowed_methods, reason = "the configuration is the one place that reads the environment")]
pub(crate) fn operator() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    name.unwrap_or_else(|| "somebody at the command line".to_owned())
}

/// Writes the variables over the file's values.
pub(crate) fn apply(table: &mut Table, overrides: &[(String, String)]) -> Result<(), CliError> {
    for (name, value) in overrides {
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_ascii_lowercase).collect();
        set(table, name, &path, value)?;
    }
    Ok(())
}

fn set(table: &mut Table, name: &str, path: &[String], value: &str) -> Result<(), CliError> {
    match path {
        [key] if !key.is_empty() => {
            table.insert(key.clone(), read(name, key, value)?);
            Ok(())
        }
        [list, entry, rest @ ..] if LISTS.contains(&list.as_str()) && !rest.is_empty() => {
            let entries = table.get_mut(list).and_then(Value::as_array_mut);
            let entry = find(entries, name, list, entry)?;
            set(entry, name, rest, value)
        }
        [section, rest @ ..] if !rest.is_empty() => {
            let inner = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            let inner = inner.as_table_mut().ok_or_else(|| malformed(name))?;
            set(inner, name, rest, value)
        }
        _ => Err(malformed(name)),
    }
}

fn find<'a>(
    entries: Option<&'a mut Vec<Value>>,
    name: &str,
    list: &str,
    wanted: &str,
) -> Result<&'a mut Table, CliError> {
    let key_of = |value: &Value| value.get("key").and_then(Value::as_str).map(normal);
    let entries = entries.map_or(&mut [] as &mut [Value], Vec::as_mut_slice);
    let keys: Vec<String> = entries.iter().filter_map(key_of).collect();
    let known: Vec<&str> = keys.iter().map(String::as_str).collect();
    let unknown = || {
        let near =
            nearest(wanted, &known).map(|near| format!(", did you mean {}?", near.to_uppercase())).unwrap_or_default();
        CliError::usage(
            "config_invalid",
            format!("the environment variable {name} names an entry of {list} that is not in the file{near}"),
        )
    };
    let at = keys.iter().position(|key| key == wanted).ok_or_else(unknown)?;
    entries.get_mut(at).and_then(Value::as_table_mut).ok_or_else(unknown)
}

/// Keys may hold dashes, names of variables may not.
fn normal(key: &str) -> String {
    key.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

fn read(name: &str, key: &str, value: &str) -> Result<Value, CliError> {
    let inline = value.starts_with(['{', '[']);
    if !inline && !NOT_TEXT.contains(&key) {
        return Ok(Value::String(value.to_owned()));
    }
    let parsed: Result<Table, _> = toml::from_str(&format!("value = {value}"));
    parsed.ok().and_then(|mut table| table.remove("value")).ok_or_else(|| {
        CliError::usage(
            "config_invalid",
            format!("the value of the environment variable {name} is not a number, a boolean or an inline table"),
        )
    })
}

fn malformed(name: &str) -> CliError {
    CliError::usage("config_invalid", format!("the environment variable {name} names no key"))
        .hint("SEGMENT_PRIVACY__SECTION__KEY, or SEGMENT_PRIVACY__CONNECTIONS__<key>__<field>")
}
