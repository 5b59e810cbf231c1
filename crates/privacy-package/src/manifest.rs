//! `manifest.json`: what is in the package, and what is not.

use jiff::Timestamp;
use segment_core::FileReceipt;
use serde::Serialize;

/// The last file of a package.
#[derive(Serialize)]
pub(crate) struct Manifest<'a> {
    pub(crate) request_id: &'a str,
    pub(crate) action: &'a str,
    pub(crate) created_at: Timestamp,
    pub(crate) tool_version: &'a str,
    pub(crate) files: &'a [ManifestFile],
    pub(crate) limits: &'a [String],
}

/// One file; bytes and checksum are those of its content before compression.
#[derive(Serialize)]
pub(crate) struct ManifestFile {
    pub(crate) path: String,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip)]
    pub(crate) is_report: bool,
}

impl From<ManifestFile> for FileReceipt {
    fn from(file: ManifestFile) -> Self {
        Self { path: file.path, records: file.records, complete: file.complete }
    }
}
