use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A connection as it is configured; a list leaves its fields out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectionShape {
    /// Its key.
    pub key: String,
    /// `segment` or `segment_unify`.
    pub kind: String,
    /// `file` or `database`: where it is configured.
    pub from: String,
    /// Whether it takes new work.
    pub enabled: bool,
    /// The workspace's slug or id.
    pub workspace: Option<String>,
    /// The source that it is for; `null` for the whole workspace.
    pub source: Option<String>,
    /// How its last test went.
    pub last_test: Option<LastTestShape>,
    /// Every field that its kind has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldShape>,
}

/// One field of a connection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldShape {
    /// Its name.
    pub name: String,
    /// What it says. Of a secret: where it comes from, never what it is.
    pub value: Option<String>,
    /// Whether it is a secret.
    pub secret: bool,
    /// Whether the connection's kind needs it.
    pub required: bool,
    /// What holds if it is not given.
    pub default: Option<String>,
}

/// The last test of a connection.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LastTestShape {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `succeeded` or `failed`.
    pub status: String,
    /// The single checks.
    pub checks: serde_json::Value,
}
