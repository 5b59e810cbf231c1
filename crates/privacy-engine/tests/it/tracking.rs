//! To the real end.

use std::time::Duration;

use privacy_engine::Until;
use segment_core::{Action, Outcome as Done, Request, RequestStatus};
use segment_mock::{DestinationStatus, Endpoint, Fault, FaultRule, Outcome, Which};

use crate::rig::{Rig, codes, halt_code};

async fn erase(rig: &Rig, outcome: Outcome) -> Request {
    rig.person("ann");
    rig.mock.set_outcome(Which::Next, outcome);
    rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Ended).await
}

#[tokio::test]
async fn finished_completes_and_the_read_back_verifies() {
    let rig = Rig::new(false).await;
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!(request.status, RequestStatus::Complete);
    assert_eq!(request.tasks[0].state.outcome(), Some(Done::Deleted));
    assert!(request.verified_at.is_some());
    assert!(!rig.mock.profile_exists("email", "ann@example.com"));
    assert!(codes(&request).contains(&"out_of_reach"));
}

#[tokio::test]
async fn a_strict_erasure_says_plainly_that_nothing_was_erased() {
    let rig = Rig::new(true).await;
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!(request.tasks[0].state.outcome(), Some(Done::Suppressed));
    assert!(request.verified_at.is_some(), "the id stands among the suppressions");
    assert!(codes(&request).contains(&"nothing_erased"));
    assert!(rig.mock.profile_exists("email", "ann@example.com"));
    assert_eq!(rig.mock.regulations()[0].regulation_type, "SUPPRESS_ONLY");
}

#[tokio::test]
async fn only_unsupported_destinations_complete_on_read_back_and_are_named() {
    let rig = Rig::new(false).await;
    let outcome = Outcome::failed()
        .destination(DestinationStatus::new("Braze", "FINISHED"))
        .destination(DestinationStatus::new("Some Analytics", "NOT_SUPPORTED").error("not for u-ann"));
    let request = erase(&rig, outcome).await;
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", halt_code(&request));
    assert!(request.verified_at.is_some());
    let finding = request.tasks[0].findings.iter().find(|one| one.code.as_str() == "destination_unsupported").unwrap();
    assert!(finding.message.contains("Some Analytics") && !finding.message.contains("u-ann"));
}

#[tokio::test]
async fn unsupported_destinations_without_a_read_back_need_a_human() {
    let rig = Rig::new(false).await;
    let outcome =
        Outcome::failed().destination(DestinationStatus::new("Some Analytics", "NOT_SUPPORTED")).keeps_profiles();
    let request = erase(&rig, outcome).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("regulation_failed")));
    assert_eq!(request.verified_at, None);
}

#[tokio::test]
async fn every_other_end_needs_a_human_and_a_retry_is_a_new_regulation() {
    let failed = Outcome::failed().destination(DestinationStatus::new("Vero", "FAILED"));
    for outcome in [failed, Outcome::failed(), Outcome::partial_success(), Outcome::invalid(), Outcome::not_supported()]
    {
        let rig = Rig::new(false).await;
        let request = erase(&rig, outcome).await;
        assert_eq!(
            (request.status, halt_code(&request)),
            (RequestStatus::RequiresAttention, Some("regulation_failed"))
        );
        rig.retry(&request.id).await;
        rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
        assert_eq!(rig.request(&request.id).await.status, RequestStatus::Complete);
        assert_eq!(rig.ledgers(&request.id).await.len(), 2, "the history is kept");
        assert_eq!(rig.mock.regulations().len(), 2);
    }
}

#[tokio::test]
async fn an_unknown_status_is_polled_until_it_is_overdue() {
    let rig = Rig::new(false).await;
    let request = erase(&rig, Outcome::status("PAUSED_BY_SOMEBODY")).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("regulation_overdue")));
    assert!(request.completed_at.is_none());
    let days = rig.mock.clock().now().duration_since(request.received_at).as_hours() / 24;
    assert!((35..37).contains(&days), "{days}");
}

#[tokio::test]
async fn a_status_that_goes_backwards_is_followed() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    let engine = rig.engine();
    let id = rig.take(&engine, Action::Erasure, &[("email", "ann@example.com")]).await;
    rig.work(&engine, &[&id], Until::Accepted).await;
    let regulation = rig.mock.regulations()[0].id.clone();
    for status in ["RUNNING", "INITIALIZED", "FINISHED"] {
        assert!(rig.mock.force_status(&regulation, status));
        rig.mock.advance(Duration::from_hours(7));
        let scope = segment_core::ClaimScope::Requests(vec![id.clone()]);
        let claimed = segment_core::ports::RequestStore::claim_regulation(
            rig.store(),
            &scope,
            "t",
            Duration::ZERO,
            rig.mock.clock().now(),
        );
        assert!(claimed.await.unwrap().is_some());
        let until = if status == "FINISHED" { Until::Ended } else { Until::Accepted };
        rig.work(&engine, &[&id], until).await;
    }
    let request = rig.request(&id).await;
    assert_eq!(request.status, RequestStatus::Complete);
}

#[tokio::test]
async fn a_fresh_404_is_waited_out_and_a_later_one_needs_a_human() {
    let rig = Rig::new(false).await;
    rig.mock.fault(FaultRule::new(Fault::not_found()).on(Endpoint::GetRegulation).times(3));
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", halt_code(&request));

    let rig = Rig::new(false).await;
    rig.mock.fault(FaultRule::new(Fault::not_found()).on(Endpoint::GetRegulation).always());
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("regulation_lost")));
}

#[tokio::test]
async fn polls_that_fail_go_on_and_a_refused_credential_does_not() {
    let rig = Rig::new(false).await;
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::GetRegulation).times(40));
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", halt_code(&request));

    let rig = Rig::new(false).await;
    rig.mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::GetRegulation).always());
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!(halt_code(&request), Some("unauthorized"));
    rig.mock.clear_faults();
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::Complete);
    assert_eq!(rig.mock.regulations().len(), 1, "it went on with the regulation that exists");
}

#[tokio::test]
async fn polls_that_fail_for_too_long_are_overdue_and_do_not_flood_the_log() {
    let rig = Rig::new(false).await;
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::GetRegulation).always());
    let request = erase(&rig, Outcome::finished()).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("regulation_overdue")));
    let days = rig.mock.clock().now().duration_since(request.received_at).as_hours() / 24;
    assert!((35..37).contains(&days), "{days}");
    let failed = rig.steps(&request.id).await.into_iter().filter(|step| step == "poll_failed").count();
    assert_eq!(failed, 1);
    rig.mock.clear_faults();
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::Complete);
}

#[tokio::test]
async fn a_verdict_is_kept_while_it_cannot_be_read_back_for_whom() {
    let rig = Rig::new(false).await;
    let some = || Outcome::failed().destination(DestinationStatus::new("Some Analytics", "NOT_SUPPORTED"));
    rig.person("ann");
    rig.mock.set_outcome(Which::Next, some());
    let request = rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Accepted).await;
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ProfileMetadata).times(60));
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    let request = rig.request(&request.id).await;
    assert_eq!(request.status, RequestStatus::Complete, "{:?}", halt_code(&request));
    let steps = rig.steps(&request.id).await;
    let at = |step: &str| steps.iter().position(|one| one == step);
    assert!(at("poll_failed") > at("status_at_segment"), "{steps:?}");

    let rig = Rig::new(false).await;
    rig.person("ann");
    rig.mock.set_outcome(Which::Next, some());
    let request = rig.run(Action::Erasure, &[("email", "ann@example.com")], Until::Accepted).await;
    rig.mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::ProfileMetadata).always());
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    assert_eq!(halt_code(&rig.request(&request.id).await), Some("unauthorized"));
    assert_eq!(rig.ledgers(&request.id).await[0].status, Some(segment_core::RegulationStatus::Failed));
}
