//! What the holder of a token has: `sp_<id>_<secret>`. Tokens are found by their id, and recognised by the secret's hash.

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use segment_core::{ApiToken, Scope, SecretHash, TokenId, ports::Random};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

const PREFIX: &str = "sp_";

/// A secret that was just made, or that somebody shows. It is 256 random bits, so that a plain hash of it cannot be reversed.
#[derive(Clone, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A new one.
    #[must_use]
    pub fn random(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The text, to be shown to its holder, once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is the one of this hash, in a time that tells nothing.
    pub(crate) fn is_of(&self, hash: &SecretHash) -> bool {
        self.hash().ct_eq(hash).into()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

/// A new token, and what its holder has to show.
#[must_use]
pub fn new_token(
    name: &str,
    scopes: BTreeSet<Scope>,
    expires_at: Option<Timestamp>,
    now: Timestamp,
    random: &dyn Random,
) -> (ApiToken, Secret) {
    let mut bytes = [0; 10];
    random.fill(&mut bytes);
    let (id, secret) = (TokenId::generate(now, bytes), Secret::random(random));
    let shown = Secret(format!("{PREFIX}{}_{}", id.as_str().trim_start_matches("tok_"), secret.0));
    let token = ApiToken {
        id,
        name: name.to_owned(),
        scopes,
        hash: secret.hash(),
        created_at: now,
        expires_at,
        revoked_at: None,
        used_at: None,
    };
    (token, shown)
}

/// The token that somebody shows, and its secret; `None` if it is none of ours.
pub(crate) fn read(shown: &str) -> Option<(TokenId, Secret)> {
    let (id, secret) = shown.strip_prefix(PREFIX)?.split_once('_')?;
    let well_formed = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && secret.len() == 43;
    well_formed.then(|| (TokenId::new(format!("tok_{id}")), Secret(secret.to_owned())))
}

#[cfg(test)]
mod tests {
    use segment_core::testing::CountingRandom;

    use super::*;

    #[test]
    fn what_is_shown_is_read_again() {
        let random = CountingRandom::default();
        let (token, shown) = new_token("ci", [Scope::Read].into(), None, Timestamp::UNIX_EPOCH, &random);
        let (id, secret) = read(shown.expose()).unwrap();
        assert_eq!(id, token.id);
        assert!(secret.is_of(&token.hash));
        let (_, other) = new_token("ci", [Scope::Read].into(), None, Timestamp::UNIX_EPOCH, &random);
        assert!(!read(other.expose()).unwrap().1.is_of(&token.hash));
        assert_eq!(format!("{shown:?}"), "[secret]");
    }

    #[test]
    fn what_is_no_token_is_none() {
        let id = "0".repeat(32);
        for shown in ["", "sp_", "sp__", "sp_x_y", &format!("tok_{id}"), &format!("sp_{id}_short"), &format!("sp_{id}")]
        {
            assert!(read(shown).is_none(), "{shown}");
        }
    }
}
