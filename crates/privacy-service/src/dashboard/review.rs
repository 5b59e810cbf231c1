//! Requests that wait for approval.

use axum::extract::State;
use maud::html;
use segment_core::{RequestFilter, RequestStatus, Scope};

use super::{
    layout::{self, Place},
    live,
    page::{Failure, Page},
    session::Visitor,
    words,
};
use crate::service::Service;

/// The queue, the earliest deadline first.
pub(super) async fn page(State(service): State<Service>, visitor: Visitor) -> Result<Page, Failure> {
    let seen = live::seen(&service).await;
    let (desk, now) = (service.desk(), service.clock().now());
    let filter = RequestFilter { statuses: vec![RequestStatus::Pending], limit: Some(200), ..RequestFilter::default() };
    let mut waiting = desk.engine().store().requests(&filter).await?;
    waiting.sort_by_key(|one| one.due_at);
    let body = html! {
        h1 { "Review" }
        p.lead { "Erasures that wait until somebody approves them." }
        div id="queue" data-refresh {
            @if waiting.is_empty() { p { "Nothing waits." } }
            @for one in &waiting {
                section.card {
                    h2 { a href=(format!("/dashboard/requests/{}", one.id)) { (one.action) " " code { (one.id) } } }
                    p { "received " (words::minute(one.received_at)) ", " (words::due(one.due_at, false, now)) }
                    @if visitor.may(Scope::Review) {
                        form.stack method="post" action=(format!("/dashboard/requests/{}/decide", one.id)) {
                            (visitor.csrf())
                            input type="hidden" name="from" value="review";
                            label { "Reason to deny, which the person is told" input name="text" maxlength="2000"; }
                            div.actions {
                                button.primary name="decision" value="approve" { "Approve" }
                                button.danger name="decision" value="deny" data-confirm="Deny this request?" { "Deny" }
                            }
                        }
                    }
                }
            }
        }
    };
    Ok(Page(layout::full("Review", Place::Review, &visitor, seen, &body)))
}
