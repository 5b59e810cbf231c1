//! For which requests a fault is meant.

use serde::Deserialize;

use crate::call::Call;
use crate::endpoint::Endpoint;
use crate::faults::Fault;

/// A fault with the requests it is for: by default the next request of any kind, once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    endpoint: Option<Endpoint>,
    method: Option<String>,
    path_prefix: Option<String>,
    body_contains: Option<String>,
    #[serde(default)]
    query_contains: Option<String>,
    /// The first matching request that is hit, counted from 1.
    #[serde(default = "one")]
    nth: u64,
    /// How many matching requests are hit; `None` is all of them.
    #[serde(default = "once")]
    times: Option<u64>,
    fault: Fault,
    #[serde(skip)]
    seen: u64,
}

fn one() -> u64 {
    1
}

#[expect(clippy::unnecessary_wraps, reason = "serde needs the field's own type")]
fn once() -> Option<u64> {
    Some(1)
}

impl FaultRule {
    /// A rule for the next request.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        let (endpoint, method, path_prefix, body_contains, query_contains) = (None, None, None, None, None);
        Self { endpoint, method, path_prefix, body_contains, query_contains, nth: one(), times: once(), fault, seen: 0 }
    }

    /// Only for this endpoint.
    #[must_use]
    pub fn on(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Only for this method.
    #[must_use]
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only for raw paths that start like this.
    #[must_use]
    pub fn path_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Only for bodies that contain this text.
    #[must_use]
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.body_contains = Some(text.into());
        self
    }

    /// Only for raw queries that contain this text, such as `end=`.
    #[must_use]
    pub fn query_contains(mut self, text: impl Into<String>) -> Self {
        self.query_contains = Some(text.into());
        self
    }

    /// Lets matching requests pass until the `nth`, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = nth.max(1);
        self
    }

    /// Hits this many matching requests.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Hits every matching request.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    fn matches(&self, call: &Call) -> bool {
        let query_holds =
            |text: &String| call.target.split_once('?').is_some_and(|(_, query)| query.contains(text.as_str()));
        let body_holds = |text: &String| String::from_utf8_lossy(&call.body).contains(text.as_str());
        self.endpoint.is_none_or(|endpoint| endpoint == call.endpoint)
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&call.method))
            && self.path_prefix.as_ref().is_none_or(|prefix| call.path().starts_with(prefix.as_str()))
            && self.query_contains.as_ref().is_none_or(query_holds)
            && self.body_contains.as_ref().is_none_or(body_holds)
    }

    pub(super) fn may_fire(&self) -> bool {
        self.times.is_none_or(|times| self.seen + 1 < self.nth + times)
    }

    pub(super) fn take(&mut self, call: &Call) -> Option<Fault> {
        if !self.may_fire() || !self.matches(call) {
            return None;
        }
        self.seen += 1;
        (self.seen >= self.nth).then(|| self.fault.clone())
    }
}
