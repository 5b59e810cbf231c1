//! What a person is known by.

use std::{collections::BTreeSet, fmt};

use thiserror::Error;

use crate::Pii;

/// RFC 5321 section 4.5.3.1.3 leaves 254 characters for an address.
const MAX_EMAIL: usize = 254;
const MAX_VALUE: usize = 1_024;

/// Values that systems write where nothing is known. A deletion for "null" would reach whoever else is stored as "null".
const PLACEHOLDERS: &[&str] = &[
    "",
    "-",
    "0",
    "null",
    "(null)",
    "nil",
    "none",
    "nan",
    "n/a",
    "na",
    "undefined",
    "unknown",
    "anonymous",
    "guest",
    "test",
    "true",
    "false",
    "[object object]",
    "00000000-0000-0000-0000-000000000000",
];
const PLACEHOLDER_MAILBOXES: &[&str] =
    &["test", "null", "none", "undefined", "unknown", "noreply", "no-reply", "donotreply", "example"];

/// The kind of an identity. On the command line and in files it is spelled as [`IdentityKind::as_str`] says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum IdentityKind {
    /// `email`
    Email,
    /// `phone_number`; at Segment the external id type `phone`
    PhoneNumber,
    /// `user_id`, the id under which the customer's systems know the person
    UserId,
    /// `anonymous_id`, given by Segment's libraries before a person is known
    AnonymousId,
    /// Any other external id type of Segment, such as `ios.idfa` or a custom one
    Other(String),
}

impl IdentityKind {
    /// Reads a kind. Every lower snake case name is one; custom external id types may hold dots.
    pub fn parse(name: &str) -> Result<Self, IdentityError> {
        let well_formed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
        match name {
            "email" => Ok(Self::Email),
            "phone_number" | "phone" => Ok(Self::PhoneNumber),
            "user_id" => Ok(Self::UserId),
            "anonymous_id" => Ok(Self::AnonymousId),
            other if !other.is_empty() && other.len() <= 64 && other.chars().all(well_formed) => {
                Ok(Self::Other(other.to_owned()))
            }
            _ => Err(IdentityError::UnknownKind),
        }
    }

    /// The name in files, on the command line and in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::PhoneNumber => "phone_number",
            other => other.external_id_type(),
        }
    }

    /// The external id type at Segment (docs/segment-api.md, 3.2, documented).
    #[must_use]
    pub fn external_id_type(&self) -> &str {
        match self {
            Self::Email => "email",
            Self::PhoneNumber => "phone",
            Self::UserId => "user_id",
            Self::AnonymousId => "anonymous_id",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One identity of a person: a kind and its value, as the caller spells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    kind: IdentityKind,
    value: Pii<String>,
}

impl Identity {
    /// Checks and takes an identity. Surrounding white space is dropped; nothing else is changed.
    ///
    /// # Errors
    ///
    /// A value that is empty, a placeholder, too long, holds NUL, or is not an address although it is said to be one.
    pub fn new(kind: IdentityKind, value: &str) -> Result<Self, IdentityError> {
        let value = value.trim();
        if value.is_empty() {
            return Err(IdentityError::Empty { kind });
        }
        if value.contains('\0') {
            return Err(IdentityError::Nul { kind });
        }
        let one_line = matches!(kind, IdentityKind::Email | IdentityKind::PhoneNumber);
        if one_line && value.chars().any(char::is_control) {
            return Err(IdentityError::Control { kind });
        }
        let max = if kind == IdentityKind::Email { MAX_EMAIL } else { MAX_VALUE };
        let length = value.chars().count();
        if length > max {
            return Err(IdentityError::TooLong { kind, length, max });
        }
        let lower = value.to_ascii_lowercase();
        if PLACEHOLDERS.contains(&lower.as_str()) {
            return Err(IdentityError::Placeholder { kind });
        }
        if kind == IdentityKind::Email {
            match lower.rsplit_once('@') {
                Some((mailbox, domain)) if !mailbox.is_empty() && !domain.is_empty() => {
                    if PLACEHOLDER_MAILBOXES.contains(&mailbox) {
                        return Err(IdentityError::Placeholder { kind });
                    }
                }
                _ => return Err(IdentityError::NotAnAddress),
            }
        }
        Ok(Self { kind, value: Pii::new(value.to_owned()) })
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> &IdentityKind {
        &self.kind
    }

    /// The value as given.
    #[must_use]
    pub fn value(&self) -> &Pii<String> {
        &self.value
    }

    /// Two spellings that name the same identity have the same key: e-mail addresses compare ASCII-case-insensitively,
    /// everything else exactly.
    #[must_use]
    pub fn comparison_key(&self) -> Pii<String> {
        let value = self.value.expose();
        let value = if self.kind == IdentityKind::Email { value.to_ascii_lowercase() } else { value.clone() };
        Pii::new(format!("{}:{value}", self.kind))
    }
}

/// The identities of one request: at least one, without repetition, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySet(Vec<Identity>);

impl IdentitySet {
    /// Sorts and de-duplicates.
    ///
    /// # Errors
    ///
    /// [`IdentityError::NoIdentity`] when there is none.
    pub fn new(identities: impl IntoIterator<Item = Identity>) -> Result<Self, IdentityError> {
        let mut all: Vec<_> = identities.into_iter().collect();
        all.sort();
        // Spellings of one need not be neighbours.
        let mut seen = BTreeSet::new();
        all.retain(|one| seen.insert(one.comparison_key().into_exposed()));
        if all.is_empty() { Err(IdentityError::NoIdentity) } else { Ok(Self(all)) }
    }

    /// In their fixed order.
    pub fn iter(&self) -> std::slice::Iter<'_, Identity> {
        self.0.iter()
    }

    /// How many; never 0.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Equal sets have equal keys; the store keeps a keyed hash of it.
    #[must_use]
    pub fn comparison_key(&self) -> Pii<String> {
        let mut keys: Vec<_> = self.0.iter().map(|identity| identity.comparison_key().into_exposed()).collect();
        keys.sort();
        // JSON keeps apart what a plain join would run together.
        Pii::new(serde_json::Value::from(keys).to_string())
    }
}

impl<'a> IntoIterator for &'a IdentitySet {
    type Item = &'a Identity;
    type IntoIter = std::slice::Iter<'a, Identity>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Why an identity was refused. The message never repeats the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The value is empty or white space.
    #[error("the {kind} is empty")]
    Empty {
        /// of which kind
        kind: IdentityKind,
    },
    /// The value is what systems write for "nothing known".
    #[error("the {kind} is a placeholder, which many unrelated people can share; give the person's own")]
    Placeholder {
        /// of which kind
        kind: IdentityKind,
    },
    /// The value is too long to be one.
    #[error("the {kind} has {length} characters, at most {max} are possible")]
    TooLong {
        /// of which kind
        kind: IdentityKind,
        /// characters given
        length: usize,
        /// characters allowed
        max: usize,
    },
    /// The value holds a NUL character, which neither a URL nor a database can carry.
    #[error("the {kind} holds a NUL character")]
    Nul {
        /// of which kind
        kind: IdentityKind,
    },
    /// An e-mail address or a phone number over several lines: often two of them, after a quote that was not closed.
    #[error("the {kind} holds a line break or another control character; is it more than one, or a quote not closed?")]
    Control {
        /// of which kind
        kind: IdentityKind,
    },
    /// An e-mail address needs text on both sides of an `@`.
    #[error("the email is not an address: it needs text on both sides of an @")]
    NotAnAddress,
    /// The name of the kind is not lower snake case.
    #[error("the identity kind is not a lower snake case name such as email, phone_number, user_id or ios.idfa")]
    UnknownKind,
    /// A request without any identity.
    #[error("no identity was given")]
    NoIdentity,
}

#[cfg(test)]
#[path = "identity/tests.rs"]
mod tests;
