//! The signature of Standard Webhooks: HMAC-SHA256 over id, time and body, so that none of them can be another's.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

/// A key of both ends. It is shown nowhere.
#[derive(Clone)]
pub(super) struct SigningKey(Vec<u8>);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secret]")
    }
}

impl SigningKey {
    /// `whsec_` and 24 to 64 bytes in base64, or the latter alone.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
        (24..=64).contains(&key.len()).then_some(Self(key))
    }

    /// What stands in the header `webhook-signature`.
    pub(super) fn sign(&self, id: &str, at: Timestamp, body: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(format!("{id}.{}.{body}", at.as_second()).as_bytes());
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's own libraries.
    #[test]
    fn a_known_answer() {
        let key = SigningKey::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_that_is_too_short_or_no_base64_is_none() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "not base64 at all, and long enough to be a key"] {
            assert!(SigningKey::read(text).is_none(), "{text}");
        }
        assert_eq!(format!("{:?}", SigningKey::read("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()), "[secret]");
    }
}
