//! Errors as `application/problem+json`, each with a stable code.

use axum::{
    Json,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use privacy_engine::{EngineError, ResolveError};
use segment_core::ports::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Refusal, RefusalKind};

/// Why a call was not answered with success (RFC 9457).
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The phrase of the status.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong, where, and what to do. It may repeat what was sent, and is for whoever sent it.
    detail: String,
    /// The stable name of the problem.
    code: &'static str,
}

/// Not what it says in words.
impl std::fmt::Debug for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Problem").field("status", &self.status).field("code", &self.code).finish_non_exhaustive()
    }
}

impl Problem {
    /// A problem.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or_default().to_owned();
        Self { kind: "about:blank", title, status: status.as_u16(), detail: detail.into(), code }
    }

    /// Its stable name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The request asks for something that cannot be.
    pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// There is no such thing.
    pub(crate) fn missing(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// There is no such request.
    pub(crate) fn no_such_request(id: &str) -> Self {
        Self::missing("no_such_request", format!("there is no request {id:?}"))
    }

    pub(crate) fn unexpected(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected", detail)
    }

    fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => {
                Self::unavailable("database_locked", "the record database is busy; try again")
            }
            StoreError::NotWritable(_) => Self::unavailable(
                "database_not_writable",
                "the record database cannot be written; nothing is half-done",
            ),
            StoreError::Misuse(why) => Self::new(StatusCode::CONFLICT, "not_possible", why.clone()),
            _ => {
                tracing::error!(error = &error as &dyn std::error::Error, "the record database failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "database_failed",
                    "the record database failed; nothing is half-done, the service's log says more",
                )
            }
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            other => Self::new(StatusCode::CONFLICT, "no_connection", other.to_string()),
        }
    }
}

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Self {
        Self::unavailable("cannot_plan", error.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::NotPossible => StatusCode::CONFLICT,
            RefusalKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            RefusalKind::Unexpected => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let hint = refusal.hint.map(|hint| format!(". {hint}")).unwrap_or_default();
        Self::new(status, refusal.code, format!("{}{hint}", refusal.message))
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Self::missing("no_such_route", "the path is not one of this service")
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid("query_invalid", rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let code = match &rejection {
            JsonRejection::MissingJsonContentType(_) => "not_json",
            JsonRejection::JsonSyntaxError(_) => "json_malformed",
            JsonRejection::JsonDataError(_) => "body_invalid",
            _ if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
            _ => "body_unreadable",
        };
        Self::new(rejection.status(), code, rejection.body_text())
    }
}
