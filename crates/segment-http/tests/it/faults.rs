//! Reads, whatever the answer: retried within bounds, never mistaken for a success.

use std::{sync::atomic::Ordering, time::Duration};

use futures_util::TryStreamExt;
use segment_core::{
    ErrorKind, RegulationId, RegulationQuery, SegmentError, Submission,
    ports::{Clock, RegulationSubmit, Regulations},
};
use segment_http::Retries;
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig, MockSegment};

use crate::{
    raw::Raw,
    rig::{Client, client, on, order},
};

fn mock() -> MockSegment {
    MockSegment::start(MockConfig::new()).unwrap()
}

async fn read_with(fault: Fault, times: u64) -> (MockSegment, Client, Result<(), SegmentError>) {
    let mock = mock();
    mock.fault(FaultRule::new(fault).on(Endpoint::ListSuppressions).times(times));
    let client = on(&mock);
    let answer = client.api.suppressions(None).await.map(drop);
    (mock, client, answer)
}

#[tokio::test]
async fn a_passing_fault_is_retried() {
    for fault in [
        Fault::server_error(),
        Fault::upstream(),
        Fault::html(502),
        Fault::cut(),
        Fault::truncated_json(),
        Fault::short_body(),
        Fault::html(200),
        Fault::missing_data(),
        Fault::rate_limited(),
        Fault::status(408),
    ] {
        let (mock, client, answer) = read_with(fault, 2).await;
        answer.unwrap();
        assert_eq!(mock.requests_to(Endpoint::ListSuppressions).len(), 3);
        assert_eq!(client.pacer.reads.load(Ordering::SeqCst), 3, "the pacer is asked before every attempt");
    }
}

#[tokio::test]
async fn a_lasting_fault_ends_after_a_bounded_number_of_attempts() {
    for (fault, kind) in [
        (Fault::server_error(), ErrorKind::Server),
        (Fault::cut(), ErrorKind::Broken),
        (Fault::html(200), ErrorKind::Unreadable),
        (Fault::truncated_json(), ErrorKind::Unreadable),
        (Fault::missing_data(), ErrorKind::Unreadable),
    ] {
        let (mock, _, answer) = read_with(fault, 1_000).await;
        let error = answer.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(mock.requests_to(Endpoint::ListSuppressions).len(), 6);
        assert!(error.to_string().contains("6 attempts"), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_pass_is_not_retried() {
    for (fault, kind) in [
        (Fault::bad_request(), ErrorKind::Invalid),
        (Fault::unauthorized(), ErrorKind::Unauthorized),
        (Fault::forbidden(), ErrorKind::Unauthorized),
        (Fault::not_found(), ErrorKind::NotFound),
        (Fault::too_large(), ErrorKind::TooLarge),
        (Fault::invalid_field("pagination.count", "too many"), ErrorKind::Invalid),
        (Fault::quota_exhausted(), ErrorKind::QuotaExhausted),
    ] {
        let (mock, _, answer) = read_with(fault, 1).await;
        assert_eq!(answer.unwrap_err().kind(), kind);
        assert_eq!(mock.requests_to(Endpoint::ListSuppressions).len(), 1, "{kind:?}");
    }
}

#[tokio::test]
async fn each_hint_is_waited_for() {
    for fault in [Fault::retry_after(42), Fault::ms_before_next(42_000), Fault::reset_in(Duration::from_secs(42))] {
        let mock = mock();
        mock.fault(FaultRule::new(fault).on(Endpoint::Workspace));
        let client = on(&mock);
        let before = client.clock.monotonic();
        client.api.workspace().await.unwrap();
        let waited = client.clock.monotonic().saturating_sub(before);
        assert!((41..45).contains(&waited.as_secs()), "{waited:?}");
    }
}

#[tokio::test]
async fn attempts_are_bounded_by_time_as_well() {
    let mock = mock();
    mock.fault(FaultRule::new(Fault::retry_after(60)).on(Endpoint::Workspace).always());
    let error = on(&mock).api.workspace().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(mock.requests_to(Endpoint::Workspace).len() <= 2);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_forever() {
    let mock = mock();
    mock.fault(FaultRule::new(Fault::slow(Duration::from_secs(30))).on(Endpoint::Workspace).always());
    let api = on(&mock).api.map_transport(|transport| {
        transport
            .with_attempt_limit(Duration::from_millis(40))
            .with_retries(Retries { attempts: 2, ..Retries::default() })
    });
    assert_eq!(api.workspace().await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_other_host_sees_nothing() {
    let other = Raw::json(r#"{"data":{"workspace":{"id":"x","slug":"acme","name":"x"}}}"#).await;
    for status in [301, 302, 307, 308] {
        let mock = mock();
        mock.fault(FaultRule::new(Fault::redirect(status, format!("{}/", other.url))).always());
        let client = on(&mock);
        assert_eq!(client.api.workspace().await.unwrap_err().kind(), ErrorKind::Redirected);
        let sent = client.api.create(&order(&["u-1"]), Duration::from_secs(5)).await;
        assert!(matches!(sent, Submission::Unknown(_)), "{sent:?}");
    }
    assert!(other.asked().is_empty());
}

#[tokio::test]
async fn an_endless_list_stops() {
    let mock = mock();
    for at in 0..5 {
        on(&mock).api.create(&order(&[&format!("u-{at}")]), Duration::from_secs(5)).await;
    }
    mock.fault(FaultRule::new(Fault::repeated_cursor()).on(Endpoint::ListRegulations).always());
    let client = on(&mock);
    let query = RegulationQuery { count: 2, ..RegulationQuery::default() };
    let pages: Result<Vec<_>, _> = client.api.list_all(query).try_collect().await;
    assert_eq!(pages.unwrap_err().kind(), ErrorKind::EndlessList);
}

#[tokio::test]
async fn all_pages_are_read() {
    let mock = mock();
    for at in 0..5 {
        on(&mock).api.create(&order(&[&format!("u-{at}")]), Duration::from_secs(5)).await;
    }
    let client = on(&mock);
    let query = RegulationQuery { count: 2, ..RegulationQuery::default() };
    let pages: Vec<_> = client.api.list_all(query).try_collect().await.unwrap();
    assert_eq!(pages.iter().map(|page| page.items.len()).collect::<Vec<_>>(), [2, 2, 1]);
    let suppressed: Vec<_> = client.api.suppressions_all().try_collect().await.unwrap();
    assert_eq!(suppressed.iter().flat_map(|page| &page.items).map(|entry| entry.subjects.len()).sum::<usize>(), 5);
}

#[tokio::test]
async fn what_is_new_or_missing_does_not_break_anything() {
    for fault in [Fault::extra_fields(), Fault::missing_optional_fields(), Fault::unknown_enums()] {
        let mock = mock();
        let client = on(&mock);
        let Submission::Accepted(id) = client.api.create(&order(&["u-1"]), Duration::from_secs(5)).await else {
            panic!()
        };
        mock.fault(FaultRule::new(fault).always());
        assert!(client.api.get(&id).await.unwrap().is_some());
        let query = RegulationQuery { count: 10, ..RegulationQuery::default() };
        assert_eq!(client.api.list(&query).await.unwrap().items.len(), 1);
    }
}

#[tokio::test]
async fn hostile_ids_reach_no_other_resource() {
    let mock = mock();
    let client = on(&mock);
    for id in ["..", ".", "../suppressions", "a/../b", "x?status=RUNNING", "x#y", "%2e%2e", "a b\r\nX: y"] {
        let answer = client.api.get(&RegulationId::new(id)).await;
        assert!(!matches!(answer, Ok(Some(_))), "{id}");
    }
    for request in mock.requests() {
        assert_eq!(request.endpoint, Endpoint::GetRegulation, "{}", request.path_and_query);
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n";
    let mut answer = head.as_bytes().to_vec();
    answer.resize(head.len() + (65 << 20), b' ');
    let raw = Raw::answering(answer).await;
    let api = client(&raw.url, "t").api.map_transport(|transport| transport.with_retries(Retries::none()));
    assert_eq!(api.workspace().await.unwrap_err().kind(), ErrorKind::Unreadable);
}
