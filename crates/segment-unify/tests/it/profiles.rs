//! Finding a profile.

use base64::{Engine, prelude::BASE64_STANDARD};
use segment_core::{ErrorKind, IdentityKind, ProfileRef, TraitsQuery, ports::Profiles};
use segment_mock::{Endpoint, MockConfig, Profile};

use crate::rig::{SEGMENT_ID, api, by, raw, start, user, with_secret};

#[tokio::test]
async fn a_profile_is_found_by_every_external_id_and_by_its_own() {
    let mock = start(MockConfig::new());
    let api = api(&mock);
    for profile in [
        user("u-1001"),
        by(IdentityKind::Email, "ann@example.com"),
        by(IdentityKind::AnonymousId, "a-7"),
        ProfileRef::SegmentId(SEGMENT_ID.into()),
    ] {
        let metadata = api.metadata(&profile).await.unwrap().unwrap();
        assert_eq!(metadata.segment_id, Some(SEGMENT_ID.into()));
        assert!(metadata.fields.expose().get("created_at").is_some());
    }
    assert_eq!(api.metadata(&user("nobody")).await.unwrap(), None);
    assert_eq!(api.metadata(&user("U-1001")).await.unwrap(), None, "Segment matches lower case only");
    assert_eq!(api.traits(&user("nobody"), &TraitsQuery::default()).await.unwrap(), None);
}

#[tokio::test]
async fn values_of_every_kind_are_found() {
    let mock = start(MockConfig::new());
    let values = [
        "a+b@x.org",
        "a/b@x.org",
        "a?b@x.org",
        "a#b@x.org",
        "a%b@x.org",
        "a%2fb",
        "\"a b\"@x.org",
        "änne@exämple.org",
        "a:b",
        "a\nb",
        "../../metadata",
        "x\",\"y",
        "'; drop table users; --",
    ];
    for value in values {
        mock.add_profile(Profile::new(format!("use_{}", value.len())).external_id("user_id", value));
        let found = api(&mock).metadata(&user(value)).await.unwrap();
        assert!(found.is_some(), "{value}");
    }
    let paths = mock.requests();
    assert!(paths.iter().all(|one| one.endpoint == Endpoint::ProfileMetadata), "none reached another resource");
    assert!(paths.iter().any(|one| one.path_and_query.contains("user_id:a%2Bb%40x.org")));
}

#[tokio::test]
async fn the_secret_goes_as_user_with_an_empty_password() {
    let mock = start(MockConfig::new());
    api(&mock).metadata(&user("u-1001")).await.unwrap();
    let expect = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", mock.profile_token())));
    assert_eq!(mock.requests()[0].authorization.as_deref(), Some(expect.as_str()));
    let error = with_secret(&mock, mock.public_token()).metadata(&user("u-1001")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(!format!("{error:?}").contains(mock.public_token()));
}

#[tokio::test]
async fn hostile_ids_and_spaces_reach_no_other_resource() {
    let mock = start(MockConfig::new());
    for id in ["..", ".", "../u-1001", "%2e%2e", "x?limit=1", "x#y", "a/../b", "", "a b\r\nX: y", "use_1/metadata"] {
        let profile = ProfileRef::SegmentId(id.into());
        assert!(!matches!(api(&mock).metadata(&profile).await, Ok(Some(_))), "{id}");
        assert!(!matches!(raw(&mock.url(), id).metadata(&user("u-1001")).await, Ok(Some(_))), "{id}");
    }
    for request in mock.requests() {
        assert_eq!(request.endpoint, Endpoint::ProfileMetadata, "{}", request.path_and_query);
        assert!(!request.path_and_query.contains('?'), "{}", request.path_and_query);
    }
    for id in ["..", ".", ""] {
        let error = api(&mock).metadata(&ProfileRef::SegmentId(id.into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse, "{id}");
    }
}

#[tokio::test]
async fn an_address_with_a_plus_is_found_by_email() {
    let mock = start(MockConfig::new());
    mock.add_profile(Profile::new("use_bo").external_id("email", "a+b@x.org"));
    let found = api(&mock).metadata(&by(IdentityKind::Email, "a+b@x.org")).await.unwrap().unwrap();
    assert_eq!(found.segment_id, Some("use_bo".into()));
    assert_eq!(api(&mock).metadata(&by(IdentityKind::Email, "A+b@x.org")).await.unwrap(), None);
    assert!(mock.requests()[0].path_and_query.ends_with("/email:a%2Bb%40x.org/metadata"));
}

#[tokio::test]
async fn numbers_come_to_the_last_digit() {
    let numbers = serde_json::json!([94.958_862_831_581_03, 8.9304e-35, 9_007_199_254_740_993_i64]);
    let mock = start(MockConfig::new());
    mock.add_profile(Profile::new("use_1").external_id("user_id", "u-1").trait_("numbers", numbers.clone()));
    let page = api(&mock).traits(&user("u-1"), &TraitsQuery::default()).await.unwrap().unwrap();
    assert_eq!(page.items[0].value.expose().to_string(), numbers.to_string());
}
