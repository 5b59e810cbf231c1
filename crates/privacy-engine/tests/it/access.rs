//! Collecting.

use std::io::Read;

use privacy_engine::Until;
use segment_core::{Action, RequestStatus};
use segment_mock::{Endpoint, Event, Fault, FaultRule, MockConfig, Profile};
use serde_json::Value;

use crate::rig::{Rig, codes, halt_code};

const EMAIL: (&str, &str) = ("email", "ann+1/?#%@example.com");

fn ann(events: usize) -> Profile {
    let mut profile = Profile::new("use_ann").external_id("email", EMAIL.1).external_id("user_id", "u-ann");
    for at in 0..450 {
        profile = profile.trait_(format!("trait_{at:03}"), at);
    }
    for at in 0..60 {
        profile = profile.external_id("anonymous_id", format!("a-{at}"));
    }
    for at in 0..events {
        let ago = std::time::Duration::from_secs(60 + at as u64);
        profile = profile.event(Event::track("Clicked").properties(serde_json::json!({"at": at})).ago(ago));
    }
    profile
}

fn file(rig: &Rig, request: &segment_core::Request, name: &str) -> String {
    let path = rig.folder.path().join(&request.package.as_ref().unwrap().location);
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn everything_comes_along_over_all_pages() {
    let rig = Rig::new(true).await;
    rig.mock.add_profile(ann(250));
    let request = rig.run(Action::Access, &[EMAIL], Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", halt_code(&request));
    let counts = &request.tasks[0].collections;
    let expect = [("events", 250), ("external_ids", 62), ("links", 0), ("metadata", 1), ("traits", 450)];
    assert_eq!(counts.iter().map(|(name, count)| (name.as_str(), *count)).collect::<Vec<_>>(), expect);
    let traits: Value = serde_json::from_str(&file(&rig, &request, "main/traits.json")).unwrap();
    assert_eq!(traits["trait_449"], 449);
    assert_eq!(file(&rig, &request, "main/events.ndjson").lines().count(), 250);
    let manifest: Value = serde_json::from_str(&file(&rig, &request, "manifest.json")).unwrap();
    assert!(manifest["files"].as_array().unwrap().iter().all(|file| file["complete"] == true));
    assert!(manifest["limits"].to_string().contains("14 days"));
}

/// When each of many events happened, in seconds before now: often at once, in bursts, and after days of nothing.
fn often() -> Vec<u64> {
    let burst = (0..1_500).map(|at| 60 + at / 7);
    let days = (0..1_200).map(|at| 86_400 + at * 800);
    burst.chain(days).collect()
}

async fn events_in_the_package(rig: &Rig, times: &[u64]) -> (Vec<u64>, usize) {
    let mut person = ann(0);
    for (at, ago) in times.iter().enumerate() {
        let event = Event::track("Clicked").properties(serde_json::json!({"at": at}));
        person = person.event(event.ago(std::time::Duration::from_secs(*ago)));
    }
    rig.mock.add_profile(person);
    let request = rig.run(Action::Access, &[EMAIL], Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", halt_code(&request));
    assert_eq!(request.tasks[0].collections["events"], times.len() as u64);
    let at = |line: &str| serde_json::from_str::<Value>(line).unwrap()["properties"]["at"].as_u64().unwrap();
    let text = file(rig, &request, "main/events.ndjson");
    let asked = rig.mock.requests_to(Endpoint::ProfileEvents);
    let windows = asked.iter().filter(|request| request.path_and_query.contains("end=")).count();
    (text.lines().map(at).collect(), windows)
}

#[tokio::test]
async fn many_events_are_read_in_windows_and_each_is_there_once() {
    let rig = Rig::new(true).await;
    let (events, windows) = events_in_the_package(&rig, &often()).await;
    assert!(windows > 8, "{windows} calls for windows");
    let mut sorted = events.clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..2_700), "none is lost or doubled");
    let times = often();
    let ago: Vec<_> = events.iter().map(|at| times[usize::try_from(*at).unwrap()]).collect();
    assert!(ago.is_sorted(), "newest first, as Segment lists them");
}

#[tokio::test]
async fn events_are_read_page_by_page_where_times_are_ignored() {
    let rig = Rig::with(MockConfig::new().ignore_event_times(true), true).await;
    let (events, windows) = events_in_the_package(&rig, &often()).await;
    let mut sorted = events.clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..2_700), "none is lost or doubled");
    assert!((1..20).contains(&windows), "{windows} calls for windows, before it was found out");
}

#[tokio::test]
async fn who_contradicts_himself_in_windows_is_read_again_page_by_page() {
    let rig = Rig::new(true).await;
    // The first question about a time is answered right, and no other: what is in the package by then is not kept.
    let refused = FaultRule::new(Fault::bad_request()).on(Endpoint::ProfileEvents).query_contains("end=").nth(2);
    rig.mock.fault(refused.always());
    let (events, windows) = events_in_the_package(&rig, &often()).await;
    assert!(windows > 1, "{windows} calls for windows");
    let mut sorted = events.clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..2_700), "none is lost or doubled");
}

#[tokio::test]
async fn an_endless_list_is_a_labelled_hole_and_not_a_success() {
    let rig = Rig::new(true).await;
    rig.mock.add_profile(ann(3));
    rig.mock.fault(FaultRule::new(Fault::repeated_cursor()).on(Endpoint::ProfileEvents).always());
    let request = rig.run(Action::Access, &[EMAIL], Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("incomplete")));
    assert_eq!(codes(&request), ["collection_incomplete"]);
    let manifest: Value = serde_json::from_str(&file(&rig, &request, "manifest.json")).unwrap();
    let events =
        manifest["files"].as_array().unwrap().iter().find(|file| file["path"] == "main/events.ndjson").unwrap();
    assert_eq!(events["complete"], false);

    // Retried once the list ends: whole.
    rig.mock.clear_faults();
    let engine = rig.engine();
    let at = rig.mock.clock().now();
    segment_core::ports::RequestStore::decide(rig.store(), &request.id, &segment_core::Decision::Retry, "ops", at)
        .await
        .unwrap();
    rig.work(&engine, &[&request.id], Until::Ended).await;
    let request = rig.request(&request.id).await;
    assert_eq!((request.status, codes(&request).len()), (RequestStatus::Complete, 0));
}

#[tokio::test]
async fn a_lasting_hole_is_labelled_in_the_end() {
    for fault in [Fault::server_error(), Fault::html(200), Fault::not_found(), Fault::endless_cursor()] {
        let rig = Rig::new(true).await;
        rig.mock.add_profile(ann(3));
        rig.mock.fault(FaultRule::new(fault).on(Endpoint::ProfileTraits).always());
        let request = rig.run(Action::Access, &[EMAIL], Until::Ended).await;
        assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("incomplete")));
        assert_eq!(file(&rig, &request, "main/events.ndjson").lines().count(), 3, "the rest is there");
    }
}

#[tokio::test]
async fn collections_are_read_side_by_side() {
    let config = MockConfig::new().latency(std::time::Duration::from_millis(30));
    let rig = Rig::with(config, true).await;
    rig.mock.add_profile(ann(10));
    rig.run(Action::Access, &[EMAIL], Until::Ended).await;
    assert!(rig.mock.max_in_flight() >= 5, "{}", rig.mock.max_in_flight());
}

#[tokio::test]
async fn an_erasure_waits_for_an_earlier_access_of_the_same_person() {
    let rig = Rig::new(false).await;
    rig.mock.add_profile(ann(3));
    let engine = rig.engine();
    let access = rig.take(&engine, Action::Access, &[EMAIL]).await;
    rig.mock.advance(std::time::Duration::from_secs(1));
    let erasure = rig.take(&engine, Action::Erasure, &[EMAIL, ("user_id", "u-ann")]).await;
    rig.work(&engine, &[&erasure], Until::Accepted).await;
    assert_eq!(rig.request(&erasure).await.status, RequestStatus::Approved, "the access comes first");
    assert!(rig.mock.regulations().is_empty());
    rig.work(&engine, &[&access, &erasure], Until::Accepted).await;
    assert_eq!(rig.request(&access).await.status, RequestStatus::Complete);
    assert_eq!(rig.request(&erasure).await.status, RequestStatus::AwaitingProcessor);
}

#[tokio::test]
async fn a_destination_that_cannot_be_written_loses_nothing() {
    let rig = Rig::new(true).await;
    rig.mock.add_profile(ann(3));
    std::fs::write(rig.folder.path().join("packages"), "a file where the folder should be").unwrap();
    let request = rig.run(Action::Access, &[EMAIL], Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("package_failed")));
    assert_eq!(request.package, None);
}
