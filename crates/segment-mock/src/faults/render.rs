//! Answers that faults make up by themselves.

use jiff::Timestamp;
use serde_json::json;

use crate::answer::{Answer, AnswerBody, error};
use crate::clock::{after, end_of_month};
use crate::endpoint::Family;
use crate::faults::Kind;
use crate::timestamps::http_date;

/// The answer of a fault that needs no true answer.
pub(crate) fn render(kind: &Kind, family: Family, now: Timestamp) -> Option<Answer> {
    match kind {
        Kind::Status { status, message, field } => {
            let mut answer = error(family, *status, message.as_deref());
            if let (Some(field), AnswerBody::Json(body), Family::Public) = (field, &mut answer.body, family) {
                body["errors"][0]["field"] = json!(field);
            }
            Some(answer)
        }
        Kind::Reply { status, content_type, body } => Some(Answer::text(*status, content_type, body)),
        Kind::Redirect { status, location } => {
            Some(Answer::text(*status, "text/plain", "elsewhere").header("location", location))
        }
        Kind::RateLimit { .. } => Some(rate_limit(kind, family, now)),
        _ => None,
    }
}

fn rate_limit(kind: &Kind, family: Family, now: Timestamp) -> Answer {
    let mut answer = error(family, 429, None);
    let Kind::RateLimit { retry_after, ms_before_next, reset_in, reset_at_month_end } = kind else { return answer };
    if let (Some(millis), AnswerBody::Json(body), Family::Public) = (ms_before_next, &mut answer.body, family) {
        body["errors"][0]["data"] = json!({"remainingPoints": 0, "msBeforeNext": millis, "consumedPoints": 601});
    }
    if let Some(seconds) = retry_after {
        answer = answer.header("retry-after", seconds);
    }
    let reset = match reset_in {
        Some(seconds) => Some(after(now, std::time::Duration::from_secs(*seconds))),
        None => reset_at_month_end.then(|| end_of_month(now)),
    };
    match reset {
        Some(at) => answer.header("x-ratelimit-remaining", &0).header("x-ratelimit-reset", &http_date(at)),
        None => answer,
    }
}
