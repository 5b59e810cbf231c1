//! Failures of calls to Segment, and whether calling again is safe.

use std::{fmt, time::Duration};

/// Which of Segment's services failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// `api.segmentapis.com`, `eu1.api.segmentapis.com`
    PublicApi,
    /// `platform.segmentapis.com`, the legacy one
    ConfigApi,
    /// `profiles.segment.com`, `profiles.euw1.segment.com`
    ProfileApi,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PublicApi => "Segment's Public API",
            Self::ConfigApi => "Segment's Config API",
            Self::ProfileApi => "Segment's Profile API",
        })
    }
}

/// What callers branch on. Each variant states when the call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// 401 or 403: wrong token, kind of token, region or role. Never again without a change of configuration.
    Unauthorized,
    /// 404 where something had to be there. Never again.
    NotFound,
    /// 400, 409 or 422: Segment refuses this very call. Never again unchanged.
    Invalid,
    /// 413: smaller calls may pass.
    TooLarge,
    /// 429 with a reset soon. Again after the stated wait; nothing was done.
    RateLimited,
    /// 429 with a reset far away: the monthly quota of regulations. Nothing was done.
    QuotaExhausted,
    /// 408 or 5xx. Again only if the call is idempotent.
    Server,
    /// DNS, connect or TLS failed: the call was not sent. Again after a pause.
    Connect,
    /// No answer in time. Again only if the call is idempotent.
    Timeout,
    /// The connection broke. Again only if the call is idempotent.
    Broken,
    /// A successful status with a body that is not what is documented, or a 404 that is not Segment's own, such as a proxy's.
    /// Again only if the call is idempotent.
    Unreadable,
    /// The Config API's 503 in plain text: the URL leads nowhere, nothing is down (documented). Never again.
    NoRoute,
    /// A redirect, which is never followed: credentials go only to the configured host.
    Redirected,
    /// A list that points to a page already read, or that does not end.
    EndlessList,
    /// Answers that cannot be true together, such as an event outside the time that was asked for. Another way to ask may do.
    Contradiction,
    /// The caller asked for something that cannot be expressed, such as an empty batch.
    Misuse,
}

impl ErrorKind {
    /// A stable name for JSON, logs and the record.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::Invalid => "refused",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Server => "server_error",
            Self::Connect => "not_connected",
            Self::Timeout => "timeout",
            Self::Broken => "connection_lost",
            Self::Unreadable => "unreadable_answer",
            Self::NoRoute => "no_route",
            Self::Redirected => "redirected",
            Self::EndlessList => "endless_list",
            Self::Contradiction => "contradiction",
            Self::Misuse => "misuse",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Unauthorized => "refused the credential; check its kind, its region and its role",
            Self::NotFound => "does not know what was asked for",
            Self::Invalid => "refused the call as invalid",
            Self::TooLarge => "refused the call as too large",
            Self::RateLimited => "asks to slow down",
            Self::QuotaExhausted => "has no quota left for this month",
            Self::Server => "failed",
            Self::Connect => "could not be reached",
            Self::Timeout => "did not answer in time",
            Self::Broken => "broke the connection",
            Self::Unreadable => "gave an answer that cannot be understood",
            Self::NoRoute => "does not know the URL; check the domain, and whether it is the Config API's",
            Self::Redirected => "answered with a redirect, which is not followed; check the domain",
            Self::EndlessList => "lists pages without end",
            Self::Contradiction => "contradicts itself in its answers",
            Self::Misuse => "was not called, since the call makes no sense",
        }
    }
}

/// Whether a call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// It would fail the same way.
    Never,
    /// Nothing was done: again is safe, after at least this pause if Segment named one.
    After(Option<Duration>),
    /// It may have been done: again is safe only if doing it twice is.
    IfIdempotent(Option<Duration>),
}

/// A call to Segment that failed, as told to people: service, what happened, attempts, time and request id.
///
/// It holds no body and no URL. What Segment wrote is kept only where it cannot name a person: the text of a 401 or
/// 403, the error's code, and the path of the refused field.
#[derive(Debug)]
pub struct SegmentError {
    kind: ErrorKind,
    service: Service,
    details: Box<Details>,
}

#[derive(Debug)]
struct Details {
    status: Option<u16>,
    code: Option<String>,
    field: Option<String>,
    text: Option<String>,
    request_id: Option<String>,
    wait: Option<Duration>,
    attempts: u32,
    elapsed: Duration,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl std::error::Error for SegmentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.details.source.as_deref()?;
        Some(source)
    }
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.service, self.kind.sentence())?;
        let mut facts = Vec::new();
        facts.extend(self.details.status.map(|status| format!("status {status}")));
        facts.extend(self.details.code.as_ref().map(|code| format!("code {code}")));
        facts.extend(self.details.field.as_ref().map(|field| format!("field {field}")));
        facts.extend(self.details.text.as_ref().map(|text| format!("\"{text}\"")));
        facts.extend(self.details.request_id.as_ref().map(|id| format!("request id {id}")));
        if self.details.attempts > 1 {
            facts.push(format!("{} attempts in {:.1} s", self.details.attempts, self.details.elapsed.as_secs_f64()));
        }
        if facts.is_empty() { Ok(()) } else { write!(f, " ({})", facts.join(", ")) }
    }
}

impl SegmentError {
    /// An error of this kind, without details.
    #[must_use]
    pub fn new(service: Service, kind: ErrorKind) -> Self {
        Self {
            kind,
            service,
            details: Box::new(Details {
                status: None,
                code: None,
                field: None,
                text: None,
                request_id: None,
                wait: None,
                attempts: 1,
                elapsed: Duration::ZERO,
                source: None,
            }),
        }
    }

    /// Adds the HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.details.status = Some(status);
        self
    }

    /// Adds what Segment said: its code and the refused field, and its text where that cannot name a person.
    #[must_use]
    pub fn with_answer(mut self, code: Option<String>, field: Option<String>, text: Option<String>) -> Self {
        self.details.code = code.filter(|code| is_token(code));
        self.details.field = field.filter(|field| is_token(field));
        self.details.text =
            text.filter(|_| self.kind == ErrorKind::Unauthorized).map(|text| text.chars().take(200).collect());
        self
    }

    /// Adds Segment's request id.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<String>) -> Self {
        self.details.request_id = id.filter(|id| is_token(id));
        self
    }

    /// Adds how long Segment asks to wait.
    #[must_use]
    pub fn with_wait(mut self, wait: Option<Duration>) -> Self {
        self.details.wait = wait;
        self
    }

    /// Adds how often and how long it was tried.
    #[must_use]
    pub fn with_effort(mut self, attempts: u32, elapsed: Duration) -> Self {
        self.details.attempts = attempts;
        self.details.elapsed = elapsed;
        self
    }

    /// Adds the cause. It must not hold personal data, a secret or a URL.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.details.source = Some(source.into());
        self
    }

    /// What callers branch on.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Which service.
    #[must_use]
    pub fn service(&self) -> Service {
        self.service
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.details.status
    }

    /// Segment's own code of the error, such as `eid_not_found`.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.details.code.as_deref()
    }

    /// Segment's id of the call, which its support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.details.request_id.as_deref()
    }

    /// The refused field, such as `subjectIds[17]`.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.details.field.as_deref()
    }

    /// Whether, and after which pause, the call may be made again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self.kind {
            ErrorKind::RateLimited | ErrorKind::Connect | ErrorKind::QuotaExhausted => Retry::After(self.details.wait),
            ErrorKind::Server | ErrorKind::Timeout | ErrorKind::Broken | ErrorKind::Unreadable => {
                Retry::IfIdempotent(self.details.wait)
            }
            _ => Retry::Never,
        }
    }
}

/// Codes, field paths and request ids: nothing with a space, a quote or an `@` in it gets through.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.len() <= 128 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.[]:".contains(c))
}

/// The first index in a field such as `subjectIds[17]` or `subjectIds.17`.
fn index_in_field(field: &str) -> Option<usize> {
    field.split(['[', ']', '.']).find_map(|part| part.parse().ok())
}

impl SegmentError {
    /// Which subject of a batch was refused, if the answer says so (documented: `field` is a path).
    #[must_use]
    pub fn refused_subject(&self) -> Option<usize> {
        self.details.field.as_deref().filter(|field| field.starts_with("subjectIds")).and_then(index_in_field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_tells_what_a_person_needs() {
        let error = SegmentError::new(Service::PublicApi, ErrorKind::Server)
            .with_status(500)
            .with_request_id(Some("5c1f-77aa".into()))
            .with_effort(4, Duration::from_millis(3_240));
        assert_eq!(
            error.to_string(),
            "Segment's Public API failed (status 500, request id 5c1f-77aa, 4 attempts in 3.2 s)"
        );
        assert_eq!(error.request_id(), Some("5c1f-77aa"));
    }

    #[test]
    fn what_segment_wrote_is_dropped_where_it_could_name_a_person() {
        let text = Some("\"ann@example.com\" is invalid".to_owned());
        let refused = SegmentError::new(Service::PublicApi, ErrorKind::Invalid).with_answer(
            Some("ann@example.com".into()),
            Some("subjectIds[17]".into()),
            text,
        );
        assert!(!format!("{refused} {refused:?}").contains("ann"));
        assert_eq!(refused.refused_subject(), Some(17));
    }

    #[test]
    fn only_what_did_nothing_may_always_be_repeated() {
        let retry = |kind| SegmentError::new(Service::PublicApi, kind).retry();
        assert_eq!(retry(ErrorKind::Connect), Retry::After(None));
        assert_eq!(retry(ErrorKind::Server), Retry::IfIdempotent(None));
        assert_eq!(retry(ErrorKind::Unreadable), Retry::IfIdempotent(None));
        assert_eq!(retry(ErrorKind::Unauthorized), Retry::Never);
    }
}
