//! The configuration file, key by key. Unknown keys are errors.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::secret::Secret;

/// `segment-privacy.toml`.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    pub(crate) database: Database,
    pub(crate) execution: Execution,
    pub(crate) packages: Packages,
    pub(crate) retention: Retention,
    pub(crate) encryption: Encryption,
    pub(crate) tracking: Tracking,
    pub(crate) worker: Worker,
    pub(crate) evidence: Evidence,
    pub(crate) server: Server,
    pub(crate) connections: Vec<ConnectionConfig>,
    pub(crate) datasets: Vec<DatasetConfig>,
    pub(crate) policies: Vec<PolicyConfig>,
    pub(crate) webhooks: Vec<WebhookConfig>,
}

/// The record database.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// `sqlite://FILE`, made if it is missing, or `postgres://…` for several workers.
    #[serde(serialize_with = "without_password")]
    pub(crate) url: Secret,
}

/// A configuration is shown.
fn without_password<S: Serializer>(url: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    match url.inline() {
        Some(url) => serializer.serialize_str(&shown_url(url)),
        None => url.serialize(serializer),
    }
}

/// A URL without its user and password, which may stand in its parameters too. The name of a file is shown as it is.
pub(crate) fn shown_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://").filter(|(scheme, _)| *scheme != "sqlite") else {
        return url.to_owned();
    };
    let address = rest.split(['?', '#']).next().unwrap_or_default();
    match address.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://(hidden)@{host}"),
        None => format!("{scheme}://{address}"),
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: Secret::Text("sqlite://segment-privacy.db".to_owned()) }
    }
}

/// How requests are fulfilled.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Execution {
    /// Erase strictly: suppress at Segment, delete nothing there. Rows of owned databases with `access = "write"` are
    /// masked either way.
    pub(crate) masking_strict: bool,
    /// What is ordered when it is not strict.
    pub(crate) regulation: String,
    /// Erasures wait for approval.
    pub(crate) require_approval: bool,
    /// User ids of one identity or profile, at most.
    pub(crate) max_user_ids: usize,
    /// `gdpr` or `ccpa`: the default deadline.
    pub(crate) regime: String,
    /// How rows of the owned databases are masked: `default`, and by data category.
    pub(crate) masking: BTreeMap<String, Masking>,
}

impl Default for Execution {
    fn default() -> Self {
        Self {
            masking_strict: true,
            regulation: "suppress_with_delete".to_owned(),
            require_approval: false,
            max_user_ids: 10,
            regime: "gdpr".to_owned(),
            masking: BTreeMap::new(),
        }
    }
}

/// A masking strategy, with the names and parameters of Fides.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Masking {
    pub(crate) strategy: String,
    #[serde(default)]
    pub(crate) configuration: BTreeMap<String, serde_json::Value>,
}

/// Where access packages go.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Packages {
    /// A folder, or a bucket: `s3://bucket/folder`, `gs://…` or `az://…`.
    pub(crate) destination: String,
    /// How the bucket is reached, such as `region`, `endpoint` or `access_key_id`, by the names that `object_store` has for it.
    /// They come before the variables `AWS_…`, `GOOGLE_…` and `AZURE_…` of the environment.
    pub(crate) options: BTreeMap<String, Secret>,
    /// A folder of this machine for encrypted staging files, with room for a package. Default: the destination, or for a
    /// bucket the system's folder for temporary files.
    pub(crate) staging: Option<String>,
    /// Whether packages hold the report that a person reads, beside the files for programs.
    pub(crate) report: bool,
}

impl Default for Packages {
    fn default() -> Self {
        Self { destination: "packages".to_owned(), options: BTreeMap::new(), staging: None, report: true }
    }
}

/// How long personal data are kept.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    pub(crate) packages_days: u32,
    pub(crate) identities_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { packages_days: 30, identities_days: 60 }
    }
}

/// Encryption at rest.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Encryption {
    /// 32 bytes, base64. Default: the environment variable `SEGMENT_PRIVACY_KEY`.
    pub(crate) key: Option<Secret>,
    /// The key that `key` replaces, until `key rotate` was run.
    pub(crate) previous_key: Option<Secret>,
}

/// How regulations are followed.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tracking {
    pub(crate) first_poll: Span,
    pub(crate) max_poll: Span,
    pub(crate) verify_after: Vec<Span>,
    pub(crate) settle: Span,
    pub(crate) batch_window: Span,
}

impl Default for Tracking {
    fn default() -> Self {
        let day = Duration::from_hours(24);
        Self {
            first_poll: Span(Duration::from_mins(1)),
            max_poll: Span(Duration::from_hours(6)),
            verify_after: [Duration::ZERO, day, 7 * day, 30 * day].map(Span).to_vec(),
            settle: Span(Duration::from_mins(1)),
            batch_window: Span(Duration::from_mins(1)),
        }
    }
}

/// How work is shared.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Worker {
    pub(crate) lease: Span,
    pub(crate) concurrency: usize,
}

impl Default for Worker {
    fn default() -> Self {
        Self { lease: Span(Duration::from_secs(30)), concurrency: 16 }
    }
}

/// Signed evidence.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Evidence {
    pub(crate) signing_key: Option<Secret>,
}

/// The HTTP service.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Server {
    /// Address and port. One that is not of this machine alone needs `tls`, or `behind_proxy`.
    pub(crate) listen: String,
    /// A proxy in front does TLS, and says in `X-Forwarded-For` who calls.
    pub(crate) behind_proxy: bool,
    /// For HTTPS.
    pub(crate) tls: Option<TlsConfig>,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8080".to_owned(), behind_proxy: false, tls: None }
    }
}

/// Files in PEM.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// The certificate, and those between it and its authority.
    pub(crate) certificate: String,
    /// The private key: `{ file = "PATH" }`.
    pub(crate) key: KeyFile,
}

/// A private key stays in its file.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    pub(crate) file: String,
}

/// Who is told when a request changes its status.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookConfig {
    pub(crate) key: String,
    /// An address that begins with https://.
    pub(crate) url: Secret,
    /// `whsec_` and 24 to 64 bytes in base64: both ends sign with it.
    pub(crate) secret: Secret,
    /// Whether addresses of this machine and of private networks may be called, and http://.
    #[serde(default)]
    pub(crate) allow_private: bool,
}

/// A name that clients of the HTTP service give for what they ask.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyConfig {
    pub(crate) key: String,
    /// `access` or `erasure`.
    pub(crate) action: String,
    /// `gdpr` or `ccpa`; the default of `execution.regime`.
    pub(crate) regime: Option<String>,
}

/// Which integration a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// Erasure; the owned database says who it is, and its rows are what an access collects.
    Segment,
    /// Access and erasure.
    SegmentUnify,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::SegmentUnify => "segment_unify",
        }
    }
}

/// One workspace at Segment.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionConfig {
    pub(crate) key: String,
    pub(crate) kind: Kind,
    /// `false`: it takes no new work; what Segment has accepted is followed.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// Default: platform.segmentapis.com, the Config API.
    pub(crate) domain: Option<String>,
    /// Default: profiles.segment.com.
    pub(crate) profiles_domain: Option<String>,
    /// `us` or `eu`: sets all hosts.
    pub(crate) region: Option<String>,
    /// `config` or `public`; the domain decides where it can.
    pub(crate) api: Option<String>,
    #[serde(default)]
    pub(crate) allow_custom_domain: bool,
    /// Slug or id.
    pub(crate) workspace: Option<String>,
    pub(crate) access_token: Option<Secret>,
    pub(crate) space_id: Option<String>,
    pub(crate) access_secret: Option<Secret>,
    pub(crate) segment_user_id: Option<UserIdField>,
    /// Where regulations hold. Default: the whole workspace.
    pub(crate) scope: Option<ScopeConfig>,
    #[serde(default)]
    pub(crate) limits: LimitsConfig,
}

fn yes() -> bool {
    true
}

/// Where the Segment user id is: `dataset.collection.field`, or Fides' table.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum UserIdField {
    Text(String),
    Table(UserIdTable),
}

impl UserIdField {
    /// In one line.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Table(table) => format!("{}.{}", table.dataset, table.field),
        }
    }
}

#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserIdTable {
    pub(crate) dataset: String,
    /// `collection.field`
    pub(crate) field: String,
    /// Always `from`: the value comes from there.
    pub(crate) direction: Option<String>,
}

/// One source instead of the whole workspace.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScopeConfig {
    /// The source's id on the Public API, its slug on the Config API.
    pub(crate) source: String,
}

/// Limits of one connection.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsConfig {
    pub(crate) profile_requests_per_second: Option<u32>,
    pub(crate) regulations_per_minute: Option<u32>,
    pub(crate) config_calls_per_minute: Option<u32>,
    pub(crate) monthly_users: Option<u64>,
}

/// An owned database.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatasetConfig {
    pub(crate) key: String,
    pub(crate) url: Secret,
    /// Fides dataset YAML.
    pub(crate) file: String,
    /// `read`: accesses copy rows, and a role that may only read is enough. `write`: erasures mask rows, too, which needs UPDATE.
    #[serde(default = "read_access")]
    pub(crate) access: String,
}

fn read_access() -> String {
    "read".to_owned()
}

/// A time span such as `1m` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub(crate) struct Span(pub(crate) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text)
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("\"{text}\" is not a time span such as 30s, 1m or 7d")))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}
