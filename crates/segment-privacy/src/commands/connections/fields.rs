//! The fields of a connection: what each kind requires, its defaults, and how they are set, asked and shown.

use super::{ask, secrets};
use crate::{
    cli::ConnectionFields,
    config::{ConnectionConfig, Kind, LimitsConfig, ScopeConfig, Secret, UserIdField},
    error::CliError,
    output::shapes::FieldShape,
};

/// What a kind of connection makes of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Required,
    Default(&'static str),
    /// Without a default: it may be left out.
    Optional,
    /// The kind does not have it.
    Unused,
}

struct Field {
    name: &'static str,
    basic: Need,
    unify: Need,
    prompt: &'static str,
    value: fn(&ConnectionConfig) -> Option<String>,
    unset: fn(&mut ConnectionConfig),
}

const fn field(
    name: &'static str,
    (basic, unify): (Need, Need),
    prompt: &'static str,
    value: fn(&ConnectionConfig) -> Option<String>,
    unset: fn(&mut ConnectionConfig),
) -> Field {
    Field { name, basic, unify, prompt, value, unset }
}

const fn both(need: Need) -> (Need, Need) {
    (need, need)
}

use Need::{Default as By, Optional, Required, Unused};

const FIELDS: [Field; 15] = [
    field("domain", both(By("platform.segmentapis.com")), "", |c| c.domain.clone(), |c| c.domain = None),
    field(
        "profiles-domain",
        (Unused, By("profiles.segment.com")),
        "",
        |c| c.profiles_domain.clone(),
        |c| c.profiles_domain = None,
    ),
    field("region", both(By("us")), "", |c| c.region.clone(), |c| c.region = None),
    field("api", both(By("the domain decides")), "", |c| c.api.clone(), |c| c.api = None),
    field(
        "allow-custom-domain",
        both(By("false")),
        "",
        |c| c.allow_custom_domain.then(|| "true".to_owned()),
        |c| c.allow_custom_domain = false,
    ),
    field(
        "workspace",
        both(Required),
        "Workspace slug or id (Settings > Workspace settings > General)",
        |c| c.workspace.clone(),
        |c| c.workspace = None,
    ),
    field(
        "access-token",
        both(Required),
        "Access token (Settings > Workspace settings > Access Management > Tokens)",
        |c| c.access_token.as_ref().map(Secret::shown),
        |c| c.access_token = None,
    ),
    field(
        "space-id",
        (Unused, Required),
        "Space id (Unify > Unify settings > API access)",
        |c| c.space_id.clone(),
        |c| c.space_id = None,
    ),
    field(
        "access-secret",
        (Unused, Required),
        "Access secret (Unify > Unify settings > API access)",
        |c| c.access_secret.as_ref().map(Secret::shown),
        |c| c.access_secret = None,
    ),
    field(
        "segment-user-id",
        (Required, Optional),
        "Where the Segment user id is (dataset.collection.field)",
        |c| c.segment_user_id.as_ref().map(UserIdField::shown),
        |c| c.segment_user_id = None,
    ),
    field(
        "source",
        both(By("the whole workspace")),
        "",
        |c| c.scope.as_ref().map(|scope| scope.source.clone()),
        |c| c.scope = None,
    ),
    field(
        "profile-requests-per-second",
        (Unused, By("90")),
        "",
        |c| c.limits.profile_requests_per_second.map(|n| n.to_string()),
        |c| c.limits.profile_requests_per_second = None,
    ),
    field(
        "regulations-per-minute",
        both(By("540")),
        "",
        |c| c.limits.regulations_per_minute.map(|n| n.to_string()),
        |c| c.limits.regulations_per_minute = None,
    ),
    field(
        "config-calls-per-minute",
        both(By("180")),
        "",
        |c| c.limits.config_calls_per_minute.map(|n| n.to_string()),
        |c| c.limits.config_calls_per_minute = None,
    ),
    field(
        "monthly-users",
        both(By("110000")),
        "",
        |c| c.limits.monthly_users.map(|n| n.to_string()),
        |c| c.limits.monthly_users = None,
    ),
];

impl Field {
    fn need(&self, kind: Kind) -> Need {
        match kind {
            Kind::Segment => self.basic,
            Kind::SegmentUnify => self.unify,
        }
    }

    fn is_missing(&self, config: &ConnectionConfig) -> bool {
        self.need(config.kind) == Required && (self.value)(config).is_none()
    }
}

/// A connection of which nothing but the kind is known.
pub(super) fn new(key: &str, kind: Kind) -> ConnectionConfig {
    ConnectionConfig {
        key: key.to_owned(),
        kind,
        enabled: true,
        domain: None,
        profiles_domain: None,
        region: None,
        api: None,
        allow_custom_domain: false,
        workspace: None,
        access_token: None,
        space_id: None,
        access_secret: None,
        segment_user_id: None,
        scope: None,
        limits: LimitsConfig::default(),
    }
}

/// Writes what was given over what was there.
pub(super) fn apply(config: &mut ConnectionConfig, given: ConnectionFields) -> Result<(), CliError> {
    fn over<T>(field: &mut Option<T>, given: Option<T>) {
        if given.is_some() {
            *field = given;
        }
    }
    over(&mut config.domain, given.domain);
    over(&mut config.profiles_domain, given.profiles_domain);
    over(&mut config.region, given.region);
    over(&mut config.api, given.api);
    over(&mut config.workspace, given.workspace);
    over(&mut config.space_id, given.space_id);
    over(&mut config.segment_user_id, given.segment_user_id.map(UserIdField::Text));
    over(&mut config.scope, given.source.map(|source| ScopeConfig { source }));
    over(&mut config.limits.profile_requests_per_second, given.profile_requests_per_second);
    over(&mut config.limits.regulations_per_minute, given.regulations_per_minute);
    over(&mut config.limits.config_calls_per_minute, given.config_calls_per_minute);
    over(&mut config.limits.monthly_users, given.monthly_users);
    config.allow_custom_domain = given.allow_custom_domain.unwrap_or(config.allow_custom_domain);
    let secret = |flag, text: Option<String>| text.map(|text| secrets::read(flag, &text)).transpose();
    over(&mut config.access_token, secret("access-token", given.access_token)?);
    over(&mut config.access_secret, secret("access-secret", given.access_secret)?);
    Ok(())
}

/// Puts fields back to their defaults.
pub(super) fn unset(config: &mut ConnectionConfig, names: &[String]) -> Result<(), CliError> {
    for name in names {
        let dashed = name.replace('_', "-");
        let Some(field) = FIELDS.iter().find(|field| field.name == dashed) else {
            let known: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
            return Err(CliError::usage("no_such_field", format!("--unset {name}: there is no such field"))
                .hint(known.join(", ")));
        };
        (field.unset)(config);
    }
    Ok(())
}

pub(super) fn ask_kind() -> Result<Kind, CliError> {
    let options = ["segment_unify", "segment"];
    let kind = ask::choose("Which integration?", "--kind", None, &options)?;
    Ok(if kind == "segment" { Kind::Segment } else { Kind::SegmentUnify })
}

/// Everything that is required is there.
pub(super) fn complete(config: &ConnectionConfig) -> Result<(), CliError> {
    let missing: Vec<_> = FIELDS.iter().filter(|field| field.is_missing(config)).map(|field| field.name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (kind, missing) = (config.kind.name(), missing.join(", "));
    let message = format!("a connection of kind {kind} needs {missing}; nothing was changed");
    Err(CliError::usage("connection_incomplete", message))
}

/// Asks for what is required and was not given. Without a terminal all of it is named at once.
pub(super) fn ask_missing(config: &mut ConnectionConfig) -> Result<(), CliError> {
    let missing: Vec<_> = FIELDS.iter().filter(|field| field.is_missing(config)).collect();
    if !missing.is_empty() && !ask::can_ask() {
        let flags: Vec<_> = missing.iter().map(|field| format!("--{}", field.name)).collect();
        return Err(CliError::usage(
            "connection_incomplete",
            format!("a connection of kind {} needs {}; nothing was changed", config.kind.name(), flags.join(", ")),
        )
        .hint("secrets as env:NAME, file:PATH, or - for a line of standard input"));
    }
    for field in missing {
        match field.name {
            "access-token" => config.access_token = Some(secrets::ask(field.prompt)?),
            "access-secret" => config.access_secret = Some(secrets::ask(field.prompt)?),
            name => {
                let answer = Some(ask::input(field.prompt, &format!("--{name}"), None)?);
                match name {
                    "workspace" => config.workspace = answer,
                    "space-id" => config.space_id = answer,
                    _ => config.segment_user_id = answer.map(UserIdField::Text),
                }
            }
        }
    }
    Ok(())
}

/// Every field that the kind has.
pub(super) fn shown(config: &ConnectionConfig) -> Vec<FieldShape> {
    let shape = |field: &Field| {
        let need = field.need(config.kind);
        (need != Unused).then(|| FieldShape {
            name: field.name.to_owned(),
            value: (field.value)(config),
            secret: matches!(field.name, "access-token" | "access-secret"),
            required: need == Required,
            default: match need {
                By(default) => Some(default.to_owned()),
                _ => None,
            },
        })
    };
    FIELDS.iter().filter_map(shape).collect()
}
