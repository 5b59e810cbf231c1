//! The configuration of a rig, as a person would write it, but with times that fit a test.

use std::time::Duration;

use anyhow::{Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use segment_mock::{MockConfig, MockSegment, VirtualClock};
use sha2::{Digest as _, Sha256};

use crate::context::Api;

const GENERAL: &str = r#"[database]
url = "sqlite://records.db"

[execution]
masking_strict = true
require_approval = false
max_user_ids = 10

[packages]
destination = "packages"

[encryption]
key = { file = "key" }

[tracking]
first_poll = "50ms"
max_poll = "200ms"
verify_after = ["0s"]
settle = "300ms"
batch_window = "0s"

[worker]
lease = "2s"
"#;

const UNIFY: &str = r#"
[[connections]]
key = "unify"
kind = "segment_unify"
api = "{api}"
domain = "{url}"
profiles_domain = "{url}"
workspace = "{workspace}"
access_token = { file = "token" }
space_id = "{space}"
access_secret = { file = "secret" }
limits = { profile_requests_per_second = 2000, config_calls_per_minute = 60000 }
"#;

const BASIC: &str = r#"
[[connections]]
key = "basic"
kind = "segment"
api = "{api}"
domain = "{url}"
workspace = "{workspace}"
access_token = { file = "token" }
limits = { config_calls_per_minute = 60000 }
segment_user_id = "shop.customer.id"
"#;

const DATASET: &str = r#"
[[datasets]]
key = "shop"
url = { file = "shop.url" }
file = "shop_dataset.yml"
access = "read"
"#;

/// What a rig is made of.
#[derive(Debug, Clone)]
pub struct Setup {
    mock: MockConfig,
    connections: &'static str,
    edits: Vec<(String, String)>,
}

impl Setup {
    /// One `segment_unify` connection and eight generated people.
    #[must_use]
    pub fn unify() -> Self {
        Self { mock: quick(MockConfig::new().profiles(8)), connections: UNIFY, edits: Vec::new() }
    }

    /// No connection at all, and eight generated people.
    #[must_use]
    pub fn unconnected() -> Self {
        Self { connections: "", ..Self::unify() }
    }

    /// One `segment` connection, whose owned database is to be written to `shop.url` and `shop_dataset.yml`.
    #[must_use]
    pub fn basic() -> Self {
        Self { mock: quick(MockConfig::new()), connections: BASIC, edits: Vec::new() }.with_dataset()
    }

    /// Changes how the mock is started.
    #[must_use]
    pub fn mock(mut self, change: impl FnOnce(MockConfig) -> MockConfig) -> Self {
        self.mock = change(self.mock);
        self
    }

    /// Replaces a part of the configuration, which must be there.
    #[must_use]
    pub fn replace(mut self, from: &str, to: &str) -> Self {
        self.edits.push((from.to_owned(), to.to_owned()));
        self
    }

    /// Adds to the end of the configuration, which is the only connection or dataset.
    #[must_use]
    pub fn append(self, text: &str) -> Self {
        self.replace("", text)
    }

    /// The owned database keeps Segment's user ids in `customer.segment_id`.
    #[must_use]
    pub fn shop(self) -> Self {
        self.replace("\"shop.customer.id\"", "\"shop.customer.segment_id\"")
    }

    /// Rows in the owned database are masked.
    #[must_use]
    pub fn masking(self) -> Self {
        self.replace("access = \"read\"", "access = \"write\"")
    }

    /// An owned database without a connection of its own.
    #[must_use]
    pub fn with_dataset(self) -> Self {
        self.append(DATASET)
    }

    /// Erasure deletes.
    #[must_use]
    pub fn deleting(self) -> Self {
        self.replace("masking_strict = true", "masking_strict = false")
    }

    pub(crate) fn start_mock(&self) -> std::io::Result<MockSegment> {
        // A clock belongs to one mock; a setup may start several.
        MockSegment::start(self.mock.clone().clock(VirtualClock::realtime(1.0)))
    }

    pub(crate) fn text(&self, mock: &MockSegment, api: Api) -> Result<String> {
        let mut text = format!("{GENERAL}{}", self.connections)
            .replace("{api}", api.name())
            .replace("{url}", &mock.url())
            .replace("{workspace}", mock.workspace_slug())
            .replace("{space}", mock.space_id());
        for (from, to) in &self.edits {
            if from.is_empty() {
                text.push_str(to);
                continue;
            }
            ensure!(text.contains(from.as_str()), "the configuration of the rig has no `{from}`");
            text = text.replace(from.as_str(), to);
        }
        Ok(text)
    }
}

/// An encryption key, the same for the same name.
pub(crate) fn key(name: &str) -> String {
    STANDARD.encode(Sha256::digest(name))
}

/// Regulations take a moment instead of days.
fn quick(mock: MockConfig) -> MockConfig {
    mock.running_after(Duration::from_millis(50)).finished_after(Duration::from_millis(150))
}
