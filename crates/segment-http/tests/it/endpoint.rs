//! Where calls may go.

use segment_core::{
    Cursor, ErrorKind, RegulationId, RegulationQuery, Submission, ports::RegulationSubmit, ports::Regulations,
};
use segment_http::Endpoint;
use segment_mock::{MockConfig, MockSegment};

use crate::rig::{client, on, order};

#[test]
fn a_refused_domain_is_told_without_the_secret_that_somebody_put_into_it() {
    for domain in [
        "https://ann:s3cret@api.segmentapis.com",
        "https://s3cret@api.segmentapis.com",
        "s3cret@api.segmentapis.com",
        "https://api.segmentapis.com/?token=s3cret",
        "https://api.segmentapis.com/#s3cret",
    ] {
        let error = Endpoint::parse(domain, true).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
    }
    let error = Endpoint::parse("api.segmentapis.com/v1beta", false).unwrap_err();
    assert!(error.to_string().contains("api.segmentapis.com"), "what can be told is told: {error}");
}

#[tokio::test]
async fn an_empty_id_is_not_the_list() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let client = on(&mock);
    let error = client.api.get(&RegulationId::new("")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(mock.requests().is_empty());
}

#[tokio::test]
async fn a_cursor_stays_in_its_parameter() {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let client = on(&mock);
    for cursor in ["a&status=FINISHED", "x#y", "../regulations", "a b\r\nX: y", "Mw==", "%00"] {
        let query = RegulationQuery { count: 1, next: Cursor::new(cursor), ..RegulationQuery::default() };
        // Segment may refuse it; it must be this call that it refuses.
        let _ = client.api.list(&query).await;
    }
    assert_eq!(mock.requests().len(), 6);
    for request in mock.requests() {
        let (path, query) = request.path_and_query.split_once('?').unwrap();
        assert_eq!((path, query.matches('&').count()), ("/regulations", 1), "{query}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_stand_in_a_header_is_refused_and_not_shown() {
    let endpoint = Endpoint::parse("http://127.0.0.1:9", false).unwrap();
    let environment = segment_http::Environment {
        clock: std::sync::Arc::new(crate::rig::clock()),
        random: std::sync::Arc::new(segment_core::testing::CountingRandom::default()),
        pacer: std::sync::Arc::new(segment_core::testing::NoPacer),
    };
    let error =
        segment_http::PublicApi::new(endpoint, "s3cret\r\nX-Other: 1".to_owned().into(), environment).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

#[tokio::test]
async fn nobody_listening_is_not_connected() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let client = client(&format!("http://127.0.0.1:{port}"), "t");
    assert_eq!(client.api.workspace().await.unwrap_err().kind(), ErrorKind::Connect);
    let sent = client.api.create(&order(&["u"]), std::time::Duration::from_secs(20)).await;
    assert!(matches!(&sent, Submission::NotSent(error) if error.kind() == ErrorKind::Connect), "{sent:?}");
}
