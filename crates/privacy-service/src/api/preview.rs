//! What would be done.

use axum::{Json, extract::State};
use segment_core::Action;

use super::{
    body::Body,
    create::{NewPrivacyRequest, check_number},
};
use crate::{
    auth::{May, Submit},
    problem::Problem,
    service::Service,
    shapes::DryRunShape,
};

/// The plan of erasures: who is found, what would be ordered, suppressed and masked. Nothing is written anywhere.
#[utoipa::path(
    put, path = "/privacy-request/preview", tag = "requests", security(("bearer" = ["submit"])),
    request_body(content = Vec<NewPrivacyRequest>, description = "1 to 50 erasures"),
    responses((status = 200, description = "The plan, by connection and dataset", body = DryRunShape))
)]
pub(super) async fn preview(
    State(service): State<Service>,
    May(..): May<Submit>,
    Body(asked): Body<Vec<NewPrivacyRequest>>,
) -> Result<Json<DryRunShape>, Problem> {
    let (desk, now) = (service.desk(), service.clock().now());
    check_number(asked.len())?;
    let mut people = Vec::new();
    for (place, one) in asked.iter().enumerate() {
        if one.policy(desk.as_ref())?.action != Action::Erasure {
            let detail = format!("request {place} is no erasure: an access changes nothing, so there is no plan of it");
            return Err(Problem::invalid("nothing_to_plan", detail));
        }
        let in_place =
            |problem: Problem| Problem::invalid(problem.code(), format!("request {place}: {}", problem.detail()));
        people.push(one.read(desk.as_ref(), now).map_err(in_place)?.identities);
    }
    Ok(Json(desk.plan(&people).await?))
}
