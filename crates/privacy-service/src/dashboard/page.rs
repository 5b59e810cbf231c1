//! A page as an answer, and an error as a page.

use axum::response::{Html, IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use maud::{Markup, html};

use super::layout;
use crate::problem::Problem;

/// Nothing is loaded from elsewhere, nothing that stands in a page runs, and forms go nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page.
pub(super) struct Page(pub(super) Markup);

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Page")
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = Html(self.0.into_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // Without any a browser does not say, either, that a form comes from here.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        response
    }
}

/// Why there is no page.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody has to sign in first.
    SignIn,
    /// Somebody has to look elsewhere.
    Moved(String),
    /// It cannot be.
    Problem(Box<Problem>),
}

impl<E: Into<Problem>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Problem(Box::new(error.into()))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::SignIn => return Redirect::to("/dashboard/sign-in").into_response(),
            Self::Moved(path) => return Redirect::to(&path).into_response(),
            Self::Problem(problem) => *problem,
        };
        let status = StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = html! {
            h1 { "That did not work" }
            p.notice.error role="alert" { (problem.detail()) }
            p.muted { "code: " code { (problem.code()) } }
            p { a.button href="/dashboard/" { "Back to the requests" } }
        };
        let mut response = Page(layout::plain("That did not work", &body)).into_response();
        *response.status_mut() = status;
        response.extensions_mut().insert(problem);
        response
    }
}
