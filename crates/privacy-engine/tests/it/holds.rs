//! A legal hold stops an erasure, whichever way the person is named.

use std::{sync::Arc, time::Duration};

use privacy_engine::{Connection, ConnectionKind, Until, known_of};
use segment_core::{
    Action, ClaimScope, HoldId, Identity, IdentityKind, LegalHold, Pii, RequestId, RequestStatus, Resolution,
    TaskState,
    ports::RequestStore,
    testing::{FakeDirectory, told},
};
use segment_mock::{Endpoint, Fault, FaultRule};
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, halt_code, identities};

/// As `holds add` places one: with what can be found out of the person.
async fn hold(rig: &Rig, who: &[(&str, &str)]) -> HoldId {
    let (id, identities) = (HoldId::new("hld_1"), identities(who));
    let sources: Vec<_> = rig.engine().connections().map(Connection::sources).cloned().collect();
    let (known, failures) = known_of(&sources, &identities, 10).await;
    assert!(failures.is_empty(), "{failures:?}");
    let placed_at = rig.mock.clock().now();
    let hold = LegalHold { id: id.clone(), identities, known, reason: Pii::from("case 7"), placed_at, lifted_at: None };
    rig.store().place_hold(&hold, &told(hold.placed_at, "placed")).await.unwrap();
    id
}

fn directory(kind: IdentityKind, value: &str, user_id: &str) -> FakeDirectory {
    FakeDirectory::new().with(&Identity::new(kind, value).unwrap(), &[user_id])
}

fn posts(rig: &Rig) -> usize {
    rig.mock.requests_to(Endpoint::CreateRegulation).len()
}

#[tokio::test]
async fn a_person_on_hold_is_recognised_by_what_unify_knows_of_them() {
    for held in [("email", "Ann@Example.com"), ("user_id", "U-ANN")] {
        let rig = Rig::new(false).await;
        rig.person("ann");
        let hold = hold(&rig, &[held]).await;
        let request = rig.run(Action::Erasure, &[("user_id", "u-ann")], Until::Ended).await;
        assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("legal_hold")));
        let message = &request.tasks[0].state.halt().unwrap().message;
        assert!(message.contains("holds remove hld_1") && !message.to_lowercase().contains("ann"), "{message}");
        assert_eq!(posts(&rig), 0);

        rig.store().lift_hold(&hold, &told(rig.mock.clock().now(), "lifted")).await.unwrap();
        rig.retry(&request.id).await;
        rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
        assert_eq!((rig.request(&request.id).await.status, posts(&rig)), (RequestStatus::Complete, 1));
    }
}

#[tokio::test]
async fn a_hold_stops_neither_an_access_nor_an_unsuppression_nor_another_person() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    rig.person("ben");
    hold(&rig, &[("email", "ann@example.com")]).await;
    for (action, who) in [(Action::Access, "u-ann"), (Action::Unsuppression, "u-ann"), (Action::Erasure, "u-ben")] {
        let request = rig.run(action, &[("user_id", who)], Until::Ended).await;
        assert_eq!(request.status, RequestStatus::Complete, "{action} {who}");
    }
}

/// Takes erasures that are found out about and then wait, since the month's quota is used up.
async fn waiting(rig: &mut Rig, whom: &[(&str, &str)]) -> Vec<RequestId> {
    let quota = std::mem::replace(&mut rig.monthly_users, 0);
    let engine = rig.engine();
    let mut ids = Vec::new();
    for who in whom {
        ids.push(rig.take(&engine, Action::Erasure, &[*who]).await);
    }
    let cancel = CancellationToken::new();
    let (scope, token) = (ClaimScope::Requests(ids.clone()), cancel.clone());
    let working = tokio::spawn(async move { engine.run(&scope, Until::Accepted, &token).await });
    for id in &ids {
        while !rig.request(id).await.tasks.iter().all(|task| task.state == TaskState::Resolved) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    cancel.cancel();
    working.await.unwrap().unwrap();
    rig.monthly_users = quota;
    ids
}

#[tokio::test]
async fn a_hold_placed_after_the_person_was_found_stops_what_has_not_left() {
    let mut rig = Rig::new(false).await;
    rig.person("ann");
    rig.person("ben");
    let ids = waiting(&mut rig, &[("email", "ann@example.com"), ("email", "ben@example.com")]).await;
    hold(&rig, &[("email", "ann@example.com")]).await;

    rig.work(&rig.engine(), &[&ids[0], &ids[1]], Until::Ended).await;
    let (ann, ben) = (rig.request(&ids[0]).await, rig.request(&ids[1]).await);
    assert_eq!((halt_code(&ann), ben.status), (Some("legal_hold"), RequestStatus::Complete));
    let sent = rig.mock.regulations();
    assert_eq!((sent.len(), sent[0].subjects.as_slice()), (1, ["u-ben".to_owned()].as_slice()));
}

#[tokio::test]
async fn what_only_one_connection_knows_stops_the_other_too() {
    let mut rig = Rig::new(false).await;
    rig.person("ann");
    rig.also = Some(Arc::new(directory(IdentityKind::UserId, "u-ann", "shop-7")));
    let ids = waiting(&mut rig, &[("user_id", "u-ann")]).await;
    // Only Unify knows the address, and the hold is placed without asking anybody.
    let identities = identities(&[("email", "ann@example.com")]);
    let (known, reason) = (Resolution::default(), Pii::from("case 7"));
    let placed_at = rig.mock.clock().now();
    let hold = LegalHold { id: HoldId::new("hld_2"), identities, known, reason, placed_at, lifted_at: None };
    rig.store().place_hold(&hold, &told(hold.placed_at, "placed")).await.unwrap();
    rig.work(&rig.engine(), &[&ids[0]], Until::Ended).await;
    let request = rig.request(&ids[0]).await;
    assert_eq!(request.tasks.len(), 2);
    assert!(request.tasks.iter().all(|task| task.state.halt().is_some()), "{:?}", request.tasks);
    assert!(rig.mock.regulations().is_empty());
}

#[tokio::test]
async fn what_one_task_finds_out_later_stops_what_waits_already() {
    let mut rig = Rig::new(false).await;
    rig.person("ann");
    // The shop knows her by the user id only; Unify fails at first, and then tells the address that is on hold.
    rig.also = Some(Arc::new(directory(IdentityKind::UserId, "u-ann", "shop-7")));
    rig.monthly_users = 0;
    rig.mock.fault(FaultRule::new(Fault::unauthorized()).on(Endpoint::ProfileMetadata));
    let request = rig.run(Action::Erasure, &[("user_id", "u-ann")], Until::Accepted).await;
    let identities = identities(&[("email", "ann@example.com")]);
    let (known, reason) = (Resolution::default(), Pii::from("case 7"));
    let placed_at = rig.mock.clock().now();
    let hold = LegalHold { id: HoldId::new("hld_3"), identities, known, reason, placed_at, lifted_at: None };
    rig.store().place_hold(&hold, &told(hold.placed_at, "placed")).await.unwrap();
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    rig.monthly_users = 110_000;
    rig.work(&rig.engine(), &[&request.id], Until::Ended).await;
    let request = rig.request(&request.id).await;
    assert!(request.tasks.iter().all(|task| task.state.halt().is_some()), "{:?}", request.tasks);
    assert!(rig.mock.regulations().is_empty());
}

#[tokio::test]
async fn a_basic_connection_recognises_whom_the_owned_database_knew_when_the_hold_was_placed() {
    let mut rig = Rig::new(false).await;
    rig.kind = ConnectionKind::Segment;
    rig.directory = Some(Arc::new(directory(IdentityKind::Email, "ann@example.com", "u-ann")));
    hold(&rig, &[("email", "ann@example.com")]).await;
    let request = rig.run(Action::Erasure, &[("user_id", "u-ann")], Until::Ended).await;
    assert_eq!(halt_code(&request), Some("legal_hold"));
    assert!(rig.mock.regulations().is_empty());
}

#[tokio::test]
async fn a_person_recognised_at_one_connection_is_stopped_at_all() {
    let mut rig = Rig::new(false).await;
    rig.person("ann");
    rig.second = Some(segment_mock::MockSegment::start(segment_mock::MockConfig::new()).unwrap());
    hold(&rig, &[("email", "ann@example.com")]).await;
    // The second workspace knows nobody; only the first tells the address.
    let request = rig.run(Action::Erasure, &[("user_id", "u-ann")], Until::Ended).await;
    assert_eq!(request.status, RequestStatus::RequiresAttention);
    let halted = |task: &segment_core::Task| task.state.halt().is_some_and(|halt| halt.kind.as_str() == "legal_hold");
    assert!(request.tasks.len() == 2 && request.tasks.iter().all(halted), "{:?}", request.tasks);
    assert!(rig.second.as_ref().unwrap().regulations().is_empty() && posts(&rig) == 0);
}
