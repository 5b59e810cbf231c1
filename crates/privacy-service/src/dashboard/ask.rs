//! A new request: asked, looked at, and only then recorded.

use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use segment_core::Scope;
use serde::Deserialize;
use serde_json::json;

use super::{
    form::Sent,
    layout::{self, Place},
    page::{Failure, Page},
    session::Visitor,
};
use crate::{
    api::{IdempotencyKey, NewPrivacyRequest, take},
    auth::Secret,
    private::Private,
    problem::Problem,
    service::Service,
    shapes::DryRunShape,
};

const KINDS: [(&str, &str, &str); 4] = [
    ("email", "E-mail address", "email"),
    ("phone_number", "Phone number", "tel"),
    ("user_id", "User id", "text"),
    ("anonymous_id", "Anonymous id", "text"),
];

/// What somebody typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    policy: String,
    email: Private<String>,
    phone_number: Private<String>,
    user_id: Private<String>,
    anonymous_id: Private<String>,
    reference: Private<String>,
    /// So that a form which is sent twice is one request.
    key: String,
}

impl Typed {
    fn value(&self, kind: &str) -> &str {
        let of_kind = match kind {
            "email" => &self.email,
            "phone_number" => &self.phone_number,
            "user_id" => &self.user_id,
            _ => &self.anonymous_id,
        };
        &of_kind.0
    }

    fn request(&self) -> Result<NewPrivacyRequest, Failure> {
        let given = KINDS.iter().filter(|(kind, ..)| !self.value(kind).is_empty());
        let identity: serde_json::Map<_, _> =
            given.map(|(kind, ..)| ((*kind).to_owned(), self.value(kind).into())).collect();
        let mut request = json!({"identity": identity, "policy_key": self.policy});
        if !self.reference.0.trim().is_empty() {
            request["external_id"] = self.reference.0.trim().into();
        }
        let read = serde_json::from_value(request);
        read.map_err(|_| Problem::invalid("form_malformed", "the form is not whole; go back, and send it again").into())
    }
}

/// The form.
pub(super) async fn page(State(service): State<Service>, visitor: Visitor) -> Result<Page, Failure> {
    visitor.caller.has(Scope::Submit)?;
    Ok(form(&service, &visitor, &Typed { policy: "default_access_policy".to_owned(), ..Typed::default() }, None))
}

fn form(service: &Service, visitor: &Visitor, typed: &Typed, refused: Option<&str>) -> Page {
    let desk = service.desk();
    let policies = crate::RequestPolicy::keys(desk.policies());
    let body = html! {
        h1 { "New request" }
        p.lead { "Nothing is recorded before you have seen what would be done." }
        @if let Some(why) = refused { p.notice.error role="alert" { (why) } }
        form.stack method="post" action="/dashboard/new/preview" autocomplete="off" {
            (visitor.csrf())
            label { "What is asked"
                select name="policy" { @for key in &policies { option value=(key) selected[*key == typed.policy] { (readable(key)) } } }
            }
            fieldset {
                legend { "Who it is about" }
                @for (kind, name, input) in KINDS {
                    label { (name) input name=(kind) type=(input) value=(typed.value(kind)) autocomplete="off"; }
                }
                p.hint { "One is enough. A user id must be spelt as your systems spell it." }
            }
            label { "Your reference" input name="reference" value=(typed.reference.0) maxlength="1024"; }
            p.hint { "The same reference is the same request, for ever." }
            div.actions { button.primary { "See what would be done" } }
        }
    };
    Page(layout::full("New request", Place::New, visitor, None, &body))
}

fn readable(policy: &str) -> String {
    let name = policy.strip_prefix("default_").and_then(|name| name.strip_suffix("_policy"));
    name.map_or_else(|| policy.to_owned(), str::to_owned)
}

/// What would be done; nothing is written anywhere.
pub(super) async fn preview(
    State(service): State<Service>,
    Sent(visitor, typed): Sent<Typed>,
) -> Result<Page, Failure> {
    visitor.caller.has(Scope::Submit)?;
    let (desk, now) = (service.desk(), service.clock().now());
    let asked = match typed.request()?.read(desk.as_ref(), now) {
        Ok(asked) => asked,
        Err(problem) => return Ok(form(&service, &visitor, &typed, Some(problem.detail()))),
    };
    let plan = match asked.action {
        segment_core::Action::Erasure => Some(desk.plan(std::slice::from_ref(&asked.identities)).await?),
        _ => None,
    };
    let body = html! {
        h1 { "This would be done" }
        @match &plan {
            Some(plan) => (planned(plan)),
            None => p { "Everything that is held on this person is collected into a package. Nothing is changed." },
        }
        form method="post" action="/dashboard/new" autocomplete="off" {
            (visitor.csrf())
            input type="hidden" name="key" value=(Secret::random(service.random()).expose());
            input type="hidden" name="policy" value=(typed.policy);
            input type="hidden" name="reference" value=(typed.reference.0);
            @for (kind, ..) in KINDS { input type="hidden" name=(kind) value=(typed.value(kind)); }
            div.actions {
                @if plan.is_some() {
                    button.danger { "Erase this person" }
                } @else {
                    button.primary { "Collect it" }
                }
                a.button href="/dashboard/new" { "Back" }
            }
        }
    };
    Ok(Page(layout::full("New request", Place::New, &visitor, None, &body)))
}

fn planned(plan: &DryRunShape) -> Markup {
    html! {
        div.table { table {
            thead { tr { th { "Where" } th { "What" } th { "Regulation" } th.number { "User ids" } th { "Rows" } } }
            tbody { @for one in &plan.plan { tr {
                td data-label="Where" { (one.connection) }
                td data-label="What" { (one.action) }
                td data-label="Regulation" { (one.regulation_type.as_deref().unwrap_or("–")) }
                td.number data-label="User ids" { (one.subjects) }
                td data-label="Rows" { @for (name, rows) in &one.masks { (rows) " " (name) " " } }
            } } }
        } }
        @for warning in plan.plan.iter().flat_map(|one| &one.warnings) { p.notice.warning { (warning) } }
    }
}

/// Records it, once.
pub(super) async fn confirmed(
    State(service): State<Service>,
    Sent(visitor, typed): Sent<Typed>,
) -> Result<Redirect, Failure> {
    visitor.caller.has(Scope::Submit)?;
    let key = IdempotencyKey::of_form(&typed.key, &visitor.caller.token);
    let bulk = take(&service, &visitor.caller, Some(key), &[typed.request()?]).await?;
    match (bulk.succeeded.first(), bulk.failed.first()) {
        (Some(request), _) => Ok(Redirect::to(&format!("/dashboard/requests/{}", request.id()))),
        (None, failed) => {
            let why = failed.map_or_else(String::new, |failed| failed.message.0.clone());
            Err(Problem::invalid("request_refused", why).into())
        }
    }
}
