//! The identifier of a path: `type:value`, percent-decoded once, or a bare Segment id.

use percent_encoding::percent_decode_str;

use crate::answer::{Answer, error};
use crate::endpoint::Family;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Identifier {
    /// A bare `use_...` works \[FIDES\].
    Segment(String),
    External {
        kind: String,
        value: String,
    },
    /// Any other value matches nothing, such as one without a type \[GH-5066\].
    Bare,
}

impl Identifier {
    /// Reads the raw segment; characters that should have been escaped are a 500 \[PROF\].
    pub(super) fn parse(raw: &str) -> Result<Self, Answer> {
        if !is_escaped(raw) {
            return Err(error(Family::Profile, 500, None));
        }
        if raw.contains('+') {
            // `+` must be sent as `%2B`: raw it is neither a space nor a plus [PROF].
            return Ok(Self::Bare);
        }
        let decoded = percent_decode_str(raw).decode_utf8_lossy();
        Ok(match decoded.split_once(':') {
            Some((kind, value)) => Self::External { kind: kind.to_owned(), value: value.to_owned() },
            None if decoded.starts_with("use_") => Self::Segment(decoded.into_owned()),
            None => Self::Bare,
        })
    }
}

/// Letters, digits, `- _ . ~ : @` and escapes; a raw `+` does no harm, but matches nothing.
fn is_escaped(raw: &str) -> bool {
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|one| one.is_some_and(|digit| digit.is_ascii_hexdigit())),
            b'-' | b'_' | b'.' | b'~' | b':' | b'@' | b'+' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !fine {
            return false;
        }
    }
    true
}
