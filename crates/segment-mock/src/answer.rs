//! One answer before it becomes bytes, so that faults can still change it.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::endpoint::Family;

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: AnswerBody,
}

#[derive(Clone, Debug)]
pub(crate) enum AnswerBody {
    Json(Value),
    Text { content_type: String, text: String },
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: AnswerBody::Json(body) }
    }

    pub(crate) fn text(status: u16, content_type: impl Into<String>, text: impl Into<String>) -> Self {
        let body = AnswerBody::Text { content_type: content_type.into(), text: text.into() };
        Self { status, headers: Vec::new(), body }
    }

    pub(crate) fn header(mut self, name: impl Into<String>, value: &dyn ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }

    /// The bytes of the body.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match &self.body {
            AnswerBody::Json(value) => value.to_string().into_bytes(),
            AnswerBody::Text { text, .. } => text.clone().into_bytes(),
        }
    }

    /// The head of this answer around any body.
    pub(crate) fn respond(&self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = match &self.body {
            AnswerBody::Json(_) => "application/json",
            AnswerBody::Text { content_type, .. } => content_type,
        };
        let content_type = HeaderValue::from_str(content_type);
        response.headers_mut().extend(content_type.map(|value| (header::CONTENT_TYPE, value)));
        for (name, value) in &self.headers {
            // A name or value that HTTP cannot carry is a mistake in a fault rule: leave it out.
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The error of a status in the shape of its API, with the usual words unless `message` gives others.
pub(crate) fn error(family: Family, status: u16, message: Option<&str>) -> Answer {
    let body = match family {
        Family::Public => {
            let (kind, text) = public_words(status);
            serde_json::json!({"errors": [{"type": kind, "message": message.unwrap_or(text)}]})
        }
        Family::Profile => {
            let (code, text) = profile_words(status);
            serde_json::json!({"error": {"code": code, "message": message.unwrap_or(text)}})
        }
        Family::Tracking => {
            serde_json::json!({"success": false, "message": message.unwrap_or_else(|| public_words(status).1)})
        }
        Family::Config => {
            let (code, text) = config_words(status);
            serde_json::json!({"error": message.unwrap_or(text), "code": code})
        }
    };
    Answer::json(status, body)
}

/// `type` and `message` of a Public API error \[W-ERR, W-RATE, OAS22; 401, 403, 413 and 5xx inferred\].
fn public_words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 => ("RequestError", "Bad request"),
        401 => ("unauthorized", "Unauthorized"),
        403 => ("forbidden", "Forbidden"),
        404 => ("NotFound", "Resource not found"),
        413 => ("RequestError", "Payload too large"),
        422 => ("input-validation", "Validation failure"),
        429 => ("RequestError", "Too many requests"),
        _ => ("server", "Internal server error"),
    }
}

/// `code` and `message` of a Profile API error \[PROF; texts beyond 404 inferred\].
fn profile_words(status: u16) -> (&'static str, &'static str) {
    match status {
        400 | 422 => ("validation_error", "The request is not valid."),
        401 => ("authentication_error", "Invalid token"),
        403 => ("forbidden", "Forbidden"),
        404 => ("not_found", "Profile was not found."),
        429 => ("rate_limit_error", "Too many requests"),
        405..=499 => ("invalid_request_error", "The request is not valid."),
        _ => ("internal_error", "Internal server error"),
    }
}

/// Text and gRPC code of a Config API error \[CFGD\].
fn config_words(status: u16) -> (u8, &'static str) {
    match status {
        400 => (3, "invalid argument"),
        401 => (16, "unauthorized"),
        403 => (7, "insufficient scope"),
        404 => (5, "not found"),
        409 => (6, "already exists"),
        429 => (8, "rate limit exceeded"),
        501 => (12, "unimplemented"),
        503 => (14, "unavailable"),
        _ => (13, "internal"),
    }
}
