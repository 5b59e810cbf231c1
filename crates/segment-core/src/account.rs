//! Who may use the service: tokens with scopes, and sessions that somebody signed in with one.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use crate::TokenId;

/// What the holder of a token may do. No scope includes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// See requests, connections, quotas and reports; nothing in them names a person.
    Read,
    /// Ask for accesses and erasures, and for the plan of one.
    Submit,
    /// Decide: approve, deny, cancel, retry, resolve, extend.
    Review,
    /// See who a request is about, and fetch what the person receives.
    Package,
    /// Test, add and change connections.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Submit, Self::Review, Self::Package, Self::Admin];

    /// The name on the command line and in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Review => "review",
            Self::Package => "package",
            Self::Admin => "admin",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A SHA-256 of a secret that is random enough not to be guessed. Compare it in constant time.
pub type SecretHash = [u8; 32];

/// A bearer token, without the secret that its holder has.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its id, which is a part of what the holder has: tokens are found by it.
    pub id: TokenId,
    /// Its name: the log shows it as who did something.
    pub name: String,
    /// What its holder may do.
    pub scopes: BTreeSet<Scope>,
    /// The hash of the secret.
    pub hash: SecretHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

impl ApiToken {
    /// Whether it opens anything at `at`.
    #[must_use]
    pub fn is_valid(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| at < end)
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiToken").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Somebody who signed in with a token. It ends with the token, too.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// The hash of the secret in the browser's cookie.
    pub hash: SecretHash,
    /// The token.
    pub token: TokenId,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("token", &self.token).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_no_hash_and_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let token = ApiToken {
            id: TokenId::new("tok_1"),
            name: "ci".to_owned(),
            scopes: [Scope::Read].into(),
            hash: [7; 32],
            created_at: at(0),
            expires_at: Some(at(10)),
            revoked_at: None,
            used_at: None,
        };
        assert_eq!(format!("{token:?}"), "ApiToken { id: TokenId(\"tok_1\"), name: \"ci\", .. }");
        assert!(token.is_valid(at(9)));
        assert!(!token.is_valid(at(10)));
        assert!(ApiToken { expires_at: None, ..token.clone() }.is_valid(at(10)));
        assert!(!ApiToken { revoked_at: Some(at(1)), ..token }.is_valid(at(2)));
    }

    #[test]
    fn scopes_are_read_by_their_names() {
        assert!(Scope::ALL.into_iter().all(|scope| Scope::parse(scope.as_str()) == Some(scope)));
        assert_eq!(Scope::parse("Read"), None);
    }
}
