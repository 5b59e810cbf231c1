//! Signing in with a token, and the session that it opens.

use axum::{
    Form,
    extract::{FromRequestParts, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, header, request::Parts};
use jiff::SignedDuration;
use maud::{Markup, html};
use segment_core::{Scope, Session};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::{
    form::Sent,
    layout,
    page::{Failure, Page},
};
use crate::{
    auth::{Caller, Secret},
    private::Private,
    problem::Problem,
    service::Service,
};

const COOKIE: &str = "segment_privacy_session";
/// A working day.
const LENGTH: SignedDuration = SignedDuration::from_hours(10);

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) caller: Caller,
    /// What forms of this session have to repeat: nobody else's page knows it.
    csrf: Private<String>,
}

impl Visitor {
    /// The field of a form.
    pub(super) fn csrf(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf.0); }
    }

    pub(super) fn check_csrf(&self, given: &str) -> Result<(), Failure> {
        if given.as_bytes().ct_eq(self.csrf.0.as_bytes()).into() {
            return Ok(());
        }
        Err(Problem::new(
            http::StatusCode::FORBIDDEN,
            "form_of_elsewhere",
            "the form is not of this session; load the page again",
        )
        .into())
    }

    pub(super) fn may(&self, scope: Scope) -> bool {
        self.caller.scopes.contains(&scope)
    }
}

impl FromRequestParts<Service> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Failure> {
        visitor(&parts.headers, service).await
    }
}

/// Who is signed in, and may read.
pub(super) async fn visitor(headers: &HeaderMap, service: &Service) -> Result<Visitor, Failure> {
    let secret = cookie(headers).ok_or(Failure::SignIn)?;
    let (accounts, now) = (service.desk().accounts(), service.clock().now());
    let session = accounts.session(&secret.hash()).await?.filter(|session| now < session.expires_at);
    let session = session.ok_or(Failure::SignIn)?;
    let token = accounts.token(&session.token).await?.filter(|token| token.is_valid(now));
    let token = token.ok_or(Failure::SignIn)?;
    let caller = Caller { token: token.id, name: token.name, scopes: token.scopes };
    caller.has(Scope::Read)?;
    let csrf = Private(hex::encode(Sha256::digest(format!("csrf {}", secret.expose()))));
    Ok(Visitor { caller, csrf })
}

fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| Secret::from(value))
}

/// A browser says where a form comes from: one of another site is not taken.
pub(super) fn of_this_site(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let elsewhere = match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, origin)| origin != host),
        (Some(_), None) => true,
        (None, _) => false,
    };
    if elsewhere {
        let detail = "the form comes from another site";
        return Err(Problem::new(http::StatusCode::FORBIDDEN, "form_of_elsewhere", detail).into());
    }
    Ok(())
}

/// The page to sign in.
pub(super) async fn page() -> Page {
    Page(sign_in(None))
}

fn sign_in(refused: Option<&str>) -> Markup {
    let body = html! {
        h1 { "Sign in" }
        p.lead { "With a token of this service. " code { "segment-privacy token create --name NAME --scope read" } " makes one." }
        @if let Some(why) = refused { p.notice.error role="alert" { (why) } }
        form.stack method="post" action="/dashboard/sign-in" {
            label for="token" { "Token" }
            input id="token" name="token" type="password" required autocomplete="current-password" autofocus;
            div.actions { button.primary { "Sign in" } }
        }
    };
    layout::plain("Sign in", &body)
}

#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    token: Secret,
}

/// Opens a session.
pub(super) async fn open(
    State(service): State<Service>,
    parts: Parts,
    Form(form): Form<SignIn>,
) -> Result<Response, Failure> {
    of_this_site(&parts.headers)?;
    let caller = match service.guard().admitted(form.token.expose(), &parts, &service).await {
        Ok(caller) => caller,
        Err(problem) => {
            let mut response = Page(sign_in(Some(problem.detail()))).into_response();
            *response.status_mut() = http::StatusCode::from_u16(problem.status()).unwrap_or_default();
            return Ok(response);
        }
    };
    caller.has(Scope::Read)?;
    let (secret, now) = (Secret::random(service.random()), service.clock().now());
    let expires_at = now.saturating_add(LENGTH).unwrap_or(now);
    let session = Session { hash: secret.hash(), token: caller.token, expires_at };
    service.desk().accounts().open_session(&session, now).await?;
    Ok(with_cookie(&service, secret.expose(), LENGTH.as_secs(), "/dashboard/"))
}

/// Ends the session.
pub(super) async fn close(
    State(service): State<Service>,
    headers: HeaderMap,
    Sent(..): Sent<serde_json::Value>,
) -> Result<Response, Failure> {
    if let Some(secret) = cookie(&headers) {
        service.desk().accounts().close_session(&secret.hash()).await?;
    }
    Ok(with_cookie(&service, "", 0, "/dashboard/sign-in"))
}

/// Scripts cannot read it, forms of other sites do not bring it, and it goes nowhere in the clear where there is TLS.
fn with_cookie(service: &Service, value: &str, seconds: i64, to: &str) -> Response {
    let secure = if service.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/dashboard; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
