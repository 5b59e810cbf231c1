//! Many people, few regulations.

use privacy_engine::{Stop, Until};
use segment_core::{Action, RequestId, RequestStatus};
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig};

use crate::rig::{Rig, asked, halt_code};

async fn take_people(rig: &Rig, people: usize) -> Vec<RequestId> {
    let engine = rig.engine();
    let asked = (0..people).map(|at| asked(Action::Erasure, &[("user_id", &format!("u-{at:04}"))])).collect();
    engine.intake(asked).await.unwrap().into_iter().map(|(id, _)| id).collect()
}

async fn work(rig: &Rig, ids: &[RequestId]) -> Stop {
    rig.work(&rig.engine(), &ids.iter().collect::<Vec<_>>(), Until::Accepted).await
}

async fn halted(rig: &Rig, ids: &[RequestId]) -> Vec<(usize, &'static str)> {
    let mut halted = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        halted.extend(halt_code(&rig.request(id).await).map(|code| (at, code)));
    }
    halted
}

#[tokio::test]
async fn erasures_share_one_regulation() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 60).await;
    work(&rig, &ids).await;
    let regulations = rig.mock.regulations();
    assert_eq!(regulations.len(), 1);
    assert_eq!(regulations[0].subjects.len(), 60);
}

#[tokio::test]
async fn the_named_person_of_a_refused_batch_is_halted_and_the_rest_is_sent() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 9).await;
    rig.mock
        .fault(FaultRule::new(Fault::invalid_field("subjectIds[4]", "is not allowed")).on(Endpoint::CreateRegulation));
    work(&rig, &ids).await;
    assert_eq!(halted(&rig, &ids).await, [(4, "refused")]);
    assert_eq!(rig.mock.regulations().into_iter().map(|one| one.subjects.len()).collect::<Vec<_>>(), [8]);
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_halved_until_it_passes() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 8).await;
    // Whatever holds this person is refused, as if it alone were at fault.
    rig.mock.fault(FaultRule::new(Fault::too_large()).on(Endpoint::CreateRegulation).body_contains("u-0005").always());
    work(&rig, &ids).await;
    assert_eq!(halted(&rig, &ids).await, [(5, "refused")]);
    let sent: usize = rig.mock.regulations().into_iter().map(|one| one.subjects.len()).sum();
    assert_eq!(sent, 7, "everybody else, once each");
}

#[tokio::test]
async fn a_refused_credential_is_no_reason_to_split() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 4).await;
    rig.mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::CreateRegulation).always());
    work(&rig, &ids).await;
    assert_eq!(halted(&rig, &ids).await.len(), 4);
    assert_eq!(rig.mock.requests_to(Endpoint::CreateRegulation).len(), 1);
    assert_eq!(rig.request(&ids[0]).await.status, RequestStatus::Error);
}

#[tokio::test]
async fn what_exceeds_the_months_quota_waits() {
    let mut rig = Rig::new(false).await;
    rig.monthly_users = 3;
    let ids = take_people(&rig, 5).await;
    let stop = work(&rig, &ids).await;
    let Stop::Waiting(Some(until)) = stop else { panic!("{stop:?}") };
    assert_eq!(until.to_string(), "2026-09-01T00:00:00Z", "the next month, by the mock's clock");
    assert_eq!(rig.mock.regulations()[0].subjects.len(), 3);
    let mut waiting = 0;
    for id in &ids {
        waiting += usize::from(rig.request(id).await.status == RequestStatus::InProcessing);
    }
    assert_eq!(waiting, 2, "waiting, not dropped");
}

#[tokio::test]
async fn a_person_with_more_ids_than_the_month_has_left_waits() {
    let mut rig = Rig::new(false).await;
    rig.monthly_users = 1;
    let request = rig.run(Action::Erasure, &[("user_id", "u-1"), ("user_id", "u-2")], Until::Accepted).await;
    assert_eq!(halt_code(&request), Some("identity_conflict"), "two ids that nothing joins are two people");

    rig.mock
        .add_profile(segment_mock::Profile::new("use_1").external_id("user_id", "u-1").external_id("user_id", "u-2"));
    let engine = rig.engine();
    let id =
        rig.take(&engine, Action::Erasure, &[("user_id", "u-1"), ("user_id", "u-2"), ("email", "a@example.com")]).await;
    let stop = rig.work(&engine, &[&id], Until::Accepted).await;
    assert!(matches!(stop, Stop::Waiting(Some(_))), "{stop:?}");
    assert!(rig.mock.regulations().is_empty());
}

#[tokio::test]
async fn segments_own_quota_answer_waits_too() {
    let rig = Rig::with(MockConfig::new().monthly_quota(2), false).await;
    let ids = take_people(&rig, 3).await;
    let stop = work(&rig, &ids).await;
    assert!(matches!(stop, Stop::Waiting(Some(_))), "{stop:?}");
    assert!(rig.mock.regulations().is_empty());
    assert_eq!(halted(&rig, &ids).await, []);
}

#[tokio::test]
async fn a_segment_that_cannot_be_reached_is_given_up_and_can_be_retried() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 2).await;
    // Turned away unread, for longer than is tried.
    rig.mock.fault(FaultRule::new(Fault::rate_limited()).on(Endpoint::CreateRegulation).always());
    let stop = work(&rig, &ids).await;
    assert_eq!(stop, Stop::Reached);
    assert_eq!(rig.request(&ids[0]).await.status, RequestStatus::Error);
    rig.mock.clear_faults();
    for id in &ids {
        let at = rig.mock.clock().now();
        segment_core::ports::RequestStore::decide(rig.store(), id, &segment_core::Decision::Retry, at).await.unwrap();
    }
    work(&rig, &ids).await;
    assert_eq!(rig.mock.regulations().len(), 1);
}
