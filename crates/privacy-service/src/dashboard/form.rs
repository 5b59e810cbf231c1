//! Forms that somebody sent: from a page of ours, by somebody who is signed in.

use axum::{
    Form,
    extract::{FromRequest, Request},
};
use serde::de::DeserializeOwned;

use super::{
    page::Failure,
    session::{self, Visitor},
};
use crate::{limits, problem::Problem, service::Service};

/// A form, and who sent it.
#[derive(Debug)]
pub(super) struct Sent<T>(pub(super) Visitor, pub(super) T);

impl<T: DeserializeOwned + Send> FromRequest<Service> for Sent<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Failure> {
        session::of_this_site(request.headers())?;
        let visitor = session::visitor(request.headers(), service).await?;
        let read =
            async { Form::<Vec<(String, String)>>::from_request(request, service).await.map_err(|_| malformed()) };
        let Form(fields) = limits::body(read).await?;
        let csrf = fields.iter().find(|(name, _)| name == "csrf").map(|(_, value)| value.as_str());
        visitor.check_csrf(csrf.unwrap_or_default())?;
        let fields: serde_json::Map<_, _> =
            fields.into_iter().filter(|(name, _)| name != "csrf").map(|(name, value)| (name, value.into())).collect();
        let form = serde_json::from_value(fields.into());
        form.map(|form| Self(visitor, form)).map_err(|_| malformed().into())
    }
}

/// What it says may hold what was typed.
fn malformed() -> Problem {
    Problem::invalid("form_malformed", "the form is not whole; go back, and send it again")
}
