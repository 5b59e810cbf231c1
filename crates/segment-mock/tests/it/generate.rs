//! Invented people.

use segment_mock::{MockConfig, MockSegment};

use crate::support::Api;

#[test]
fn the_same_seed_makes_the_same_people() {
    let people = |seed| MockSegment::start(MockConfig::new().profiles(40).seed(seed)).unwrap().people();
    assert_eq!(people(7), people(7));
    assert_ne!(people(7), people(8));
    assert_eq!(people(7).len(), 40);
}

#[test]
fn numbers_go_on_and_everybody_is_found() {
    let mock = MockSegment::start(MockConfig::new().profiles(10)).unwrap();
    let more = mock.generate(5, 3);
    assert_eq!(more[0].email, "person-0011@example.test");
    assert_eq!(mock.profiles(), 15);
    for person in mock.people() {
        assert!(mock.profile_exists("email", &person.email.to_lowercase()), "{}", person.email);
        assert!(person.user_ids.iter().all(|id| mock.profile_exists("user_id", &id.to_lowercase())));
        assert!(person.anonymous_ids.iter().all(|id| mock.profile_exists("anonymous_id", id)));
    }
}

#[tokio::test]
async fn people_vary() {
    let api = Api::new(MockConfig::new().profiles(40));
    let people = api.mock.people();
    assert!(people.iter().any(|person| person.user_ids.len() == 2));
    assert!(people.iter().any(|person| person.email.contains('+')));
    let capital = people.iter().find(|person| person.user_ids[0].starts_with('U')).unwrap();
    let events = api.profile(&format!("{}/events?limit=100", capital.segment_id)).await;
    assert!(events.body.contains(&capital.user_ids[0]), "events spell the raw id");
    let ids = api.profile(&format!("{}/external_ids?limit=25", capital.segment_id)).await;
    assert!(!ids.body.contains(&capital.user_ids[0]), "external ids are lower case");
    let (mut kinds, mut quiet, mut linked) = (String::new(), false, false);
    for person in &people {
        let events = api.profile(&format!("{}/events?limit=100", person.segment_id)).await.json();
        quiet |= events["data"].is_null();
        for event in events["data"].as_array().into_iter().flatten() {
            kinds += event["type"].as_str().unwrap();
        }
        let links = api.profile(&format!("{}/links", person.segment_id)).await.json();
        linked |= !links["data"].as_array().unwrap().is_empty();
    }
    assert!(quiet && linked);
    assert!(["identify", "page", "track"].iter().all(|kind| kinds.contains(kind)));
    let traits = api.profile(&format!("{}/traits?limit=200", people[0].segment_id)).await.json();
    assert!(traits["traits"]["frequent_buyers"].is_boolean() && traits["traits"]["total_spent"].is_number());
}
