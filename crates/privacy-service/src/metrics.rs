//! What is counted, for Prometheus. Names and labels hold nothing of a person.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};
use http::Method;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use segment_core::{Action, Outcome, RequestStatus, Standing};

use crate::{problem::Problem, service::Service, shapes::QuotaShape, standing::Standings};

/// From a millisecond to a minute.
const BUCKETS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0];

/// Counts in this process from now on, whatever `metrics` is told: once in a process. Whoever installs it calls
/// [`run_upkeep`](PrometheusHandle::run_upkeep) every [`UPKEEP`]; what histograms are told would pile up until somebody asks.
///
/// # Errors
///
/// Something else counts already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let suffix = Matcher::Suffix("_seconds".to_owned());
    let handle = PrometheusBuilder::new().set_buckets_for_metric(suffix, &BUCKETS)?.install_recorder()?;
    describe();
    Ok(handle)
}

fn describe() {
    describe_gauge!("segment_privacy_requests", "Requests by what was asked and where they stand");
    describe_gauge!("segment_privacy_request_outcomes", "Complete requests by the least that was done");
    describe_gauge!("segment_privacy_requests_overdue", "Open requests beyond their deadline");
    describe_gauge!("segment_privacy_requests_due_soon", "Open requests that are due within seven days");
    describe_gauge!("segment_privacy_oldest_open_request_seconds", Unit::Seconds, "The age of the oldest open request");
    describe_gauge!("segment_privacy_quota_used", "Users sent to Segment this month, by our own ledger");
    describe_gauge!("segment_privacy_quota_limit", "Users that may be sent to Segment in a month");
    describe_gauge!("segment_privacy_quota_waiting", "User ids that wait for a regulation");
    describe_gauge!("segment_privacy_worker_alive", "1 while this process works on requests");
    describe_counter!("segment_privacy_http_requests_total", "Calls of this service by route, method and status");
    describe_histogram!("segment_privacy_http_request_seconds", Unit::Seconds, "How long answers took to begin");
    describe_counter!("segment_privacy_segment_calls_total", "Calls of Segment by API and status");
    describe_histogram!("segment_privacy_segment_call_seconds", Unit::Seconds, "How long calls of Segment took");
    describe_histogram!("segment_privacy_pacing_wait_seconds", Unit::Seconds, "How long calls waited for their turn");
    describe_counter!(
        "segment_privacy_event_windows_given_up_total",
        "Histories that were read once more page by page, since windows of time contradicted each other"
    );
    describe_counter!("segment_privacy_webhook_attempts_total", "Attempts to tell a webhook, by how they ended");
    describe_counter!(
        "segment_privacy_leases_lost_total",
        "Steps that were refused since another worker had taken over"
    );
}

/// Counts a call, by its route: a path may hold anything.
pub(crate) async fn count(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let (method, began) = (method(request.method()), Instant::now());
    let response = next.run(request).await;
    let (took, status) = (began.elapsed(), response.status());
    histogram!("segment_privacy_http_request_seconds", "route" => route.clone()).record(took);
    if let Some(problem) = response.extensions().get::<Problem>() {
        // Not what it says: that may repeat what was sent.
        tracing::info!(route, status = status.as_u16(), code = problem.code(), ?took, "refused");
    } else {
        tracing::debug!(route, status = status.as_u16(), ?took, "answered");
    }
    let labels = [("route", route), ("method", method.to_owned()), ("status", status.as_u16().to_string())];
    counter!("segment_privacy_http_requests_total", &labels).increment(1);
    response
}

/// One of a few: a caller may invent as many as it likes.
pub(crate) fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method.as_str() == *known).unwrap_or("other")
}

/// Everything as it is now.
pub(crate) async fn page(service: &Service) -> Result<String, Problem> {
    let desk = service.desk();
    let (standings, outcomes) = (Standings::get(service).await?, Standings::outcomes(service).await?);
    standing(&standings, service);
    for outcome in Outcome::ALL {
        let of_it = outcomes.iter().filter(|tally| tally.outcome.as_ref() == Some(outcome));
        let requests = of_it.map(|tally| tally.requests).sum();
        gauge!("segment_privacy_request_outcomes", "outcome" => outcome.as_str()).set(number(requests));
    }
    quotas(&desk.quotas().await?);
    gauge!("segment_privacy_worker_alive").set(f64::from(u8::from(desk.works())));
    service.metrics().run_upkeep();
    Ok(service.metrics().render())
}

/// Each that there could be is told, also when there is none: an alert must see it go away.
fn standing(standings: &[Standing], service: &Service) {
    for action in [Action::Access, Action::Erasure, Action::Suppression, Action::Unsuppression] {
        let of_action = || standings.iter().filter(|one| one.action == action);
        for status in RequestStatus::ALL {
            let requests = of_action().filter(|one| one.status == *status).map(|one| one.requests).sum();
            let labels = [("action", action.as_str()), ("status", status.as_str())];
            gauge!("segment_privacy_requests", &labels).set(number(requests));
        }
        let (overdue, soon) = (of_action().map(|one| one.overdue).sum(), of_action().map(|one| one.due_soon).sum());
        gauge!("segment_privacy_requests_overdue", "action" => action.as_str()).set(number(overdue));
        gauge!("segment_privacy_requests_due_soon", "action" => action.as_str()).set(number(soon));
    }
    let oldest = standings.iter().filter(|one| !one.status.is_over()).map(|one| one.oldest).min();
    let age = oldest.map_or(0.0, |oldest| service.clock().now().duration_since(oldest).as_secs_f64());
    gauge!("segment_privacy_oldest_open_request_seconds").set(age);
}

fn quotas(quotas: &[QuotaShape]) {
    for quota in quotas {
        let labels = [("connection", quota.connection.clone()), ("category", quota.category.clone())];
        gauge!("segment_privacy_quota_used", &labels).set(number(quota.used));
        gauge!("segment_privacy_quota_limit", &labels).set(number(quota.limit));
        gauge!("segment_privacy_quota_waiting", &labels).set(number(quota.waiting));
    }
}

/// Counts of ours are far from where floating point numbers have gaps.
fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// How often the histograms have to be tidied up, by whoever [installed](install) them.
pub const UPKEEP: Duration = Duration::from_secs(5);
