//! Requests for the rows of owned databases alone: Segment is not asked, but who it is must be known all the same.

use std::sync::Arc;

use privacy_engine::{Asked, ConnectionKind, MaskPlan, Planner, Until};
use segment_core::{
    Action, ConnectionKey, HoldId, LegalHold, Outcome, Pii, Request, RequestId, RequestStatus, Resolution,
    ports::RequestStore,
    testing::{FakeDirectory, told},
};

use crate::{
    owned::{Databases, unavailable},
    rig::{Rig, asked, halt_code, identities},
};

const ANN: [(&str, &str); 1] = [("email", "ann@example.com")];

/// A basic connection whose owned database knows `u1`.
async fn rig() -> (Rig, Databases) {
    let mut rig = Rig::new(true).await;
    let databases = Databases::new(rig.store());
    rig.owned = Some(databases.owned(&["shop"]));
    rig.kind = ConnectionKind::Segment;
    rig.directory = Some(Arc::new(knows(&["u1"])));
    (rig, databases)
}

fn knows(user_ids: &[&str]) -> FakeDirectory {
    FakeDirectory::new().with(identities(&ANN).iter().next().unwrap(), user_ids)
}

/// Erases the rows of Ann in `shop` alone.
async fn erase(rig: &Rig) -> Request {
    let engine = rig.engine();
    let asked = Asked { connection: Some(ConnectionKey::new("shop")), ..asked(Action::Erasure, &ANN) };
    let id = engine.intake(vec![asked]).await.unwrap().remove(0).id().clone();
    rig.work(&engine, &[&id], Until::Ended).await;
    rig.request(&id).await
}

fn hold_on(user_id: &str) -> LegalHold {
    LegalHold {
        id: HoldId::new("hld_1"),
        identities: identities(&[("user_id", user_id)]),
        known: Resolution { user_ids: [Pii::from(user_id)].into(), ..Resolution::default() },
        reason: Pii::from("a lawsuit"),
        placed_at: jiff::Timestamp::UNIX_EPOCH,
        lifted_at: None,
    }
}

fn user_ids(subject: &segment_core::Subject) -> Vec<&str> {
    subject.user_ids.values().flatten().map(|id| id.expose().as_str()).collect()
}

#[tokio::test]
async fn rows_are_looked_up_by_what_the_directories_know() {
    let (rig, databases) = rig().await;
    let request = erase(&rig).await;
    assert_eq!((request.status, request.tasks.len()), (RequestStatus::Complete, 1));
    assert_eq!(request.tasks[0].state.outcome(), Some(Outcome::Masked));
    assert_eq!(user_ids(&databases.state().orders[0].subject), ["u1"]);
}

#[tokio::test]
async fn who_it_is_stays_known_once_rows_may_be_masked() {
    let (mut rig, databases) = rig().await;
    databases.state().failures = vec![unavailable(), unavailable()];
    let request = erase(&rig).await;
    assert_eq!(halt_code(&request), Some("masking_failed"));
    rig.directory = Some(Arc::new(knows(&["u7"])));
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    let orders = databases.state().orders.clone();
    assert_eq!(orders.iter().map(|order| user_ids(&order.subject)).collect::<Vec<_>>(), [["u1"]; 3]);
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::Complete);
}

#[tokio::test]
async fn a_hold_is_known_by_what_the_directories_know() {
    let (rig, databases) = rig().await;
    let hold = hold_on("u1");
    rig.store().place_hold(&hold, &told(hold.placed_at, "placed")).await.unwrap();
    let request = erase(&rig).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("legal_hold")));
    assert!(databases.state().orders.is_empty() && databases.state().masked.is_empty());
}

#[tokio::test]
async fn a_hold_that_comes_between_two_attempts_is_seen() {
    let (rig, databases) = rig().await;
    databases.state().hold = Some(hold_on("u1"));
    let request = erase(&rig).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("legal_hold")));
    assert!(databases.state().masked.is_empty());
}

/// What a dry run says of rows alone.
async fn planned(rig: &Rig, databases: &Databases, holds: Vec<LegalHold>, people: &[(&str, &str)]) -> MaskPlan {
    let rows = databases.sources(&["shop"], &[]);
    let bystanders = rig.connections().iter().map(|one| one.sources().clone()).collect();
    let planner = Planner::new(Vec::new(), rig.policy.clone()).with_holds(holds).with_bystanders(bystanders);
    planner.with_rows(rows).masking(&[identities(people)]).await.unwrap().remove(0)
}

#[tokio::test]
async fn a_dry_run_knows_who_it_is_as_the_run_does() {
    let (mut rig, databases) = rig().await;
    let plan = planned(&rig, &databases, Vec::new(), &ANN).await;
    assert_eq!((plan.people, plan.masks["shop.customer"], plan.warnings), (1, 1, vec![]));
    assert_eq!(user_ids(&databases.state().subjects[0]), ["u1"]);
    let plan = planned(&rig, &databases, vec![hold_on("u1")], &ANN).await;
    assert_eq!(plan.people, 0);
    assert!(plan.warnings[0].contains("the legal hold hld_1"), "{plan:?}");
    let both = [("email", "ann@example.com"), ("email", "ben@example.com")];
    let directory =
        identities(&both).iter().zip(["u1", "u2"]).fold(FakeDirectory::new(), |all, (one, id)| all.with(one, &[id]));
    rig.directory = Some(Arc::new(directory));
    let plan = planned(&rig, &databases, Vec::new(), &both).await;
    assert!(plan.people == 0 && plan.warnings[0].contains("2 different people"), "{plan:?}");
    databases.state().rows = 0;
    let plan = planned(&rig, &databases, Vec::new(), &ANN).await;
    assert!(plan.warnings.iter().any(|warning| warning.contains("nothing")), "nothing would be erased: {plan:?}");
}

async fn access(rig: &Rig, id: &RequestId) -> Request {
    rig.work(&rig.engine(), &[id], Until::Ended).await;
    rig.request(id).await
}

#[tokio::test]
async fn an_access_whose_dataset_is_gone_calls_a_human() {
    let (mut rig, databases) = rig().await;
    rig.owned = Some(databases.owned(&["crm", "shop"]));
    let id = rig.take(&rig.engine(), Action::Access, &ANN).await;
    rig.owned = Some(databases.owned(&["shop"]));
    let request = access(&rig, &id).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("no_connection")));
    assert!(request.package.is_none(), "half of it would pass for the whole");
    rig.owned = Some(databases.owned(&["crm", "shop"]));
    rig.retry(&id).await;
    let request = access(&rig, &id).await;
    assert_eq!(request.status, RequestStatus::Complete);
    assert_eq!(user_ids(&databases.state().subjects[0]), ["u1"]);
}

#[tokio::test]
async fn an_access_that_is_retried_asks_again_where_nothing_was_found() {
    let (mut rig, databases) = rig().await;
    rig.owned = Some(databases.owned(&["crm", "shop"]));
    databases.state().holes = vec![("gone for good", false)];
    let id = rig.take(&rig.engine(), Action::Access, &ANN).await;
    let request = access(&rig, &id).await;
    assert_eq!((request.status, request.tasks[0].state.outcome()), (RequestStatus::Error, Some(Outcome::NoData)));
    databases.state().crm_rows = 2;
    rig.retry(&id).await;
    let request = access(&rig, &id).await;
    assert_eq!(request.status, RequestStatus::Complete);
    let task = &request.tasks[0];
    assert_eq!((task.state.outcome(), task.collections["crm.customer"]), (Some(Outcome::Collected), 2));
}
