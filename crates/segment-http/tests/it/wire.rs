//! What only a server can do that is not Segment: connections that end at bad moments, bodies without end, hints that
//! nobody means, and answers of somebody in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use segment_core::{
    ErrorKind, RegulationId, RegulationQuery, RegulationType, Submission,
    ports::{RegulationSubmit, Regulations},
};
use segment_http::Retries;
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig, MockSegment};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    raw::{Raw, reply},
    rig::{client, on, order},
};

const WITHIN: Duration = Duration::from_secs(20);
const WORKSPACE: &str = r#"{"data":{"workspace":{"id":"7hT2","slug":"acme","name":"Acme"}}}"#;

/// The head of the next request on this connection, or nothing when the client has hung up. Bodies are small here and
/// arrive with it or shortly after; what is left of one is not a head.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut request = vec![0; 16_384];
    let read = stream.read(&mut request).await.ok().filter(|read| *read > 0)?;
    Some(String::from_utf8_lossy(&request[..read]).into_owned())
}

/// A server that keeps connections open after a GET, and ends them when it has read a POST.
async fn ends_at_posts() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let posts = Arc::new(AtomicUsize::new(0));
    let seen = posts.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = seen.clone();
            tokio::spawn(async move {
                while let Some(head) = head(&mut stream).await {
                    if head.starts_with("POST") {
                        seen.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    stream.write_all(reply(200, WORKSPACE).as_bytes()).await.unwrap();
                }
            });
        }
    });
    (url, posts)
}

#[tokio::test]
async fn a_connection_that_is_used_again_and_ends_does_not_send_twice() {
    let (url, posts) = ends_at_posts().await;
    let client = client(&url, "t");
    for round in 1..=5 {
        client.api.workspace().await.unwrap();
        let sent = client.api.create(&order(&["u-1"]), WITHIN).await;
        assert!(matches!(sent, Submission::Unknown(_)), "{sent:?}");
        assert_eq!(posts.load(Ordering::SeqCst), round);
    }
}

#[tokio::test]
async fn a_body_without_end_and_length_is_cut_off_at_the_cap() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicUsize::new(0));
    let written = taken.clone();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
        let chunk = [b"10000\r\n".as_slice(), &vec![b' '; 0x1_0000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {
            written.fetch_add(0x1_0000, Ordering::SeqCst);
        }
    });
    let api = client(&url, "t").api.map_transport(|transport| transport.with_retries(Retries::none()));
    assert_eq!(api.workspace().await.unwrap_err().kind(), ErrorKind::Unreadable);
    let taken = taken.load(Ordering::SeqCst);
    assert!((60 << 20..96 << 20).contains(&taken), "the cap and what sockets hold: {taken}");
}

#[tokio::test]
async fn an_answer_that_ends_early_is_no_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{\"data\":{\"regulateId\":\"r\"}}",
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"data\":{\"regulateId\":\"r\"}}",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 2x0 OK\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "",
    ] {
        let raw = Raw::answering(answer).await;
        let client = client(&raw.url, "t");
        let sent = client.api.create(&order(&["u-1"]), WITHIN).await;
        assert!(matches!(sent, Submission::Unknown(_)), "{answer}: {sent:?}");
        assert_eq!(raw.asked().len(), 1, "{answer}");
    }
}

#[tokio::test]
async fn no_success_without_an_id_that_can_be_read() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "null",
        "{}",
        r#"{"data":null}"#,
        r#"{"data":{"regulateId":null}}"#,
        r#"{"data":{"regulateId":""}}"#,
        r#"{"data":{"regulateId":["r"]}}"#,
        r#"{"data":{"regulateId":"r"}} x"#,
        r#"{"regulateId":"r"}"#,
        r#"{"errors":[{"type":"NotFound"}]}"#,
        deep.as_str(),
    ] {
        let raw = Raw::json(body).await;
        let sent = client(&raw.url, "t").api.create(&order(&["u-1"]), WITHIN).await;
        assert!(matches!(sent, Submission::Unknown(_)), "{body:.60}: {sent:?}");
        assert_eq!(raw.asked().len(), 1);
    }
    for status in [201, 202, 204] {
        let body = if status == 204 { "" } else { r#"{"data":{"regulateId":"r"}}"# };
        let raw = Raw::answering(reply(status, body)).await;
        let sent = client(&raw.url, "t").api.create(&order(&["u-1"]), WITHIN).await;
        let accepted = matches!(&sent, Submission::Accepted(id) if id.as_str() == "r");
        assert_eq!(accepted, status != 204, "{status}: {sent:?}");
    }
}

#[tokio::test]
async fn a_list_without_its_list_is_not_an_empty_one() {
    // "Absent" would send a regulation again.
    for body in [r#"{"data":{}}"#, r#"{"data":{"pagination":{"current":"MA=="}}}"#, r#"{"data":{"regulation":[]}}"#] {
        let raw = Raw::json(body).await;
        let api = client(&raw.url, "t").api;
        let query = RegulationQuery { count: 10, ..RegulationQuery::default() };
        assert_eq!(api.list(&query).await.map(|page| page.items.len()).unwrap_err().kind(), ErrorKind::Unreadable);
        assert_eq!(api.suppressions(None).await.map(drop).unwrap_err().kind(), ErrorKind::Unreadable);
    }
}

#[tokio::test]
async fn a_full_page_that_does_not_say_whether_there_is_more_is_not_the_last_one() {
    let list = |entries: usize| {
        let entry = r#"{"id":"r","status":"RUNNING"}"#;
        format!(r#"{{"data":{{"regulations":[{}]}}}}"#, vec![entry; entries].join(","))
    };
    let query = RegulationQuery { count: 2, ..RegulationQuery::default() };
    let raw = Raw::json(&list(2)).await;
    let error = client(&raw.url, "t").api.list(&query).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    let raw = Raw::json(&list(1)).await;
    assert_eq!(client(&raw.url, "t").api.list(&query).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn the_report_of_another_regulation_is_not_an_answer() {
    let raw = Raw::json(r#"{"data":{"regulation":{"id":"r-2","overallStatus":"FINISHED"}}}"#).await;
    let api = client(&raw.url, "t").api;
    let error = api.get(&RegulationId::new("r-1")).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(api.get(&RegulationId::new("r-2")).await.unwrap().is_some());
}

#[tokio::test]
async fn types_are_filtered_again_where_the_service_ignored_the_filter() {
    // How a list of types is encoded is not documented.
    let entry = |id: &str, kind: &str| format!(r#"{{"id":"{id}","status":"RUNNING","regulationType":"{kind}"}}"#);
    let entries =
        [entry("a", "DELETE_ONLY"), entry("b", "SUPPRESS_ONLY"), r#"{"id":"c","status":"RUNNING"}"#.to_owned()];
    let raw = Raw::json(&format!(r#"{{"data":{{"regulations":[{}]}}}}"#, entries.join(","))).await;
    let query = RegulationQuery { kinds: vec![RegulationType::SuppressOnly], count: 10, ..RegulationQuery::default() };
    let page = client(&raw.url, "t").api.list(&query).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["b", "c"], "one without a type may be of any");
}

#[tokio::test]
async fn a_404_of_somebody_in_between_says_nothing() {
    for body in ["", "<html><h1>404 Not Found</h1></html>", "default backend - 404", "{}", r#"{"error":"no route"}"#] {
        let raw = Raw::answering(reply(404, body)).await;
        let answer = client(&raw.url, "t").api.get(&RegulationId::new("r")).await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Unreadable, Some(404)), "{body}");
    }
    let segments = r#"{"errors":[{"type":"NotFound","message":"Resource not found"}]}"#;
    let raw = Raw::answering(reply(404, segments)).await;
    assert_eq!(client(&raw.url, "t").api.get(&RegulationId::new("r")).await.unwrap(), None);
}

#[tokio::test]
async fn a_hint_that_nobody_means_breaks_nothing() {
    let long = u64::MAX.to_string();
    let answers = |status: u16, hint: &str| {
        let head =
            |hint: &str| format!("HTTP/1.1 {status} No\r\n{hint}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        [head("Retry-After: 2"), head(hint)]
    };
    for hint in [
        format!("Retry-After: {long}"),
        "Retry-After: -1".to_owned(),
        "Retry-After: 1e9".to_owned(),
        "X-RateLimit-Reset: Fri, 31 Dec 9999 23:59:59 GMT".to_owned(),
        "X-RateLimit-Reset: Thu, 01 Jan 1970 00:00:00 GMT".to_owned(),
        "X-RateLimit-Reset: 99999999999999999999".to_owned(),
    ] {
        let raw = Raw::answering_in_turn(answers(429, &hint)).await;
        let error = client(&raw.url, "t").api.workspace().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::QuotaExhausted), "{hint}: {error}");
        let raw = Raw::answering_in_turn(answers(503, &hint)).await;
        assert_eq!(client(&raw.url, "t").api.workspace().await.unwrap_err().kind(), ErrorKind::Server, "{hint}");
        let raw = Raw::answering_in_turn(answers(429, &hint)).await;
        let sent = client(&raw.url, "t").api.create(&order(&["u-1"]), WITHIN).await;
        assert!(matches!(sent, Submission::NotSent(_)), "{hint}: {sent:?}");
    }
    let body = format!(r#"{{"errors":[{{"type":"RequestError","data":{{"msBeforeNext":{long}}}}}]}}"#);
    let raw = Raw::answering(reply(429, &body)).await;
    assert_eq!(client(&raw.url, "t").api.workspace().await.unwrap_err().kind(), ErrorKind::QuotaExhausted);
}

#[tokio::test]
async fn the_quota_is_not_slept_on() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    for fault in [Fault::quota_exhausted(), Fault::reset_in(Duration::from_hours(24 * 20))] {
        mock.clear_faults();
        mock.fault(FaultRule::new(fault).always());
        let client = on(&mock);
        let before = segment_core::ports::Clock::monotonic(&client.clock);
        assert_eq!(client.api.workspace().await.unwrap_err().kind(), ErrorKind::QuotaExhausted);
        let sent = client.api.create(&order(&["u-1"]), Duration::from_hours(24 * 365)).await;
        assert!(matches!(&sent, Submission::NotSent(error) if error.kind() == ErrorKind::QuotaExhausted), "{sent:?}");
        assert_eq!(segment_core::ports::Clock::monotonic(&client.clock), before);
    }
    assert_eq!(mock.requests_to(Endpoint::CreateRegulation).len(), 2);
}

#[tokio::test]
async fn what_every_read_sends() {
    let raw = Raw::answering(reply(401, "")).await;
    let client = client(&raw.url, "t-0k-en");
    let _ = client.api.workspace().await;
    let _ = client.api.get(&RegulationId::new("r-1")).await;
    let _ = client.api.list(&RegulationQuery { count: 25, ..RegulationQuery::default() }).await;
    let _ = client.api.suppressions(None).await;
    let asked = raw.asked();
    let lines: Vec<_> = asked.iter().map(|head| head.lines().next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "GET / HTTP/1.1",
            "GET /regulations/r-1 HTTP/1.1",
            "GET /regulations?pagination.count=25 HTTP/1.1",
            "GET /suppressions?pagination.count=200 HTTP/1.1"
        ]
    );
    for head in asked {
        let head = head.to_ascii_lowercase();
        assert_eq!(head.matches("authorization: bearer t-0k-en\r\n").count(), 1, "{head}");
        assert!(head.contains("accept: application/vnd.segment.v1+json, application/json\r\n"), "{head}");
        assert!(head.contains("user-agent: segment-privacy/"), "{head}");
        for unwanted in ["content-type", "cookie", "referer"] {
            assert!(!head.contains(unwanted), "{head}");
        }
    }
}
