//! Segment's timestamps.

use jiff::Timestamp;

/// Reads RFC 3339 with up to nanoseconds (docs/segment-api.md, U11), also with a space for the `T`, as the official examples print.
/// Empty or unreadable text is `None`: a timestamp never decides alone.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_and_separators_vary() {
        for text in [
            "2026-08-02T08:15:30Z",
            "2026-08-02T08:15:30.123Z",
            "2023-01-05T15:01:00.367201348Z",
            "2022-03-08 00:39:36.546951+00:00",
        ] {
            assert!(parse_timestamp(text).is_some(), "{text}");
        }
        assert_eq!(parse_timestamp(""), None);
        assert_eq!(parse_timestamp("yesterday"), None);
    }
}
