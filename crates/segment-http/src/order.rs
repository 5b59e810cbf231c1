//! A call that creates, and what its outcome means: the same for both APIs of regulations.

use std::time::Duration;

use segment_core::{ErrorKind, RegulationId, SegmentError, Submission};

use crate::{ApiRequest, Sent, Transport};

/// Makes the call once. A success without an id is not one: the regulation may exist.
pub(crate) async fn order(
    transport: &Transport,
    call: &ApiRequest,
    within: Duration,
    read_id: fn(&[u8]) -> Option<RegulationId>,
) -> Submission {
    match transport.once(call, within).await {
        Sent::Answered(answer) => read_id(&answer.body).map_or_else(
            || {
                let error = SegmentError::new(transport.service(), ErrorKind::Unreadable);
                Submission::Unknown(error.with_status(answer.status).with_request_id(answer.request_id.clone()))
            },
            Submission::Accepted,
        ),
        Sent::NothingDone(error) => match error.kind() {
            ErrorKind::Connect | ErrorKind::RateLimited | ErrorKind::QuotaExhausted | ErrorKind::Misuse => {
                Submission::NotSent(error)
            }
            _ => Submission::Refused(error),
        },
        Sent::Unknown(error) => Submission::Unknown(error),
    }
}
