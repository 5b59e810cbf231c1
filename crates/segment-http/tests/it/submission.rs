//! Creating a regulation: what is known afterwards, and that it is never made twice.

use std::{sync::atomic::Ordering, time::Duration};

use segment_core::{Submission, ports::RegulationSubmit};
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig, MockSegment};

use crate::rig::{client, on, order};

const WITHIN: Duration = Duration::from_secs(20);

/// What is known, how many POSTs arrived, and how many regulations there are.
async fn send_with(fault: Fault) -> (Submission, usize, usize) {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    mock.fault(FaultRule::new(fault).on(Endpoint::CreateRegulation).always());
    let sent = on(&mock).api.create(&order(&["u-1", "u-2"]), WITHIN).await;
    (sent, mock.requests_to(Endpoint::CreateRegulation).len(), mock.regulations().len())
}

#[tokio::test]
async fn an_accepted_one() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let client = on(&mock);
    let sent = client.api.create(&order(&["u\"1", "x\",\"y"]), WITHIN).await;
    assert!(matches!(sent, Submission::Accepted(ref id) if id.as_str() == mock.regulations()[0].id), "{sent:?}");
    let request = &mock.requests_to(Endpoint::CreateRegulation)[0];
    assert_eq!(request.content_type.as_deref(), Some("application/json"));
    assert_eq!(request.accept.as_deref(), Some("application/vnd.segment.v1+json, application/json"));
    assert_eq!(request.authorization.as_deref(), Some(format!("Bearer {}", mock.public_token()).as_str()));
    assert_eq!(mock.regulations()[0].subjects, ["u\"1", "x\",\"y"]);
    assert_eq!(client.pacer.creates.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_one_is_not_sent_again() {
    for fault in [
        Fault::bad_request(),
        Fault::unauthorized(),
        Fault::forbidden(),
        Fault::not_found(),
        Fault::too_large(),
        Fault::status(409),
        Fault::invalid_field("subjectIds[17]", "no"),
    ] {
        let (sent, posts, regulations) = send_with(fault).await;
        assert!(matches!(sent, Submission::Refused(_)), "{sent:?}");
        assert_eq!((posts, regulations), (1, 0));
    }
    let (sent, ..) = send_with(Fault::invalid_field("subjectIds[17]", "no")).await;
    assert!(matches!(sent, Submission::Refused(error) if error.refused_subject() == Some(17)));
}

#[tokio::test]
async fn what_may_have_been_created_is_unknown_and_not_sent_again() {
    for (fault, created) in [
        (Fault::server_error(), 0),
        (Fault::upstream(), 0),
        (Fault::html(502), 0),
        (Fault::status(408), 0),
        (Fault::cut(), 0),
        (Fault::html(200), 0),
        (Fault::redirect(307, "http://127.0.0.1:9/regulations"), 0),
        (Fault::truncated_json(), 1),
        (Fault::short_body(), 1),
        (Fault::missing_data(), 1),
        (Fault::null_data(), 1),
        (Fault::accept_then_cut(), 1),
        (Fault::accept_without_id(), 1),
    ] {
        let (sent, posts, regulations) = send_with(fault).await;
        assert!(matches!(sent, Submission::Unknown(_)), "{sent:?}");
        assert_eq!((posts, regulations), (1, created), "{sent:?}");
    }
}

#[tokio::test]
async fn what_was_turned_away_unread_is_sent_again_within_its_time() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    mock.fault(FaultRule::new(Fault::retry_after(3)).on(Endpoint::CreateRegulation).times(2));
    let sent = on(&mock).api.create(&order(&["u-1"]), WITHIN).await;
    assert!(matches!(sent, Submission::Accepted(_)), "{sent:?}");
    assert_eq!((mock.requests_to(Endpoint::CreateRegulation).len(), mock.regulations().len()), (3, 1));

    let (sent, posts, _) = send_with(Fault::retry_after(42)).await;
    assert!(matches!(sent, Submission::NotSent(_)), "it asks for longer than there is time: {sent:?}");
    assert_eq!(posts, 1);
    let (sent, posts, _) = send_with(Fault::quota_exhausted()).await;
    assert!(matches!(sent, Submission::NotSent(_)), "{sent:?}");
    assert_eq!(posts, 1);
}

#[tokio::test]
async fn nothing_leaves_when_the_time_is_over_or_nobody_listens() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let sent = on(&mock).api.create(&order(&["u-1"]), Duration::ZERO).await;
    assert!(matches!(sent, Submission::NotSent(_)), "{sent:?}");
    assert!(mock.requests().is_empty());

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sent = client(&format!("http://127.0.0.1:{port}"), "t").api.create(&order(&["u-1"]), WITHIN).await;
    assert!(matches!(sent, Submission::NotSent(_)), "{sent:?}");
}

#[tokio::test]
async fn a_call_that_makes_no_sense_is_not_made() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let ids: Vec<_> = (0..5_001).map(|at| format!("u-{at}")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    for order in [order(&[]), order(&ids)] {
        assert!(matches!(on(&mock).api.create(&order, WITHIN).await, Submission::NotSent(_)));
    }
    assert!(mock.requests().is_empty());
    let sent = on(&mock).api.create(&order(&ids[..5_000]), WITHIN).await;
    assert!(matches!(sent, Submission::Accepted(_)), "{sent:?}");
}

#[tokio::test]
async fn an_answer_after_the_time_is_unknown() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    mock.fault(FaultRule::new(Fault::slow(Duration::from_secs(30))).on(Endpoint::CreateRegulation));
    let sent = on(&mock).api.create(&order(&["u-1"]), Duration::from_millis(80)).await;
    assert!(matches!(sent, Submission::Unknown(_)), "{sent:?}");
}
