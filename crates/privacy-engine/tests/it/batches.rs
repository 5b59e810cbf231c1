//! Many people, few regulations.

use privacy_engine::{Stop, Until};
use segment_core::{Action, RequestId, RequestStatus};
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig};

use crate::rig::{Rig, asked, halt_code};

async fn take_people(rig: &Rig, people: usize) -> Vec<RequestId> {
    let engine = rig.engine();
    let asked = (0..people).map(|at| asked(Action::Erasure, &[("user_id", &format!("u-{at:04}"))])).collect();
    engine.intake(asked).await.unwrap().iter().map(|taken| taken.id().clone()).collect()
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
async fn a_quota_that_is_used_up_does_not_hold_up_the_other_category() {
    let rig = Rig::with(MockConfig::new().monthly_quota(2), false).await;
    let ids = take_people(&rig, 3).await;
    let engine = rig.engine();
    rig.work(&engine, &ids.iter().collect::<Vec<_>>(), Until::Accepted).await;
    assert!(rig.mock.regulations().is_empty(), "three do not fit");
    let other = rig.take(&engine, Action::Suppression, &[("user_id", "u-9")]).await;
    rig.work(&engine, &[&other], Until::Accepted).await;
    assert_eq!(rig.request(&other).await.status, RequestStatus::AwaitingProcessor, "{:?}", rig.steps(&other).await);
}

#[tokio::test]
async fn a_segment_that_cannot_be_reached_is_given_up_and_can_be_retried() {
    let mut rig = Rig::new(false).await;
    let ids = take_people(&rig, 2).await;
    rig.url = "http://127.0.0.1:9".to_owned();
    assert_eq!(work(&rig, &ids).await, Stop::Reached);
    assert_eq!(rig.request(&ids[0]).await.status, RequestStatus::Error);
    rig.url = rig.mock.url();
    for id in &ids {
        rig.retry(id).await;
    }
    work(&rig, &ids).await;
    assert_eq!(rig.mock.regulations().len(), 1);
}

#[tokio::test]
async fn a_segment_that_asks_to_slow_down_is_waited_for_and_never_given_up() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 2).await;
    rig.mock.fault(FaultRule::new(Fault::rate_limited()).on(Endpoint::CreateRegulation).always());
    let stop = work(&rig, &ids).await;
    assert!(matches!(stop, Stop::Waiting(Some(_))), "{stop:?}: the command ends, the work does not");
    assert_eq!(rig.request(&ids[0]).await.status, RequestStatus::InProcessing);
    rig.mock.clear_faults();
    work(&rig, &ids).await;
    assert_eq!(rig.mock.regulations().len(), 1);
}

#[tokio::test]
async fn a_fault_of_everybody_is_not_narrowed_down_to_single_people() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 32).await;
    rig.mock.fault(FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation).always());
    work(&rig, &ids).await;
    let halted = halted(&rig, &ids).await;
    assert_eq!(halted.len(), 32);
    assert!(halted.iter().all(|(_, code)| *code == "refused"));
    // All of them, both halves, and the two quarters that the first half had become.
    assert_eq!(rig.mock.requests_to(Endpoint::CreateRegulation).len(), 5);
    let request = rig.request(&ids[31]).await;
    assert!(request.tasks[0].state.halt().unwrap().message.contains("both halves"));
}

#[tokio::test]
async fn one_bad_id_without_a_name_is_found_by_halves() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 32).await;
    let bad = FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation).body_contains("u-0013");
    rig.mock.fault(bad.always());
    work(&rig, &ids).await;
    assert_eq!(halted(&rig, &ids).await, [(13, "refused")]);
    let sent: usize = rig.mock.regulations().into_iter().map(|one| one.subjects.len()).sum();
    assert_eq!(sent, 31, "everybody else, once each");
}

#[tokio::test]
async fn work_that_was_turned_away_does_not_hold_up_what_was_accepted() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 2).await;
    rig.work(&rig.engine(), &[&ids[0]], Until::Accepted).await;
    rig.mock.fault(FaultRule::new(Fault::quota_exhausted()).on(Endpoint::CreateRegulation).always());
    let engine = rig.engine();
    let cancel = tokio_util::sync::CancellationToken::new();
    let scope = segment_core::ClaimScope::Requests(ids.clone());
    let run = engine.run(&scope, Until::Ended, &cancel);
    let complete = async {
        while rig.request(&ids[0]).await.completed_at.is_none() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        cancel.cancel();
    };
    let (stop, ()) = tokio::join!(run, complete);
    stop.unwrap();
    let request = rig.request(&ids[0]).await;
    let days = request.completed_at.unwrap().duration_since(request.received_at).as_hours() / 24;
    assert!(days < 5, "it was followed all the while, not when the quota came back: {days} days");
}

#[tokio::test]
async fn what_waits_at_a_connection_that_is_gone_needs_a_human() {
    let mut rig = Rig::new(false).await;
    rig.also = Some(std::sync::Arc::new(segment_core::testing::FakeDirectory::new()));
    rig.policy.tracking.batch_window = std::time::Duration::from_hours(1);
    let ids = take_people(&rig, 1).await;
    assert!(matches!(work(&rig, &ids).await, Stop::Waiting(Some(_))));
    let also = rig.also.take();
    rig.mock.advance(std::time::Duration::from_hours(2));
    work(&rig, &ids).await;
    let request = rig.request(&ids[0]).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("no_connection")));
    assert_eq!(rig.mock.regulations().len(), 1, "the other connection's is sent");

    rig.also = also;
    rig.retry(&ids[0]).await;
    rig.mock.advance(std::time::Duration::from_hours(2));
    work(&rig, &ids).await;
    assert_eq!(rig.request(&ids[0]).await.status, RequestStatus::AwaitingProcessor);
    assert_eq!(rig.mock.regulations().len(), 2);
}

#[tokio::test]
async fn what_was_refused_or_did_not_leave_makes_room_in_the_months_quota() {
    let mut rig = Rig::new(false).await;
    rig.monthly_users = 4;
    let ids = take_people(&rig, 6).await;
    rig.mock.fault(FaultRule::new(Fault::too_large()).on(Endpoint::CreateRegulation));
    let stop = work(&rig, &ids).await;
    assert!(matches!(stop, Stop::Waiting(Some(until)) if until.to_string() == "2026-09-01T00:00:00Z"), "{stop:?}");
    let sent: Vec<usize> = rig.mock.regulations().into_iter().map(|one| one.subjects.len()).collect();
    assert_eq!(sent, [2, 2], "halved, and sent within the quota, in this month");
}

#[tokio::test]
async fn being_asked_to_slow_down_before_the_first_regulation_is_no_outage() {
    let mut rig = Rig::new(false).await;
    let ids = take_people(&rig, 1).await;
    rig.policy.tracking.batch_window = std::time::Duration::from_hours(1);
    assert!(matches!(work(&rig, &ids).await, Stop::Waiting(Some(_))), "resolved, and gathered");
    // Another process, which has not asked for the workspace yet.
    rig.mock.advance(std::time::Duration::from_hours(2));
    rig.mock.fault(FaultRule::new(Fault::retry_after(120)).on(Endpoint::Workspace).times(3));
    work(&rig, &ids).await;
    assert_eq!(rig.request(&ids[0]).await.status, RequestStatus::AwaitingProcessor, "{:?}", rig.steps(&ids[0]).await);
}

#[tokio::test]
async fn who_waits_for_the_end_waits_for_what_is_still_to_be_sent() {
    let mut rig = Rig::new(false).await;
    rig.also = Some(std::sync::Arc::new(segment_core::testing::FakeDirectory::new()));
    let ids = take_people(&rig, 1).await;
    // The regulation of one connection is refused, that of the other is turned away for a minute.
    rig.mock.fault(FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation));
    rig.mock.fault(FaultRule::new(Fault::retry_after(200)).on(Endpoint::CreateRegulation).times(3));
    rig.work(&rig.engine(), &[&ids[0]], Until::Ended).await;
    let request = rig.request(&ids[0]).await;
    assert_eq!(request.status, RequestStatus::RequiresAttention);
    assert_eq!(rig.mock.regulations().len(), 1, "{:?}", rig.steps(&ids[0]).await);
}

#[tokio::test]
async fn what_is_known_of_a_refusal_ends_with_it() {
    let rig = Rig::new(false).await;
    let ids = take_people(&rig, 4).await;
    rig.mock.fault(FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation).always());
    work(&rig, &ids).await;
    assert_eq!(halted(&rig, &ids).await.len(), 4);
    rig.mock.clear_faults();
    let bad = FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation).body_contains("u-0002");
    rig.mock.fault(bad.always());
    let engine = rig.engine();
    for id in &ids {
        rig.retry(id).await;
    }
    rig.work(&engine, &ids.iter().collect::<Vec<_>>(), Until::Accepted).await;
    assert_eq!(halted(&rig, &ids).await, [(2, "refused")], "the others are nobody's fault");
}
