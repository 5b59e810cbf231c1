//! What can be decided on a request.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Redirect,
};
use maud::{Markup, html};
use segment_core::{ConnectionKey, Decision, Gate, Pii, Request, Scope};
use serde::Deserialize;

use super::{form::Sent, page::Failure, session::Visitor};
use crate::{
    api::{decide, request_id, sentence},
    private::Private,
    problem::Problem,
    service::Service,
};

/// The forms for what is possible now.
pub(super) fn forms(visitor: &Visitor, request: &Request) -> Markup {
    let over = request.status.is_over();
    let halted: Vec<_> = request.tasks.iter().filter(|task| task.state.halt().is_some()).collect();
    let path = format!("/dashboard/requests/{}/decide", request.id);
    let form = |decision: &str, fields: &Markup| {
        html! {
            form.stack method="post" action=(path) {
                (visitor.csrf())
                input type="hidden" name="decision" value=(decision);
                (fields)
            }
        }
    };
    html! {
        @if visitor.may(Scope::Review) && !over {
            section.card {
                h2 { "Decide" }
                @if request.gate == Gate::Pending {
                    (form("approve", &html! { div.actions { button.primary { "Approve" } } }))
                    (form("deny", &html! {
                        label { "Reason, which the person is told" input name="text" required maxlength="2000"; }
                        div.actions { button.danger data-confirm="Deny this request?" { "Deny" } }
                    }))
                }
                @if !halted.is_empty() {
                    (form("retry", &html! { div.actions { button.primary { "Try again" } } }))
                    (form("resolve", &html! {
                        label { "Settled by hand at"
                            select name="task" { @for task in &halted { option { (task.connection) } } }
                        }
                        label { "How" input name="text" required maxlength="2000"; }
                        div.actions { button.quiet { "It is settled" } }
                    }))
                }
                (form("extend", &html! {
                    label { "Why the deadline is lengthened, which the law allows once" input name="text" required maxlength="2000"; }
                    div.actions { button.quiet { "Lengthen the deadline" } }
                }))
                (form("cancel", &html! {
                    div.actions { button.danger data-confirm="Cancel what has not left yet?" { "Cancel the request" } }
                }))
            }
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Decided {
    decision: String,
    #[serde(default)]
    text: Private<String>,
    #[serde(default)]
    task: String,
    /// Where to go on.
    #[serde(default)]
    from: String,
}

/// Decides, and shows the request as it is then.
pub(super) async fn taken(
    State(service): State<Service>,
    path: Result<Path<String>, PathRejection>,
    Sent(visitor, form): Sent<Decided>,
) -> Result<Redirect, Failure> {
    let id = request_id(path)?;
    visitor.caller.has(Scope::Review)?;
    let reason = || sentence("reason", &form.text.0).map(Pii::new);
    let decision = match form.decision.as_str() {
        "approve" => Decision::Approve,
        "deny" => Decision::Deny { reason: reason()? },
        "cancel" => Decision::Cancel,
        "retry" => Decision::Retry,
        "extend" => Decision::Extend { reason: reason()? },
        "resolve" => Decision::Settle {
            connection: ConnectionKey::new(form.task),
            note: Pii::new(sentence("note", &form.text.0)?),
        },
        _ => return Err(Problem::invalid("form_malformed", "there is no such decision").into()),
    };
    decide(&service, &visitor.caller, &id, &decision).await?;
    let back = if form.from == "review" { "/dashboard/review".to_owned() } else { format!("/dashboard/requests/{id}") };
    Ok(Redirect::to(&back))
}
