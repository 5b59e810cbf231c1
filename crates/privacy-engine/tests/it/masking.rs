//! Rows of the owned databases: masked once, after everything else, and collected whole.

use std::sync::Arc;

use privacy_engine::Until;
use segment_core::{
    Action, ConnectionKey, Decision, HoldId, LegalHold, Outcome, Pii, Request, RequestStatus, Resolution, TaskState,
    ports::{DirectoryError, RequestStore},
    testing::FakeDirectory,
};
use segment_mock::{Endpoint, Fault, FaultRule};

use crate::{
    owned::{Commit, Databases, unavailable},
    rig::{Rig, codes, halt_code, identities},
};

const ANN: [(&str, &str); 1] = [("email", "ann@example.com")];

async fn rig(datasets: &[&str]) -> (Rig, Databases) {
    let mut rig = Rig::new(true).await;
    let databases = Databases::new(rig.store());
    rig.owned = Some(databases.owned(datasets));
    rig.person("ann");
    (rig, databases)
}

/// An erasure that was taken with the first datasets, and worked with the others.
async fn left(before: &[&str], after: &[&str]) -> (Rig, Databases, Request) {
    let (mut rig, databases) = rig(before).await;
    let id = rig.take(&rig.engine(), Action::Erasure, &ANN).await;
    rig.owned = Some(databases.owned(after));
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    let request = rig.request(&id).await;
    (rig, databases, request)
}

fn masked(databases: &Databases) -> Vec<(String, u32)> {
    databases.state().masked.clone().into_iter().collect()
}

fn outcome(request: &Request, key: &str) -> Option<Outcome> {
    request.tasks.iter().find(|task| task.connection.as_str() == key).unwrap().state.outcome()
}

#[tokio::test]
async fn rows_are_masked_by_what_was_found_once_segment_has_accepted() {
    let (rig, databases) = rig(&["shop"]).await;
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(request.status, RequestStatus::AwaitingProcessor);
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
    assert_eq!(outcome(&request, "shop"), Some(Outcome::Masked));
    let order = databases.state().orders.remove(0);
    let found: Vec<_> = order.subject.user_ids.into_iter().map(|(key, ids)| (key.to_string(), ids)).collect();
    assert_eq!(found, [("main".to_owned(), [Pii::from("u-ann")].into())]);
    assert_eq!(order.trace.entered_by.len(), 1, "what was stored before comes along");
    let steps = rig.steps(&request.id).await;
    let at = |step: &str| steps.iter().position(|known| known == step).unwrap();
    assert!(at("accepted") < at("masked"), "{steps:?}");
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::Complete);
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
    assert!(!codes(&rig.request(&request.id).await).contains(&"nothing_erased"));
}

#[tokio::test]
async fn nothing_is_masked_while_any_connection_has_not_accepted() {
    let (mut rig, databases) = rig(&["shop"]).await;
    rig.second = Some(segment_mock::MockSegment::start(segment_mock::MockConfig::new()).unwrap());
    let second = rig.second.as_ref().unwrap();
    second.add_profile(
        segment_mock::Profile::new("use_2").external_id("email", "ann@example.com").external_id("user_id", "x"),
    );
    second.fault(FaultRule::new(Fault::bad_request()).on(Endpoint::CreateRegulation));
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((halt_code(&request), masked(&databases)), (Some("refused"), vec![]));
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_masks_nothing_twice() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().commits = vec![Commit::AnswerLost];
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(outcome(&request, "shop"), Some(Outcome::Masked));
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
    let task = request.tasks.iter().find(|task| task.connection.as_str() == "shop").unwrap();
    assert_eq!(task.collections["shop.customer"], 1, "what it did is known all the same");
}

#[tokio::test]
async fn a_commit_that_did_not_happen_is_made_again() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().commits = vec![Commit::NotDone];
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(outcome(&request, "shop"), Some(Outcome::Masked));
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
}

#[tokio::test]
async fn a_decision_meanwhile_keeps_it_from_being_committed() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().cancels = true;
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(masked(&databases), []);
    let states: Vec<_> = request.tasks.iter().map(|task| task.state.as_str()).collect();
    assert_eq!(states, ["awaiting", "canceled"], "what has left goes on, what has not does not");
}

#[tokio::test]
async fn a_masking_that_may_be_committed_cannot_be_canceled() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().commits = vec![Commit::Canceled];
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(outcome(&request, "shop"), Some(Outcome::Masked), "{:?}", request.tasks);
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
    assert!(rig.steps(&request.id).await.contains(&"masked".to_owned()));
}

#[tokio::test]
async fn one_database_that_fails_does_not_hold_up_another() {
    let (rig, databases) = rig(&["crm", "shop"]).await;
    databases.state().failures =
        vec![DirectoryError::Schema("crm.contact cannot be masked: it has no primary key".into())];
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(request.status, RequestStatus::RequiresAttention);
    assert_eq!(halt_code(&request), Some("masking_failed"));
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    assert_eq!(masked(&databases), [("crm".to_owned(), 1), ("shop".to_owned(), 1)]);
}

#[tokio::test]
async fn what_passes_is_tried_again_and_then_a_human_is_called() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().failures = vec![unavailable()];
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(outcome(&request, "shop"), Some(Outcome::Masked));
    let (rig, databases) = self::rig(&["shop"]).await;
    databases.state().failures = (0..5).map(|_| unavailable()).collect();
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("masking_failed")));
    assert_eq!(databases.state().failures.len(), 3, "two attempts");
}

#[tokio::test]
async fn a_hold_that_comes_after_segment_accepted_stops_the_masking() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().hold = Some(LegalHold {
        id: HoldId::new("hld_1"),
        identities: identities(&ANN),
        known: Resolution::default(),
        reason: Pii::from("a lawsuit"),
        placed_at: rig.mock.clock().now(),
        lifted_at: None,
    });
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert!(request.tasks[0].state.is_accepted(), "the hold came after");
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("legal_hold")));
    assert_eq!(masked(&databases), []);
}

#[tokio::test]
async fn a_dataset_that_is_gone_calls_a_human_and_no_loop() {
    let (_rig, databases, request) = left(&["shop"], &[]).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("no_connection")));
    assert_eq!(masked(&databases), []);
}

#[tokio::test]
async fn nothing_is_masked_while_a_dataset_is_gone_that_may_lead_on() {
    let (mut rig, databases, request) = left(&["crm", "shop"], &["shop"]).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("no_connection")));
    assert_eq!(masked(&databases), []);
    rig.owned = Some(databases.owned(&["crm", "shop"]));
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    assert_eq!(masked(&databases), [("crm".to_owned(), 1), ("shop".to_owned(), 1)]);
}

#[tokio::test]
async fn nothing_is_masked_while_a_dataset_cannot_be_read_that_may_lead_on() {
    let (mut rig, databases) = rig(&["shop"]).await;
    rig.owned = Some(databases.owned_beside(&["shop"], &["crm"]));
    let id = rig.take(&rig.engine(), Action::Erasure, &ANN).await;
    rig.withheld_dataset = Some("crm".to_owned());
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    assert_eq!((rig.request(&id).await.status, masked(&databases)), (RequestStatus::InProcessing, vec![]));
    rig.withheld_dataset = None;
    rig.mock.advance(std::time::Duration::from_hours(1));
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
}

#[tokio::test]
async fn what_a_human_settled_leads_nowhere_and_the_others_are_masked() {
    let (rig, databases, request) = left(&["crm", "shop"], &["shop"]).await;
    let id = request.id;
    let settle = Decision::Settle { connection: ConnectionKey::new("crm"), note: "by hand".into() };
    rig.store().decide(&id, &settle, "ops", rig.mock.clock().now()).await.unwrap();
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    assert_eq!(masked(&databases), [("shop".to_owned(), 1)]);
}

#[tokio::test]
async fn a_strict_erasure_without_rows_has_erased_nothing() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().rows = 0;
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(outcome(&request, "shop"), Some(Outcome::NoData));
    assert_eq!(masked(&databases), [], "nothing was committed");
    assert!(codes(&request).contains(&"nothing_erased"));
}

#[tokio::test]
async fn rows_are_part_of_an_access() {
    let (rig, databases) = rig(&["shop"]).await;
    let request = rig.run(Action::Access, &ANN, Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Complete);
    let files: Vec<_> = request.package.unwrap().files.into_iter().map(|file| file.path).collect();
    assert!(files.contains(&"shop/customer.json".to_owned()) && files.contains(&"main/events.ndjson".to_owned()));
    assert!(databases.state().orders.is_empty());
}

#[tokio::test]
async fn a_hole_that_passes_is_collected_again_and_one_that_stays_is_labelled() {
    let (rig, databases) = rig(&["shop"]).await;
    databases.state().holes = vec![("not there for a moment", true)];
    let request = rig.run(Action::Access, &ANN, Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Complete);
    assert!(
        request.package.unwrap().files.iter().all(|file| file.complete) && codes_are_empty(&rig, &request.id).await
    );
    let (rig, databases) = self::rig(&["shop"]).await;
    databases.state().holes = vec![("gone for good", false)];
    let request = rig.run(Action::Access, &ANN, Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("incomplete")));
    assert!(codes(&request).contains(&"collection_incomplete"));
}

async fn codes_are_empty(rig: &Rig, id: &segment_core::RequestId) -> bool {
    codes(&rig.request(id).await).is_empty()
}

#[tokio::test]
async fn an_access_of_rows_alone_asks_the_directories_who_it_is() {
    let (mut rig, _) = rig(&["shop"]).await;
    rig.kind = privacy_engine::ConnectionKind::Segment;
    let people = identities(&[("email", "ann@example.com"), ("email", "ben@example.com")]);
    let mut directory = FakeDirectory::new();
    for (identity, id) in people.iter().zip(["u1", "u2"]) {
        directory = directory.with(identity, &[id]);
    }
    rig.directory = Some(Arc::new(directory));
    let both = [("email", "ann@example.com"), ("email", "ben@example.com")];
    let request = rig.run(Action::Access, &both, Until::Ended).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("identity_conflict")));
    let request = rig.run(Action::Access, &ANN, Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Complete);
    assert_eq!(
        request.tasks.iter().map(|task| &task.state).collect::<Vec<_>>(),
        [&TaskState::Complete(Outcome::Collected)]
    );
}
