//! The strategies.

use std::{fmt, num::NonZeroU16};

use serde_json::Value;

use super::{
    MaskingSecrets, StrategyError, aes,
    digest::Algorithm,
    fit::{fit, fits},
    parameters::{ALGORITHM, FORMAT_PRESERVATION, LENGTH, MODE, Parameters, REWRITE_VALUE},
    random,
};
use crate::nearest_names;

const NULL_REWRITE: &str = "null_rewrite";
const STRING_REWRITE: &str = "string_rewrite";
const HASH: &str = "hash";
const HMAC: &str = "hmac";
const RANDOM_STRING_REWRITE: &str = "random_string_rewrite";
const AES_ENCRYPT: &str = "aes_encrypt";
const PRESERVE: &str = "preserve";

const NAMES: [&str; 7] = [NULL_REWRITE, STRING_REWRITE, HASH, HMAC, RANDOM_STRING_REWRITE, AES_ENCRYPT, PRESERVE];

/// How a value is masked: Fides' names, parameters and defaults.
///
/// | Name | A value becomes | Parameters |
/// |---|---|---|
/// | `null_rewrite` | null | |
/// | `string_rewrite` | `rewrite_value` | `rewrite_value` |
/// | `hash` | a salted hash in hex | `algorithm`: `SHA-256` (default) or `SHA-512` |
/// | `hmac` | a salted hash in hex that needs a key | `algorithm`, as for `hash` |
/// | `random_string_rewrite` | random lowercase letters and digits | `length`, 30 by default |
/// | `aes_encrypt` | ciphertext in base64 | `mode`: `GCM` |
/// | `preserve` | what it was | |
///
/// All that make a text also have `format_preservation` with a `suffix` that is put behind the text, such as
/// `@example.com`. The default is `hmac`.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskingStrategy(Method);

#[derive(Debug, Clone, PartialEq)]
enum Method {
    Preserve,
    NullRewrite,
    Text { body: Body, suffix: String },
}

#[derive(Debug, Clone, PartialEq)]
enum Body {
    StringRewrite(String),
    Hash(Algorithm),
    Hmac(Algorithm),
    RandomString(NonZeroU16),
    AesEncrypt,
}

impl MaskingStrategy {
    /// Reads a strategy as policies and `masking_strategy_override` write it. `configuration` may be null.
    pub fn parse(name: &str, configuration: &Value) -> Result<Self, StrategyError> {
        let bare = |name, method| Parameters::read(name, &[], configuration).map(|_| method);
        let method = match name {
            NULL_REWRITE => bare(NULL_REWRITE, Method::NullRewrite),
            PRESERVE => bare(PRESERVE, Method::Preserve),
            STRING_REWRITE => Method::text(STRING_REWRITE, REWRITE_VALUE, configuration, |given| {
                given.rewrite_value().map(Body::StringRewrite)
            }),
            HASH => Method::text(HASH, ALGORITHM, configuration, |given| given.algorithm().map(Body::Hash)),
            HMAC => Method::text(HMAC, ALGORITHM, configuration, |given| given.algorithm().map(Body::Hmac)),
            RANDOM_STRING_REWRITE => Method::text(RANDOM_STRING_REWRITE, LENGTH, configuration, |given| {
                given.length().map(Body::RandomString)
            }),
            AES_ENCRYPT => {
                Method::text(AES_ENCRYPT, MODE, configuration, |given| given.mode().map(|()| Body::AesEncrypt))
            }
            _ => {
                let known = nearest_names(name, NAMES.into_iter());
                Err(StrategyError::UnknownStrategy { name: name.to_owned(), known })
            }
        };
        method.map(Self)
    }

    /// Such as `hmac`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.0 {
            Method::Preserve => PRESERVE,
            Method::NullRewrite => NULL_REWRITE,
            Method::Text { body, .. } => match body {
                Body::StringRewrite(_) => STRING_REWRITE,
                Body::Hash(_) => HASH,
                Body::Hmac(_) => HMAC,
                Body::RandomString(_) => RANDOM_STRING_REWRITE,
                Body::AesEncrypt => AES_ENCRYPT,
            },
        }
    }

    /// Whether it is encryption (`aes_encrypt`): the masked value is still personal data for whoever has the key.
    ///
    /// As in Fides the text does not hold the nonce, so that one who wants the value back needs the nonce too. That is
    /// no reason to take the value for erased.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        matches!(self.0, Method::Text { body: Body::AesEncrypt, .. })
    }

    /// Whether every value becomes the same text (`string_rewrite`): no unique column survives that.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        matches!(self.0, Method::Text { body: Body::StringRewrite(_), .. })
    }

    /// Whether every value becomes null (`null_rewrite`).
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0 == Method::NullRewrite
    }

    /// Whether every value stays what it is (`preserve`).
    #[must_use]
    pub fn preserves(&self) -> bool {
        self.0 == Method::Preserve
    }

    /// Masks one value.
    ///
    /// `max_length` is the length of the column in characters; `fill` gives random bytes, which only
    /// `random_string_rewrite` asks for.
    ///
    /// - An empty text tells nothing and stays, except that `null_rewrite` makes null of it too.
    /// - A text that is too long is cut before the suffix; a suffix that does not fit even alone is cut itself. The
    ///   shorter it gets, the more values become the same text.
    /// - What `aes_encrypt` makes is worth nothing when it is cut: it becomes null.
    #[must_use]
    pub fn mask(
        &self,
        value: &str,
        max_length: Option<usize>,
        secrets: &MaskingSecrets,
        fill: &mut dyn FnMut(&mut [u8]),
    ) -> Masked {
        let (body, suffix) = match &self.0 {
            Method::NullRewrite => return Masked::Null,
            Method::Preserve => return Masked::Kept,
            Method::Text { .. } if value.is_empty() => return Masked::Kept,
            Method::Text { body, suffix } => (body, suffix),
        };
        let text = match body {
            Body::StringRewrite(text) => text.clone(),
            Body::Hash(algorithm) => algorithm.hash(value, &secrets.hash_salt),
            Body::Hmac(algorithm) => algorithm.hmac(&secrets.hmac_key, value, &secrets.hmac_salt),
            Body::RandomString(length) => random::text(length.get(), fill),
            Body::AesEncrypt => {
                let whole = aes::encrypt(value, secrets).map(|text| text + suffix);
                return whole.filter(|text| fits(text, max_length)).map_or(Masked::Null, Masked::Text);
            }
        };
        Masked::Text(fit(text, suffix, max_length))
    }
}

impl Default for MaskingStrategy {
    /// `hmac` with SHA-256: equal values stay equal, and nobody without the key can say which they were.
    fn default() -> Self {
        Self(Method::Text { body: Body::Hmac(Algorithm::Sha256), suffix: String::new() })
    }
}

impl Method {
    /// Reads a strategy that makes a text: it has one parameter of its own, and the suffix.
    fn text(
        strategy: &'static str,
        own: &'static str,
        configuration: &Value,
        body: fn(&Parameters<'_>) -> Result<Body, StrategyError>,
    ) -> Result<Self, StrategyError> {
        let given = Parameters::read(strategy, &[own, FORMAT_PRESERVATION], configuration)?;
        Ok(Self::Text { body: body(&given)?, suffix: given.suffix()? })
    }
}

/// What a value has become.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever writes it must handle every form")]
pub enum Masked {
    /// What it was.
    Kept,
    /// Null.
    Null,
    /// Another text.
    Text(String),
}

impl fmt::Debug for Masked {
    /// Without the text: masked values of a person are linked to each other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kept => "Kept",
            Self::Null => "Null",
            Self::Text(_) => "Text([masked])",
        })
    }
}
