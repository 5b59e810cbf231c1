//! A connection for one source instead of the whole workspace.

use privacy_engine::{Check, CheckStatus, Until};
use segment_core::{Action, RegulationType, RequestStatus};
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig};

use crate::rig::{Rig, codes, halt_code};

const ANN: [(&str, &str); 1] = [("user_id", "u-ann")];
const SOURCE: &str = "qW3eR5tY7uI9oP1aS2dF4g";

async fn rig(strict: bool) -> Rig {
    let mut rig = Rig::new(strict).await;
    rig.source = Some(SOURCE.to_owned());
    rig.person("ann");
    rig
}

fn posts(rig: &Rig) -> (usize, usize) {
    let count = |endpoint| rig.mock.requests_to(endpoint).len();
    (count(Endpoint::CreateRegulation), count(Endpoint::CreateSourceRegulation))
}

async fn source_check(rig: &Rig) -> Check {
    let engine = rig.engine();
    let checks = privacy_engine::check(engine.connections().next().unwrap().sources()).await;
    checks.into_iter().find(|check| check.name == "source").unwrap()
}

#[tokio::test]
async fn an_erasure_goes_to_the_source_and_says_that_it_is_only_one() {
    for strict in [true, false] {
        let rig = rig(strict).await;
        let engine = rig.engine();
        let id = rig.take(&engine, Action::Erasure, &ANN).await;
        rig.work(&engine, &[&id], Until::Ended).await;
        let request = rig.request(&id).await;
        assert_eq!((request.status, posts(&rig)), (RequestStatus::Complete, (0, 1)));
        assert_eq!(request.verified_at, None, "what can be read back speaks of the whole workspace");
        let found = codes(&request);
        assert!(found.contains(&"one_source") && found.contains(&"not_verifiable"), "{found:?}");
        assert!(!found.contains(&"profile_remains") && !found.contains(&"suppression_missing"), "{found:?}");
        assert_eq!(rig.ledgers(&id).await[0].source.as_deref(), Some(SOURCE));
    }
}

#[tokio::test]
async fn a_lost_answer_is_searched_for_at_its_source() {
    let rig = rig(false).await;
    rig.mock.fault(FaultRule::new(Fault::accept_then_cut()).on(Endpoint::CreateSourceRegulation));
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((request.status, posts(&rig)), (RequestStatus::AwaitingProcessor, (0, 1)));
    assert_eq!(rig.mock.requests_to(Endpoint::ListSourceRegulations).len(), 1);
    assert!(rig.mock.requests_to(Endpoint::ListRegulations).is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_searched_for_where_it_was_sent_although_the_configuration_changed() {
    let mut rig = rig(false).await;
    rig.mock.fault(FaultRule::new(Fault::accept_then_cut()).on(Endpoint::CreateSourceRegulation));
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ListSourceRegulations).always());
    let engine = rig.engine();
    let id = rig.take(&engine, Action::Erasure, &ANN).await;
    rig.work(&engine, &[&id], Until::Accepted).await;
    assert_eq!(halt_code(&rig.request(&id).await), Some("reconcile_undecided"));

    rig.mock.clear_faults();
    rig.source = None;
    rig.retry(&id).await;
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    assert_eq!((rig.request(&id).await.status, posts(&rig)), (RequestStatus::AwaitingProcessor, (0, 1)));
}

#[tokio::test]
async fn a_source_that_segment_does_not_know_is_refused_with_advice() {
    let mut rig = rig(false).await;
    rig.source = Some("web".to_owned());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("refused")));
    let message = &request.tasks[0].state.halt().unwrap().message;
    assert!(message.contains("scope.source = \"web\"") && message.contains("its id"), "{message}");
    assert!(rig.mock.regulations().is_empty());
}

#[tokio::test]
async fn the_connection_test_asks_for_the_source() {
    let mut rig = rig(true).await;
    assert_eq!(source_check(&rig).await.status, CheckStatus::Succeeded);
    rig.source = Some("web".to_owned());
    let check = source_check(&rig).await;
    assert_eq!(check.status, CheckStatus::Failed);
    assert!(check.message.contains("scope.source = \"web\""), "{}", check.message);
    assert!(rig.mock.regulations().is_empty(), "a test only reads");
}

#[tokio::test]
async fn archives_of_a_source_are_deleted_by_their_own_type() {
    let mut rig = Rig::with(MockConfig::new(), false).await;
    rig.source = Some(SOURCE.to_owned());
    rig.policy.regulation = RegulationType::DeleteArchiveOnly;
    rig.person("ann");
    let request = rig.run(Action::Erasure, &ANN, Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Complete);
    assert_eq!(rig.mock.regulations()[0].regulation_type, "DELETE_ARCHIVE_ONLY");
}

#[tokio::test]
async fn what_was_found_for_one_source_does_not_go_to_the_whole_workspace() {
    let mut rig = rig(false).await;
    rig.monthly_users = 0;
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(request.status, RequestStatus::InProcessing, "it is found, and waits for the quota");
    (rig.source, rig.monthly_users) = (None, 110_000);
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    assert_eq!(posts(&rig), (0, 1));
}
