//! A legal hold stops an erasure, whichever way the person is named.

use privacy_engine::Until;
use segment_core::{Action, HoldId, LegalHold, Pii, RequestStatus, TaskState, ports::RequestStore};
use segment_mock::Endpoint;

use crate::rig::{Rig, halt_code, identities};

async fn hold(rig: &Rig, who: &[(&str, &str)]) -> HoldId {
    let id = HoldId::new("hld_1");
    let hold = LegalHold {
        id: id.clone(),
        identities: identities(who),
        reason: Pii::from("case 7"),
        placed_at: rig.mock.clock().now(),
        lifted_at: None,
    };
    rig.store().place_hold(&hold).await.unwrap();
    id
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

        rig.store().lift_hold(&hold, rig.mock.clock().now()).await.unwrap();
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

#[tokio::test]
async fn a_hold_placed_after_the_person_was_found_stops_what_has_not_left() {
    let mut rig = Rig::new(false).await;
    rig.person("ann");
    rig.person("ben");
    rig.monthly_users = 0;
    let engine = rig.engine();
    let mut ids = Vec::new();
    for who in ["ann", "ben"] {
        ids.push(rig.take(&engine, Action::Erasure, &[("email", &format!("{who}@example.com"))]).await);
    }
    // Both are found, and wait for the quota.
    let ready = |task: &segment_core::Task| task.state == TaskState::Resolved;
    let working = {
        let (engine, scope) = (engine.clone(), segment_core::ClaimScope::Requests(ids.clone()));
        let cancel = tokio_util::sync::CancellationToken::new();
        let token = cancel.clone();
        (tokio::spawn(async move { engine.run(&scope, Until::Accepted, &token).await }), cancel)
    };
    while !(rig.request(&ids[0]).await.tasks.iter().all(ready) && rig.request(&ids[1]).await.tasks.iter().all(ready)) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    working.1.cancel();
    working.0.await.unwrap().unwrap();
    hold(&rig, &[("email", "ann@example.com")]).await;

    rig.monthly_users = 110_000;
    rig.work(&rig.engine(), &[&ids[0], &ids[1]], Until::Ended).await;
    let (ann, ben) = (rig.request(&ids[0]).await, rig.request(&ids[1]).await);
    assert_eq!((halt_code(&ann), ben.status), (Some("legal_hold"), RequestStatus::Complete));
    let sent = rig.mock.regulations();
    assert_eq!((sent.len(), sent[0].subjects.as_slice()), (1, ["u-ben".to_owned()].as_slice()));
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
