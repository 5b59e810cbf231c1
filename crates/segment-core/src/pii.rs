//! Personal data as a type.

use std::fmt;

/// A value that identifies or describes a person.
///
/// It has no `Display` and its `Debug` prints no content, so that it cannot reach a log line, a span, an error or a
/// panic message by accident. Every [`expose`](Pii::expose) is a place to review.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Pii<T>(T);

impl<T> Pii<T> {
    /// Marks `value` as personal data.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for an encoder, a bind parameter, a comparison or an explicit reveal.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, taken out.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal data]")
    }
}

impl From<&str> for Pii<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_value() {
        assert_eq!(format!("{:?}", vec![Pii::from("ann@example.com")]), "[[personal data]]");
    }
}
