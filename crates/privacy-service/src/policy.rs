//! Policies: what a request names to say what is asked.

use segment_core::{Action, Regime};

/// A name for an action, perhaps under a law of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPolicy {
    /// Its key.
    pub key: String,
    /// What is asked.
    pub action: Action,
    /// Under which law, if not the configured one.
    pub regime: Option<Regime>,
}

impl RequestPolicy {
    /// The policy of Fides' name for an action.
    #[must_use]
    pub fn default_of(action: Action) -> Self {
        Self { key: format!("default_{action}_policy"), action, regime: None }
    }

    /// The one of this key: a configured one, or a default one.
    #[must_use]
    pub fn find(configured: &[Self], key: &str) -> Option<Self> {
        let defaults = [Action::Access, Action::Erasure].map(Self::default_of);
        configured.iter().chain(&defaults).find(|policy| policy.key == key).cloned()
    }

    /// All that may be named.
    #[must_use]
    pub fn keys(configured: &[Self]) -> Vec<String> {
        let defaults = [Action::Access, Action::Erasure].map(|action| Self::default_of(action).key);
        configured.iter().map(|policy| policy.key.clone()).chain(defaults).collect()
    }
}
