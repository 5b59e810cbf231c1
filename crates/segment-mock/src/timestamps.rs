//! Times as the vendor writes them.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// `2026-08-02T08:15:30.123456Z`: the Public API's samples have microseconds \[OAS22\].
pub(crate) fn micros(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// `2024-05-30T12:00:00.000Z`: events and metadata have milliseconds \[PROF\].
pub(crate) fn millis(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// `Tue, 31 Dec 2024 23:59:59 GMT`: the form of `X-RateLimit-Reset` \[W-RATE\].
pub(crate) fn http_date(at: Timestamp) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap_or_default()
}
