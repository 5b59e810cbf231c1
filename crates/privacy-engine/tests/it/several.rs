//! One person at two workspaces that do not answer alike.

use std::io::Read;

use privacy_engine::Until;
use segment_core::{Action, ConnectionKey, Decision, Request, RequestStatus, ports::RequestStore};
use segment_mock::{Endpoint, Event, Fault, FaultRule, MockConfig, MockSegment, Profile};

use crate::rig::{Rig, halt_code};

const ANN: (&str, &str) = ("email", "ann@example.com");
const BEN: (&str, &str) = ("email", "ben@example.com");

fn person(name: &str) -> Profile {
    Profile::new(format!("use_{name}"))
        .external_id("email", format!("{name}@example.com"))
        .external_id("user_id", format!("u-{name}"))
        .trait_("plan", "pro")
        .event(Event::track("Clicked").ago(std::time::Duration::from_mins(1)))
}

/// Ann and Ben are two people here; at the second workspace there is only Ann.
async fn two() -> Rig {
    let mut rig = Rig::new(false).await;
    rig.mock.add_profile(person("ann"));
    rig.mock.add_profile(person("ben"));
    let second = MockSegment::start(MockConfig::new()).unwrap();
    second.add_profile(person("ann"));
    rig.second = Some(second);
    rig
}

fn second(rig: &Rig) -> &MockSegment {
    rig.second.as_ref().unwrap()
}

/// What the transport does not retry away, but the engine does.
fn passing(endpoint: Endpoint) -> FaultRule {
    FaultRule::new(Fault::server_error()).on(endpoint).times(3)
}

fn names(rig: &Rig, request: &Request) -> Vec<String> {
    let path = rig.folder.path().join(&request.package.as_ref().unwrap().location);
    let zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    zip.file_names().map(|name| name.unwrap().into_owned()).collect()
}

fn manifest(rig: &Rig, request: &Request) -> serde_json::Value {
    let path = rig.folder.path().join(&request.package.as_ref().unwrap().location);
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name("manifest.json").unwrap().read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn retry(rig: &Rig, request: &Request) -> Request {
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    rig.request(&request.id).await
}

#[tokio::test]
async fn a_conflict_is_not_forgotten_while_the_other_workspace_is_asked_again() {
    for action in [Action::Erasure, Action::Access] {
        let rig = two().await;
        second(&rig).fault(passing(Endpoint::ProfileMetadata));
        let request = rig.run(action, &[ANN, BEN], Until::Ended).await;
        assert_eq!(
            (request.status, halt_code(&request)),
            (RequestStatus::RequiresAttention, Some("identity_conflict"))
        );
        assert!(second(&rig).regulations().is_empty() && rig.mock.regulations().is_empty());
        assert_eq!(request.package, None);
    }
}

#[tokio::test]
async fn nothing_is_sent_before_every_workspace_has_said_who_it_is() {
    let rig = two().await;
    rig.mock.fault(passing(Endpoint::ProfileMetadata));
    let request = rig.run(Action::Erasure, &[ANN, BEN], Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("identity_conflict")));
    assert!(second(&rig).regulations().is_empty() && rig.mock.regulations().is_empty());
}

#[tokio::test]
async fn a_workspace_that_stays_away_does_not_hold_up_the_other_for_ever() {
    let rig = two().await;
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ProfileMetadata).always());
    let request = rig.run(Action::Erasure, &[ANN], Until::Accepted).await;
    assert_eq!(halt_code(&request), Some("segment_failed"));
    assert_eq!(second(&rig).regulations().len(), 1, "{:?}", rig.steps(&request.id).await);
}

#[tokio::test]
async fn what_is_halted_after_it_was_sent_holds_up_no_other_workspace() {
    let rig = two().await;
    second(&rig).fault(FaultRule::new(Fault::server_error()).on(Endpoint::ProfileMetadata).always());
    let request = rig.run(Action::Erasure, &[ANN], Until::Accepted).await;
    assert_eq!((request.status, rig.mock.regulations().len()), (RequestStatus::AwaitingProcessor, 1));
    second(&rig).clear_faults();
    second(&rig).fault(passing(Endpoint::ProfileMetadata));
    rig.mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::GetRegulation).always());
    rig.mock.advance(std::time::Duration::from_hours(1));
    let request = retry(&rig, &request).await;
    assert_eq!(halt_code(&request), Some("unauthorized"), "{:?}", rig.steps(&request.id).await);
    assert_eq!(second(&rig).regulations().len(), 1);
}

#[tokio::test]
async fn a_package_says_that_a_workspace_was_settled_by_hand() {
    let rig = two().await;
    let request = rig.run(Action::Access, &[ANN, BEN], Until::Ended).await;
    assert_eq!(halt_code(&request), Some("identity_conflict"));
    let connection = ConnectionKey::new("main");
    let settled = Decision::Settle { connection, note: "two households".into() };
    rig.store().decide(&request.id, &settled, "ops", rig.mock.clock().now()).await.unwrap();
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    let request = rig.request(&request.id).await;
    assert_eq!(request.status, RequestStatus::Complete);
    let limits = manifest(&rig, &request)["limits"].to_string();
    assert!(limits.contains("Nothing of main is in here: it was settled by hand"), "{limits}");
}

#[tokio::test]
async fn a_retried_access_packages_everybody_again() {
    let rig = two().await;
    second(&rig).fault(FaultRule::new(Fault::server_error()).on(Endpoint::ProfileTraits).always());
    let first = rig.run(Action::Access, &[ANN], Until::Ended).await;
    assert_eq!((first.status, halt_code(&first)), (RequestStatus::Error, Some("incomplete")));
    second(&rig).clear_faults();
    let again = retry(&rig, &first).await;
    assert_eq!(again.status, RequestStatus::Complete, "{:?}", halt_code(&again));
    let names = names(&rig, &again);
    for name in ["main/events.ndjson", "also/events.ndjson", "also/traits.json"] {
        assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
    }
}

#[tokio::test]
async fn a_package_says_whose_data_are_not_in_it_also_when_they_were_given_up_before() {
    let rig = two().await;
    rig.mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::ProfileMetadata).always());
    second(&rig).fault(passing(Endpoint::ProfileMetadata));
    let request = rig.run(Action::Access, &[ANN], Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("unauthorized")));
    let limits = manifest(&rig, &request)["limits"].to_string();
    assert!(limits.contains("Nothing of main is in here"), "{limits}");
}

#[tokio::test]
async fn a_lasting_hole_beside_a_passing_one_comes_to_an_end() {
    let rig = two().await;
    rig.mock.fault(FaultRule::new(Fault::not_found()).on(Endpoint::ProfileEvents).always());
    rig.mock.fault(passing(Endpoint::ProfileTraits));
    let request = rig.run(Action::Access, &[ANN], Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("incomplete")));
    let files = manifest(&rig, &request)["files"].clone();
    let complete =
        |path: &str| files.as_array().unwrap().iter().find(|one| one["path"] == path).unwrap()["complete"].clone();
    assert_eq!((complete("main/events.ndjson"), complete("main/traits.json")), (false.into(), true.into()));
    assert_eq!(complete("also/events.ndjson"), true);
}
