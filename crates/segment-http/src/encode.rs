//! Values in URLs: only through here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986's unreserved characters stay; everything else is encoded. Segment answers 500 to some characters that a
/// URL could carry as they are (documented), and a `+` must be `%2B` (documented).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as one segment of a path, or as a value in a query.
#[must_use]
pub fn path_segment(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// A query string in the making. Names are ours; values are encoded.
#[derive(Debug, Clone, Default)]
pub struct Query(String);

impl Query {
    /// Adds `name=value`.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&path_segment(value));
        self
    }

    /// Adds `name=value` if there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With its `?`, or empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_but_unreserved_is_encoded() {
        assert_eq!(path_segment("a+b@x.org"), "a%2Bb%40x.org");
        assert_eq!(path_segment("a/b?c#d%e f:g"), "a%2Fb%3Fc%23d%25e%20f%3Ag");
        assert_eq!(
            Query::default().with("a", "x y").with_some("b", None).with("c", "Mw==").as_str(),
            "?a=x%20y&c=Mw%3D%3D"
        );
    }

    proptest! {
        #[test]
        fn encoding_loses_nothing(value in any::<String>()) {
            let encoded = path_segment(&value);
            let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
            prop_assert!(encoded.chars().all(unreserved));
            prop_assert_eq!(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap(), value);
        }
    }
}
