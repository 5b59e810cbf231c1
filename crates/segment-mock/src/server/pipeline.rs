//! The way of one request: read, record, let the faults have their say, answer, deliver.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use bytes::Bytes;

use crate::answer::{Answer, AnswerBody};
use crate::call::Call;
use crate::faults::{Fault, Kind, render};
use crate::server::listener::Line;
use crate::shared::Shared;
use crate::state::RecordedRequest;

/// How an answer leaves.
enum Delivery {
    Whole,
    /// Half of the JSON, declared as such.
    Truncated,
    /// Half of the declared length, then the end of the connection.
    Short,
    /// The end of the connection.
    Cut,
}

pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request<Body>,
) -> Response<Body> {
    let Some(call) = Call::read(request).await else {
        line.cut();
        return Response::new(Body::empty());
    };
    if let Some(answer) = crate::control::handle(&call, &shared) {
        return deliver(&answer, &Delivery::Whole, &line);
    }
    let _in_flight = shared.enter();
    let (answer, delivery, delay) = decide(call, &shared);
    let wait = shared.config.latency + delay;
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    deliver(&answer, &delivery, &line)
}

/// Everything that happens at once, under the world's lock: effects come before delays, so that a client that gives up
/// waiting has still changed the world.
fn decide(mut call: Call, shared: &Shared) -> (Answer, Delivery, Duration) {
    let now = shared.config.clock.now();
    let mut world = shared.world();
    world.settle(now);
    world.log.push(RecordedRequest::of(&call, now));
    let Some(fault) = world.faults.take(&call) else {
        return (shared.dispatch(&call, &mut world, now), Delivery::Whole, Duration::ZERO);
    };
    let made_up = match fault.kind {
        Kind::Cut => Some(Answer::text(200, "text/plain", "")),
        _ => render(&fault.kind, call.family, now),
    };
    let mut answer = made_up.unwrap_or_else(|| {
        if matches!(fault.kind, Kind::Rewrite { rewrite } if rewrite.invents_cursors()) {
            call.query.without_cursors();
        }
        shared.dispatch(&call, &mut world, now)
    });
    let (delivery, delay) = spoil(&fault, &mut answer);
    answer.headers.extend(fault.headers);
    (answer, delivery, delay)
}

/// Changes a true answer and says how it leaves.
fn spoil(fault: &Fault, answer: &mut Answer) -> (Delivery, Duration) {
    match &fault.kind {
        Kind::TruncatedJson => (Delivery::Truncated, Duration::ZERO),
        Kind::ShortBody => (Delivery::Short, Duration::ZERO),
        Kind::Cut | Kind::AcceptThenCut => (Delivery::Cut, Duration::ZERO),
        Kind::Slow { millis } => (Delivery::Whole, Duration::from_millis(*millis)),
        Kind::Rewrite { rewrite } => {
            if let (200, AnswerBody::Json(body)) = (answer.status, &mut answer.body) {
                rewrite.apply(body);
            }
            (Delivery::Whole, Duration::ZERO)
        }
        Kind::Status { .. } | Kind::Reply { .. } | Kind::RateLimit { .. } | Kind::Redirect { .. } => {
            (Delivery::Whole, Duration::ZERO)
        }
    }
}

fn deliver(answer: &Answer, delivery: &Delivery, line: &Line) -> Response<Body> {
    let bytes = Bytes::from(answer.bytes());
    let half = bytes.len() / 2;
    match delivery {
        Delivery::Whole => answer.respond(Body::from(bytes)),
        Delivery::Truncated => answer.respond(Body::from(bytes.slice(..half))),
        Delivery::Short => {
            let mut response = answer.respond(broken_after(bytes.slice(..half)));
            response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
            response
        }
        Delivery::Cut => {
            line.cut();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
    }
}

/// A body that breaks after its first bytes have been sent.
fn broken_after(bytes: Bytes) -> Body {
    let parts = futures_util::stream::unfold(Some(bytes), |bytes| async move {
        if let Some(bytes) = bytes {
            return Some((Ok(bytes), None));
        }
        // hyper flushes what it has when the body pauses; without this pause the first bytes would be lost too.
        tokio::time::sleep(Duration::from_millis(1)).await;
        Some((Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted)), None))
    });
    Body::from_stream(parts)
}
