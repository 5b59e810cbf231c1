//! Only a read-back verifies.

use privacy_engine::Until;
use segment_core::{Action, RequestStatus};
use segment_mock::{Endpoint, Fault, FaultRule, Outcome, Profile, Which};

use crate::rig::{Rig, codes};

const ANN: [(&str, &str); 1] = [("email", "ann@example.com")];

#[tokio::test]
async fn finished_without_effect_is_complete_but_never_verified() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    rig.mock.set_outcome(Which::Next, Outcome::finished().keeps_profiles());
    let request = rig.run(Action::Erasure, &ANN, Until::Ended).await;
    assert_eq!((request.status, request.verified_at), (RequestStatus::Complete, None));
    assert!(!codes(&request).contains(&"profile_remains"), "later looks are still to come");
    rig.pass(&rig.engine(), &request.id, 40).await;
    let request = rig.request(&request.id).await;
    assert_eq!(request.verified_at, None);
    assert!(codes(&request).contains(&"profile_remains"));
}

#[tokio::test]
async fn a_profile_that_comes_back_is_found_by_a_later_look() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    let request = rig.run(Action::Erasure, &ANN, Until::Ended).await;
    assert!(request.verified_at.is_some());
    rig.person("ann");
    rig.pass(&rig.engine(), &request.id, 2).await;
    let request = rig.request(&request.id).await;
    assert!(codes(&request).contains(&"profile_returned"));
    assert!(request.verified_at.is_some(), "it was gone, and came back: both are facts");
}

#[tokio::test]
async fn a_suppression_that_is_not_listed_is_found_at_the_last_look() {
    let rig = Rig::new(true).await;
    rig.person("ann");
    rig.mock.fault(FaultRule::new(Fault::null_data()).on(Endpoint::ListSuppressions).always());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    rig.pass(&rig.engine(), &request.id, 40).await;
    let request = rig.request(&request.id).await;
    assert_eq!((request.status, request.verified_at), (RequestStatus::Complete, None));
}

#[tokio::test]
async fn a_look_that_fails_is_repeated() {
    let rig = Rig::new(true).await;
    rig.person("ann");
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ListSuppressions).times(4));
    let request = rig.run(Action::Erasure, &ANN, Until::Ended).await;
    assert!(request.verified_at.is_some());
    assert!(rig.steps(&request.id).await.contains(&"read_back_failed".to_owned()));
}

#[tokio::test]
async fn an_unsuppression_is_verified_by_its_absence() {
    let rig = Rig::new(true).await;
    rig.run(Action::Suppression, &[("user_id", "u-ann")], Until::Ended).await;
    assert_eq!(rig.mock.suppressed(), ["u-ann"]);
    let request = rig.run(Action::Unsuppression, &[("user_id", "u-ann")], Until::Ended).await;
    assert_eq!(rig.mock.suppressed(), [""; 0]);
    assert_eq!(request.tasks[0].state.outcome().map(segment_core::Outcome::as_str), Some("unsuppressed"));
    assert!(request.verified_at.is_some());
}

#[tokio::test]
async fn a_look_that_cannot_be_made_is_left_to_the_next_and_the_last_one_says_so() {
    let rig = Rig::new(true).await;
    rig.person("ann");
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ListSuppressions).always());
    let request = rig.run(Action::Erasure, &ANN, Until::Ended).await;
    rig.pass(&rig.engine(), &request.id, 40).await;
    let request = rig.request(&request.id).await;
    assert_eq!((request.status, request.verified_at), (RequestStatus::Complete, None));
    assert!(codes(&request).contains(&"not_verifiable"), "{:?}", codes(&request));
    let failed = rig.steps(&request.id).await.into_iter().filter(|step| step == "read_back_failed").count();
    assert_eq!(failed, 4, "one for each look");
    assert!(rig.ledgers(&request.id).await[0].next_at.is_none());
}

#[tokio::test]
async fn a_read_back_asks_for_the_lower_cased_spelling_too() {
    let rig = Rig::new(false).await;
    rig.mock.add_profile(Profile::new("use_ann").external_id("user_id", "u-ann"));
    let identities = [("user_id", "u-ann"), ("email", "Ann@Example.com")];
    let request = rig.run(Action::Erasure, &identities, Until::Accepted).await;
    // Segment knows lower case only, and knew nothing of the address when it was asked.
    rig.mock.add_profile(Profile::new("use_new").external_id("email", "ann@example.com"));
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    let request = rig.request(&request.id).await;
    assert_eq!((request.status, request.verified_at), (RequestStatus::Complete, None));
}
