use privacy_engine::{Check, CheckStatus};
use serde::Serialize;
use utoipa::ToSchema;

/// What was tested of one connection or dataset.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ConnectionChecksShape {
    /// Its key.
    pub key: String,
    /// `segment`, `segment_unify` or `dataset`.
    pub kind: String,
    /// Of a dataset: `read` or `write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// `succeeded`, or `failed` if any check did.
    pub status: String,
    /// The single checks.
    pub checks: Vec<CheckShape>,
}

impl ConnectionChecksShape {
    /// From single checks: one that failed fails all.
    #[must_use]
    pub fn new(key: &str, kind: &str, access: Option<&str>, checks: Vec<Check>) -> Self {
        let failed = checks.iter().any(|check| check.status == CheckStatus::Failed);
        Self {
            key: key.to_owned(),
            kind: kind.to_owned(),
            access: access.map(str::to_owned),
            status: if failed { "failed" } else { "succeeded" }.to_owned(),
            checks: checks.into_iter().map(CheckShape::from).collect(),
        }
    }
}

/// One thing that was checked.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CheckShape {
    /// What.
    pub name: String,
    /// `succeeded`, `failed`, `warning` or `skipped`.
    pub status: String,
    /// What was seen, and what to do.
    pub message: String,
}

impl From<Check> for CheckShape {
    fn from(check: Check) -> Self {
        Self { name: check.name, status: check.status.as_str().to_owned(), message: check.message }
    }
}
