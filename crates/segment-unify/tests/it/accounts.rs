//! Accounts, and the beta that removes external ids.

use segment_core::{ErrorKind, LinksQuery, Pii, TraitsQuery, ports::Profiles};
use segment_mock::{Endpoint, Link, MockConfig, MockSegment, Profile};

use crate::rig::{SEGMENT_ID, api, start, user};

fn with_account() -> MockSegment {
    let mock = MockSegment::start(MockConfig::new()).unwrap();
    let mut account = Profile::account("use_g77").external_id("group_id", "g/77").link(Link::account("g-parent"));
    for at in 0..250 {
        account = account.trait_(format!("trait_{at:03}"), at);
    }
    mock.add_profile(account);
    mock
}

#[tokio::test]
async fn an_account_is_found_by_its_group_id() {
    let mock = with_account();
    let (api, group) = (api(&mock), Pii::from("g/77"));
    let first = api.account_traits(&group, &TraitsQuery::default()).await.unwrap().unwrap();
    let query = TraitsQuery { next: first.next.clone(), ..TraitsQuery::default() };
    let second = api.account_traits(&group, &query).await.unwrap().unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (200, 50, None));
    let links = api.account_links(&group, &LinksQuery::default()).await.unwrap().unwrap();
    assert_eq!(links.items[0].record.expose()["external_ids"][0]["id"], "g-parent");
}

#[tokio::test]
async fn accounts_and_people_are_apart() {
    let mock = with_account();
    let api = api(&mock);
    assert_eq!(api.account_traits(&Pii::from("nobodys"), &TraitsQuery::default()).await.unwrap(), None);
    assert_eq!(api.account_links(&Pii::from("nobodys"), &LinksQuery::default()).await.unwrap(), None);
    assert_eq!(api.traits(&user("g/77"), &TraitsQuery::default()).await.unwrap(), None);
}

#[tokio::test]
async fn an_external_id_is_removed_and_the_profile_stays() {
    let mock = start(MockConfig::new());
    let (api, ann, email) = (api(&mock), Pii::from("u-1001"), Pii::from("ann@example.com"));
    api.delete_external_id(&ann, "email", &email).await.unwrap();
    let again = api.delete_external_id(&ann, "email", &email).await.unwrap_err();
    assert_eq!((again.kind(), again.code()), (ErrorKind::NotFound, Some("eid_not_found")));
    let metadata = api.metadata(&user("u-1001")).await.unwrap().unwrap();
    assert_eq!(metadata.segment_id, Some(SEGMENT_ID.into()));
    assert_eq!(mock.requests_to(Endpoint::ProfileDeleteExternalId).len(), 2);
}

#[tokio::test]
async fn what_segment_refuses_to_remove_says_why() {
    let mock = start(MockConfig::new());
    let client = api(&mock);
    let code = async |user_id: &str, kind: &str, value: &str| {
        let error = client.delete_external_id(&Pii::from(user_id), kind, &Pii::from(value)).await.unwrap_err();
        (error.kind(), error.code().unwrap_or_default().to_owned())
    };
    assert_eq!(code("nobody", "email", "a@b.c").await, (ErrorKind::NotFound, "not_found".to_owned()));
    assert_eq!(code("u-1001", "user_id", "u-1001").await, (ErrorKind::Invalid, "bad_request".to_owned()));
    assert_eq!(code("u-1001", "user_id", "u-2").await, (ErrorKind::NotFound, "eid_not_found".to_owned()));

    let mock = start(MockConfig::new().identifier_deletion(false));
    let error = api(&mock).delete_external_id(&Pii::from("u-1001"), "email", &Pii::from("a@b.c")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unauthorized, Some("forbidden")));
}
