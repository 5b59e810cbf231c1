//! HTTP Basic as two of the APIs use it: a token as the user name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The user part of a Basic header; the password does not matter.
pub(crate) fn basic_user(header: &str) -> Option<String> {
    let (scheme, credentials) = header.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(credentials.trim()).ok())??;
    let decoded = String::from_utf8(decoded).ok()?;
    Some(decoded.split_once(':').map_or(decoded.as_str(), |(user, _)| user).to_owned())
}
