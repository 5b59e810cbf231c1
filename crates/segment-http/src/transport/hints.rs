//! How long Segment asks to wait (docs/segment-api.md, 2.3).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// In Segment's order of preference: `Retry-After` in seconds, `msBeforeNext` in the body, `X-RateLimit-Reset` as a
/// date of RFC 5322.
pub(super) fn wait(headers: &HeaderMap, ms_before_next: Option<u64>, now: Timestamp) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let retry_after = header(RETRY_AFTER.as_str()).and_then(|value| value.parse().ok()).map(Duration::from_secs);
    let body = ms_before_next.map(Duration::from_millis);
    let reset = header("x-ratelimit-reset").and_then(|value| jiff::fmt::rfc2822::parse(value).ok()).map(|at| {
        let wait = at.timestamp().duration_since(now).max(SignedDuration::ZERO);
        wait.unsigned_abs()
    });
    retry_after.or(body).or(reset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], body: Option<u64>, expect: Option<u64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let now = "2024-12-31T23:59:00Z".parse().unwrap();
        assert_eq!(wait(&map, body, now), expect.map(Duration::from_secs));
    }

    #[test]
    fn each_hint_in_its_order() {
        let reset = ("x-ratelimit-reset", "Tue, 31 Dec 2024 23:59:59 GMT");
        check(&[("retry-after", "42"), reset], Some(7_000), Some(42));
        check(&[reset], Some(7_000), Some(7));
        check(&[reset], None, Some(59));
        check(&[("x-ratelimit-reset", "Tue, 31 Dec 2024 23:00:00 GMT")], None, Some(0));
        check(&[("retry-after", "soon"), ("x-ratelimit-reset", "1735689599")], None, None);
    }
}
