//! From a status to what it means: one table.

use std::{fmt, time::Duration};

use segment_core::ErrorKind;

/// A wait longer than this is not a rate limit but the month's quota (docs/segment-api.md, 2.3, inferred).
pub(super) const FAR_AWAY: Duration = Duration::from_mins(5);

/// What a service's error body says.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// The service's code or type.
    pub code: Option<String>,
    /// Its text, which may name a person.
    pub text: Option<String>,
    /// The refused field.
    pub field: Option<String>,
    /// `msBeforeNext`.
    pub ms_before_next: Option<u64>,
    /// It is a proxy's word that the URL leads nowhere, where a service says that this is what it means.
    pub unrouted: bool,
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Problem")
    }
}

/// Reads a service's error body; anything unreadable is an empty problem.
pub type ReadProblem = fn(&[u8]) -> Problem;

/// The kind of error of a status that is not a success.
pub(super) fn kind(status: u16, wait: Option<Duration>) -> ErrorKind {
    match status {
        300..=399 => ErrorKind::Redirected,
        401 | 403 => ErrorKind::Unauthorized,
        404 => ErrorKind::NotFound,
        408 | 500..=599 => ErrorKind::Server,
        413 => ErrorKind::TooLarge,
        429 if wait.is_some_and(|wait| wait > FAR_AWAY) => ErrorKind::QuotaExhausted,
        429 => ErrorKind::RateLimited,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Unreadable,
    }
}

/// The kind of error of an attempt that brought no whole answer.
pub(super) fn failure(error: &reqwest::Error) -> ErrorKind {
    if error.is_connect() || error.is_builder() {
        ErrorKind::Connect
    } else if error.is_timeout() {
        ErrorKind::Timeout
    } else {
        ErrorKind::Broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let table = [
            (302, ErrorKind::Redirected),
            (400, ErrorKind::Invalid),
            (401, ErrorKind::Unauthorized),
            (403, ErrorKind::Unauthorized),
            (404, ErrorKind::NotFound),
            (408, ErrorKind::Server),
            (409, ErrorKind::Invalid),
            (413, ErrorKind::TooLarge),
            (422, ErrorKind::Invalid),
            (429, ErrorKind::RateLimited),
            (500, ErrorKind::Server),
            (503, ErrorKind::Server),
            (101, ErrorKind::Unreadable),
        ];
        for (status, expect) in table {
            assert_eq!(kind(status, None), expect, "{status}");
        }
        assert_eq!(kind(429, Some(Duration::from_hours(24))), ErrorKind::QuotaExhausted);
        assert_eq!(kind(429, Some(Duration::from_mins(1))), ErrorKind::RateLimited);
    }
}
