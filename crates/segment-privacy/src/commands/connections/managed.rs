//! The same for the dashboard: somebody types into a form what the command line takes as flags.

use std::collections::BTreeMap;

use privacy_service::ConnectionChange;
use privacy_store::{RecordStore, Removal};

use super::{Known, fields};
use crate::{
    cli::ConnectionFields,
    config::{ConnectionConfig, Kind, Loaded, Secret, checked, stored},
    error::CliError,
    output::shapes::{ConnectionShape, FieldShape},
};

/// What decides where secrets are sent.
const HOSTS: [&str; 4] = ["domain", "profiles-domain", "region", "allow-custom-domain"];

/// The fields of a kind, with nothing in them.
pub(crate) fn blank(kind: &str) -> Option<Vec<FieldShape>> {
    Some(fields::shown(&fields::new("", read_kind(kind)?)))
}

/// One connection with its fields.
pub(crate) async fn one(loaded: &Loaded, store: &RecordStore, key: &str) -> Result<Option<ConnectionShape>, CliError> {
    let known = Known::of(loaded, store, "").await?;
    let (config, from) = match (known.in_file(key), known.stored.iter().find(|one| one.key.as_str() == key)) {
        (Some(config), _) => (config.clone(), super::FILE),
        (None, Some(one)) => (stored::read(one)?, super::DATABASE),
        (None, None) => return Ok(None),
    };
    let mut shape = super::shape(&config, from, &store.tests().await?);
    shape.fields = fields::shown(&config);
    Ok(Some(shape))
}

/// Does what somebody asks for.
pub(crate) async fn change(
    loaded: &Loaded,
    store: &RecordStore,
    change: ConnectionChange,
    by: &str,
) -> Result<(), CliError> {
    let known = Known::of(loaded, store, by).await?;
    match change {
        ConnectionChange::Add { key, kind, typed } => {
            known.is_new(&key)?;
            let kind = read_kind(&kind)
                .ok_or_else(|| CliError::usage("unknown_kind", "the kind must be segment or segment_unify"))?;
            let mut config = fields::new(&key, kind);
            apply(&mut config, &typed)?;
            known.put(&config, "added").await
        }
        ConnectionChange::Edit { key, typed } => {
            let mut config = stored::read(known.of_database(&key)?)?;
            let before = hosts(&config);
            let has_secrets = |config: &ConnectionConfig| {
                let secrets = [("access-token", &config.access_token), ("access-secret", &config.access_secret)];
                secrets
                    .into_iter()
                    .all(|(name, secret)| secret.is_none() || typed.get(name).is_some_and(|text| !text.is_empty()))
            };
            let typed_again = has_secrets(&config);
            apply(&mut config, &typed)?;
            if hosts(&config) != before && !typed_again {
                return Err(CliError::usage("secret_needed", "another host is meant, and nothing was changed")
                    .hint("type the secrets, too: those that are kept were given for the host of before"));
            }
            known.put(&config, "edited").await
        }
        ConnectionChange::Enable { key, enabled } => {
            let mut config = stored::read(known.of_database(&key)?)?;
            config.enabled = enabled;
            known.put(&config, if enabled { "enabled" } else { "disabled" }).await
        }
        ConnectionChange::Remove { key } => {
            let one = known.of_database(&key)?;
            match store.remove_connection(&one.key, false, &known.told("removed")).await? {
                Removal::Removed => Ok(()),
                Removal::InUse(people) => Err(CliError::usage(
                    "connection_in_use",
                    format!("nothing was removed; requests with something open at {key}: {people}"),
                )
                .hint("disable it, so that they come to their end")),
                _ => Err(known.missing(&key)),
            }
        }
        _ => Err(CliError::usage("not_possible", "this change is not known here")),
    }
}

fn read_kind(name: &str) -> Option<Kind> {
    [Kind::Segment, Kind::SegmentUnify].into_iter().find(|kind| kind.name() == name)
}

fn hosts(config: &ConnectionConfig) -> Vec<Option<String>> {
    fields::shown(config).into_iter().filter(|one| HOSTS.contains(&one.name.as_str())).map(|one| one.value).collect()
}

/// What was typed; an empty field is its default, and an empty secret the one that is kept.
fn apply(config: &mut ConnectionConfig, typed: &BTreeMap<String, String>) -> Result<(), CliError> {
    let (mut given, mut emptied) = (ConnectionFields::default(), Vec::new());
    for (name, text) in typed {
        let text = text.trim();
        match name.as_str() {
            "access-token" | "access-secret" if text.is_empty() => {}
            "access-token" => config.access_token = Some(secret(name, text)?),
            "access-secret" => config.access_secret = Some(secret(name, text)?),
            _ if text.is_empty() => emptied.push(name.clone()),
            _ => set(&mut given, name, text)?,
        }
    }
    fields::unset(config, &emptied)?;
    fields::apply(config, given)?;
    fields::complete(config)
}

/// What a form says is the secret itself: what the service's environment or files hold is not for whoever fills in forms.
fn secret(name: &str, text: &str) -> Result<Secret, CliError> {
    if text.starts_with("env:") || text.starts_with("file:") {
        return Err(CliError::usage("secret_malformed", format!("the {name} must be the secret itself"))
            .hint("`segment-privacy connections edit` takes env:NAME and file:PATH"));
    }
    let text = checked(text, name)?;
    Ok(Secret::Text(secrecy::ExposeSecret::expose_secret(&text).to_owned()))
}

fn set(given: &mut ConnectionFields, name: &str, text: &str) -> Result<(), CliError> {
    let number = || {
        text.parse()
            .map_err(|_| CliError::usage("field_invalid", format!("{name} must be a whole number, not \"{text}\"")))
    };
    let small = || {
        number().and_then(|number: u64| {
            u32::try_from(number).map_err(|_| CliError::usage("field_invalid", format!("{name} is too large")))
        })
    };
    let some = Some(text.to_owned());
    match name {
        "domain" => given.domain = some,
        "profiles-domain" => given.profiles_domain = some,
        "region" => given.region = some,
        "api" => given.api = some,
        "workspace" => given.workspace = some,
        "space-id" => given.space_id = some,
        "segment-user-id" => given.segment_user_id = some,
        "source" => given.source = some,
        "allow-custom-domain" => {
            given.allow_custom_domain = Some(text.parse().map_err(|_| {
                CliError::usage("field_invalid", format!("{name} must be true or false, not \"{text}\""))
            })?);
        }
        "profile-requests-per-second" => given.profile_requests_per_second = Some(small()?),
        "regulations-per-minute" => given.regulations_per_minute = Some(small()?),
        "config-calls-per-minute" => given.config_calls_per_minute = Some(small()?),
        "monthly-users" => given.monthly_users = Some(number()?),
        _ => return Err(CliError::usage("no_such_field", format!("there is no field {name}"))),
    }
    Ok(())
}
