//! What can go wrong.

use std::time::Duration;

use serde::Deserialize;

use crate::faults::rewrite::Rewrite;

/// Something that goes wrong with an answer; put it into a [`FaultRule`](crate::FaultRule).
///
/// Error statuses take the shape of the API that was called, so one fault serves them all.
#[derive(Clone, Debug, Deserialize)]
pub struct Fault {
    #[serde(flatten)]
    pub(crate) kind: Kind,
    /// Headers added to the answer, whatever the fault.
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Kind {
    /// An error in the shape of the API.
    Status {
        status: u16,
        message: Option<String>,
        field: Option<String>,
    },
    /// An answer verbatim.
    Reply {
        status: u16,
        content_type: String,
        body: String,
    },
    /// 429 with the hints that are given.
    RateLimit {
        retry_after: Option<u64>,
        ms_before_next: Option<u64>,
        reset_in: Option<u64>,
        #[serde(default)]
        reset_at_month_end: bool,
    },
    Redirect {
        status: u16,
        location: String,
    },
    /// The true answer with its JSON cut in half, honestly declared.
    TruncatedJson,
    /// The true answer, of which half arrives before the connection is closed.
    ShortBody,
    /// Nothing happens and the connection is closed.
    Cut,
    /// The true answer, late.
    Slow {
        millis: u64,
    },
    /// Everything happens, but the connection is closed instead of answering.
    AcceptThenCut,
    /// The true answer with something changed.
    Rewrite {
        rewrite: Rewrite,
    },
}

impl Fault {
    fn of(kind: Kind) -> Self {
        Self { kind, headers: Vec::new() }
    }

    /// An error status with its usual body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::of(Kind::Status { status, message: None, field: None })
    }

    /// Any answer, verbatim.
    #[must_use]
    pub fn reply(status: u16, content_type: impl Into<String>, body: impl Into<String>) -> Self {
        Self::of(Kind::Reply { status, content_type: content_type.into(), body: body.into() })
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// 400.
    #[must_use]
    pub fn bad_request() -> Self {
        Self::status(400)
    }

    /// 401.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::status(401)
    }

    /// 403.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::status(403)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::status(404)
    }

    /// 413.
    #[must_use]
    pub fn too_large() -> Self {
        Self::status(413)
    }

    /// 422 about one field, such as `subjectIds[17]`.
    #[must_use]
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::of(Kind::Status { status: 422, message: Some(message.into()), field: Some(field.into()) })
    }

    /// 429 without any hint: what the Profile API sends.
    #[must_use]
    pub fn rate_limited() -> Self {
        Self::rate_limit(None, None, None, false)
    }

    /// 429 with `Retry-After` in seconds: the token is limited \[JAVA\].
    #[must_use]
    pub fn retry_after(seconds: u64) -> Self {
        Self::rate_limit(Some(seconds), None, None, false)
    }

    /// 429 with `errors[0].data.msBeforeNext` \[W-RATE\].
    #[must_use]
    pub fn ms_before_next(millis: u64) -> Self {
        Self::rate_limit(None, Some(millis), None, false)
    }

    /// 429 with `X-RateLimit-Reset` that far after the virtual present \[W-RATE\].
    #[must_use]
    pub fn reset_in(wait: Duration) -> Self {
        Self::rate_limit(None, None, Some(wait.as_secs()), false)
    }

    /// 429 of the monthly quota: `X-RateLimit-Reset` lies at the end of the month \[TS\].
    #[must_use]
    pub fn quota_exhausted() -> Self {
        Self::rate_limit(None, None, None, true)
    }

    fn rate_limit(
        retry_after: Option<u64>,
        ms_before_next: Option<u64>,
        reset_in: Option<u64>,
        reset_at_month_end: bool,
    ) -> Self {
        Self::of(Kind::RateLimit { retry_after, ms_before_next, reset_in, reset_at_month_end })
    }

    /// 500.
    #[must_use]
    pub fn server_error() -> Self {
        Self::status(500)
    }

    /// 503 in plain text, as a proxy says it \[CFGD\].
    #[must_use]
    pub fn upstream() -> Self {
        Self::reply(503, "text/plain", "upstream connect error or disconnect/reset before headers")
    }

    /// An HTML page, with 200 or an error status.
    #[must_use]
    pub fn html(status: u16) -> Self {
        let body = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Hello</body></html>";
        Self::reply(status, "text/html; charset=utf-8", body)
    }

    /// A redirect to another address.
    #[must_use]
    pub fn redirect(status: u16, location: impl Into<String>) -> Self {
        Self::of(Kind::Redirect { status, location: location.into() })
    }

    /// The true answer with its JSON cut in half and an honest `Content-Length`.
    #[must_use]
    pub fn truncated_json() -> Self {
        Self::of(Kind::TruncatedJson)
    }

    /// The true answer declares its length, but the connection closes after half of it.
    #[must_use]
    pub fn short_body() -> Self {
        Self::of(Kind::ShortBody)
    }

    /// The connection closes before any answer, and the request has no effect.
    #[must_use]
    pub fn cut() -> Self {
        Self::of(Kind::Cut)
    }

    /// The true answer comes that much later, in real time; its effects are immediate.
    #[must_use]
    pub fn slow(delay: Duration) -> Self {
        Self::of(Kind::Slow { millis: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) })
    }

    /// The request has its effects, then the connection closes without an answer.
    #[must_use]
    pub fn accept_then_cut() -> Self {
        Self::of(Kind::AcceptThenCut)
    }

    /// The request has its effects and is answered 2xx, with `{"data":{}}` for a body.
    #[must_use]
    pub fn accept_without_id() -> Self {
        Self::rewrite(Rewrite::WithoutId)
    }

    /// A 2xx without `data` (or `traits`).
    #[must_use]
    pub fn missing_data() -> Self {
        Self::rewrite(Rewrite::MissingData)
    }

    /// A 2xx with `data` (or `traits`) `null`.
    #[must_use]
    pub fn null_data() -> Self {
        Self::rewrite(Rewrite::NullData)
    }

    /// A list without `cursor` or `pagination`.
    #[must_use]
    pub fn missing_cursor() -> Self {
        Self::rewrite(Rewrite::MissingCursor)
    }

    /// The first page for every request, always with the same `next`; combine with [`always`](crate::FaultRule::always).
    #[must_use]
    pub fn repeated_cursor() -> Self {
        Self::rewrite(Rewrite::RepeatedCursor)
    }

    /// The first page for every request, each time with another `next`; combine with
    /// [`always`](crate::FaultRule::always).
    #[must_use]
    pub fn endless_cursor() -> Self {
        Self::rewrite(Rewrite::EndlessCursor)
    }

    /// No field that a document calls optional or a vendor's sample leaves out.
    #[must_use]
    pub fn missing_optional_fields() -> Self {
        Self::rewrite(Rewrite::MissingOptional)
    }

    /// Unknown fields in every object.
    #[must_use]
    pub fn extra_fields() -> Self {
        Self::rewrite(Rewrite::ExtraFields)
    }

    /// An unknown value for every enum.
    #[must_use]
    pub fn unknown_enums() -> Self {
        Self::rewrite(Rewrite::UnknownEnums)
    }

    /// List entries without `subjects` (or `subjectIds`).
    #[must_use]
    pub fn entries_without_subjects() -> Self {
        Self::rewrite(Rewrite::WithoutSubjects)
    }

    fn rewrite(rewrite: Rewrite) -> Self {
        Self::of(Kind::Rewrite { rewrite })
    }
}
