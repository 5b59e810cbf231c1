//! Who somebody asks about, as Fides spells it.

use std::collections::BTreeMap;

use segment_core::{Identity, IdentityError, IdentityKind, IdentitySet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The identities of one person, by kind: `email`, `phone_number`, `user_id`, `anonymous_id`, or another external id type of
/// Segment such as `ios.idfa`.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(transparent)]
pub(super) struct Identities(BTreeMap<String, IdentityValue>);

/// A value, several, or one with a label.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum IdentityValue {
    /// None: as if the kind did not stand there.
    None,
    /// One.
    One(String),
    /// Several of the kind.
    Many(Vec<String>),
    /// One with a label, which is not kept.
    Labeled {
        /// What a form called it.
        label: String,
        /// The value.
        value: String,
    },
}

impl std::fmt::Debug for IdentityValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[personal data]")
    }
}

impl Identities {
    /// What is `null` was not given.
    pub(super) fn read(&self) -> Result<IdentitySet, IdentityError> {
        let mut all = Vec::new();
        for (kind, value) in &self.0 {
            let kind = IdentityKind::parse(kind)?;
            let values = match value {
                IdentityValue::None => continue,
                IdentityValue::One(value) | IdentityValue::Labeled { value, .. } => std::slice::from_ref(value),
                IdentityValue::Many(values) => values,
            };
            for value in values {
                all.push(Identity::new(kind.clone(), value)?);
            }
        }
        IdentitySet::new(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Vec<(String, String)>, IdentityError> {
        let identities: Identities = serde_json::from_str(json).unwrap();
        let pair = |one: &Identity| (one.kind().as_str().to_owned(), one.value().expose().clone());
        Ok(identities.read()?.iter().map(pair).collect())
    }

    #[test]
    fn identities_are_read_in_all_spellings() {
        let one = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
        assert_eq!(read(r#"{"user_id": "u1", "email": null}"#).unwrap(), [one("user_id", "u1")]);
        assert_eq!(read(r#"{"user_id": ["u1", "u2"]}"#).unwrap(), [one("user_id", "u1"), one("user_id", "u2")]);
        assert_eq!(read(r#"{"ios.idfa": {"label": "phone", "value": "X"}}"#).unwrap(), [one("ios.idfa", "X")]);
        assert_eq!(read("{}").unwrap_err(), IdentityError::NoIdentity);
        assert_eq!(read(r#"{"E-Mail": "x"}"#).unwrap_err(), IdentityError::UnknownKind);
    }

    #[test]
    fn nothing_shows_a_value() {
        let identities: Identities = serde_json::from_str(r#"{"email": "ann@example.test"}"#).unwrap();
        assert!(!format!("{identities:?}").contains("ann"));
    }
}
