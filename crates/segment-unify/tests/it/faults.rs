//! Every resource, whatever the answer: retried within bounds, never mistaken for a success.

use std::{future::Future, pin::Pin, time::Duration};

use segment_core::{
    ErrorKind, EventsQuery, ExternalIdsQuery, LinksQuery, ProfileRef, SegmentError, TraitsQuery,
    ports::{Clock, Lane, Profiles},
};
use segment_http::Retries;
use segment_mock::{Fault, FaultRule, MockConfig};
use segment_unify::ProfileApi;

use crate::rig::{api, client, raw, start, user};

/// Whether there is something, or what went wrong.
type Found = Result<bool, SegmentError>;
type Read = for<'a> fn(&'a ProfileApi, &'a ProfileRef) -> Pin<Box<dyn Future<Output = Found> + 'a>>;

const RESOURCES: [Read; 5] = [
    |api, who| Box::pin(async { Ok(api.metadata(who).await?.is_some()) }),
    |api, who| Box::pin(async { Ok(api.traits(who, &TraitsQuery::default()).await?.is_some()) }),
    |api, who| Box::pin(async { Ok(api.external_ids(who, &ExternalIdsQuery::default()).await?.is_some()) }),
    |api, who| Box::pin(async { Ok(api.events(who, &EventsQuery::default()).await?.is_some()) }),
    |api, who| Box::pin(async { Ok(api.links(who, &LinksQuery::default()).await?.is_some()) }),
];

#[tokio::test]
async fn a_passing_fault_is_retried() {
    for fault in [
        Fault::rate_limited(),
        Fault::server_error(),
        Fault::cut(),
        Fault::truncated_json(),
        Fault::short_body(),
        Fault::html(200),
        Fault::html(502),
        Fault::html(404),
        Fault::upstream(),
        Fault::status(408),
    ] {
        let mock = start(MockConfig::new());
        for read in RESOURCES {
            mock.clear_requests();
            mock.fault(FaultRule::new(fault.clone()).times(2));
            assert!(read(&api(&mock), &user("u-1001")).await.unwrap(), "{fault:?}");
            assert_eq!(mock.requests().len(), 3, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_lasting_fault_ends_and_is_never_nobody() {
    for (fault, kind, attempts) in [
        (Fault::server_error(), ErrorKind::Server, 6),
        (Fault::cut(), ErrorKind::Broken, 6),
        (Fault::short_body(), ErrorKind::Broken, 6),
        (Fault::truncated_json(), ErrorKind::Unreadable, 6),
        (Fault::html(200), ErrorKind::Unreadable, 6),
        (Fault::reply(200, "application/json", "{}"), ErrorKind::Unreadable, 6),
        (Fault::reply(404, "text/plain", "default backend - 404"), ErrorKind::Unreadable, 6),
        (Fault::rate_limited(), ErrorKind::RateLimited, 6),
        (Fault::unauthorized(), ErrorKind::Unauthorized, 1),
        (Fault::forbidden(), ErrorKind::Unauthorized, 1),
        (Fault::too_large(), ErrorKind::TooLarge, 1),
        (Fault::status(422), ErrorKind::Invalid, 1),
        (Fault::redirect(302, "http://127.0.0.1:9/"), ErrorKind::Redirected, 1),
        (Fault::redirect(307, "http://127.0.0.1:9/"), ErrorKind::Redirected, 1),
    ] {
        let mock = start(MockConfig::new());
        mock.fault(FaultRule::new(fault.clone()).always());
        for read in RESOURCES {
            mock.clear_requests();
            let error = read(&api(&mock), &user("u-1001")).await.unwrap_err();
            assert_eq!((error.kind(), mock.requests().len()), (kind, attempts), "{fault:?}");
            assert!(!format!("{error} {error:?}").contains("u-1001"));
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = segment_mock::MockSegment::start(MockConfig::new()).unwrap();
    let mock = start(MockConfig::new());
    for status in [301, 302, 307, 308] {
        mock.clear_faults();
        mock.fault(FaultRule::new(Fault::redirect(status, other.url())).always());
        assert_eq!(api(&mock).metadata(&user("u-1001")).await.unwrap_err().kind(), ErrorKind::Redirected);
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn what_is_new_or_missing_does_not_break_anything() {
    for fault in [Fault::extra_fields(), Fault::missing_optional_fields(), Fault::unknown_enums()] {
        let mock = start(MockConfig::new());
        mock.fault(FaultRule::new(fault.clone()).always());
        for read in RESOURCES {
            assert!(read(&api(&mock), &user("u-1001")).await.unwrap(), "{fault:?}");
        }
    }
}

#[tokio::test]
async fn null_is_empty_and_missing_is_not_understood() {
    for read in &RESOURCES[1..] {
        let mock = start(MockConfig::new());
        mock.fault(FaultRule::new(Fault::null_data()));
        assert!(read(&api(&mock), &user("u-1001")).await.unwrap());
        mock.fault(FaultRule::new(Fault::missing_data()).always());
        assert_eq!(read(&api(&mock), &user("u-1001")).await.unwrap_err().kind(), ErrorKind::Unreadable);
    }
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_waited_and_each_attempt_takes_a_turn() {
    let mock = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::rate_limited().header("Retry-After", "42")));
    let client = client(&mock);
    let before = client.clock.monotonic();
    client.api.metadata(&user("u-1001")).await.unwrap();
    let waited = client.clock.monotonic().saturating_sub(before);
    assert!((42..44).contains(&waited.as_secs()), "{waited:?}");
    for read in RESOURCES {
        read(&client.api, &user("u-1001")).await.unwrap();
    }
    assert_eq!(client.pacer.taken(), [Lane::Profiles; 7]);
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for_forever() {
    let mock = start(MockConfig::new());
    mock.fault(FaultRule::new(Fault::slow(Duration::from_secs(30))).always());
    let quick = api(&mock).map_transport(|transport| {
        transport
            .with_attempt_limit(Duration::from_millis(40))
            .with_retries(Retries { attempts: 2, ..Retries::default() })
    });
    assert_eq!(quick.metadata(&user("u-1001")).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn an_external_id_that_cannot_be_read_is_not_left_out() {
    // A user id that is lost here would be missing from an erasure.
    for record in [
        r#"{"type":"user_id"}"#,
        r#"{"type":"user_id","id":null}"#,
        r#"{"type":"user_id","id":1001}"#,
        r#"{"id":"u-1"}"#,
        r#""u-1""#,
        "null",
    ] {
        let body = format!(r#"{{"data":[{{"type":"email","id":"ann@example.com"}},{record}]}}"#);
        let mock = start(MockConfig::new());
        mock.fault(FaultRule::new(Fault::reply(200, "application/json", body)).always());
        let page = api(&mock).external_ids(&user("u-1001"), &ExternalIdsQuery::default()).await;
        assert_eq!(page.map(drop).unwrap_err().kind(), ErrorKind::Unreadable, "{record}");
    }
}

#[tokio::test]
async fn nobody_listening_is_not_nobody() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let api = raw(&format!("http://127.0.0.1:{port}"), "spa_mock");
    for read in RESOURCES {
        assert_eq!(read(&api, &user("u-1001")).await.unwrap_err().kind(), ErrorKind::Connect);
    }
}
