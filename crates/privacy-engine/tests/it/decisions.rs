//! What humans decide, and what the plan says before.

use privacy_engine::{Connection, Planner, Stop, Until};
use segment_core::{Action, Decision, RequestStatus, ports::RequestStore};
use segment_mock::Endpoint;

use crate::rig::{Rig, asked, identities};

const ANN: [(&str, &str); 1] = [("email", "ann@example.com")];

#[tokio::test]
async fn erasures_wait_for_approval_where_it_is_required() {
    let mut rig = Rig::new(false).await;
    rig.policy.require_approval = true;
    rig.person("ann");
    let request = rig.run(Action::Erasure, &ANN, Until::Ended).await;
    assert_eq!(request.status, RequestStatus::Pending);
    assert!(rig.mock.requests().is_empty(), "nobody was looked up");
    let at = rig.mock.clock().now();
    rig.store().decide(&request.id, &Decision::Approve, "ops", at).await.unwrap();
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::AwaitingProcessor);

    let denied = rig.run(Action::Erasure, &[("email", "ben@example.com")], Until::Ended).await;
    let denied = rig
        .store()
        .decide(&denied.id, &Decision::Deny { reason: "not them".into() }, "ops", at)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((denied.status, denied.denied_reason.clone()), (RequestStatus::Denied, Some("not them".into())));
}

#[tokio::test]
async fn what_has_left_cannot_be_canceled() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    let sent = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    let at = rig.mock.clock().now();
    let after = rig.store().decide(&sent.id, &Decision::Cancel, "ops", at).await.unwrap().unwrap();
    assert_eq!(after.status, RequestStatus::AwaitingProcessor);

    let engine = rig.engine();
    let open = rig.take(&engine, Action::Erasure, &[("email", "ben@example.com")]).await;
    let after = rig.store().decide(&open, &Decision::Cancel, "ops", at).await.unwrap().unwrap();
    assert_eq!(after.status, RequestStatus::Canceled);
    rig.work(&engine, &[&open], Until::Accepted).await;
    assert_eq!(rig.mock.regulations().len(), 1);
}

#[tokio::test]
async fn the_same_request_is_taken_once() {
    let rig = Rig::new(false).await;
    let engine = rig.engine();
    let first = rig.take(&engine, Action::Erasure, &ANN).await;
    assert_eq!(rig.take(&engine, Action::Erasure, &[("email", "ANN@example.com")]).await, first);
    assert_ne!(rig.take(&engine, Action::Access, &ANN).await, first);
}

#[tokio::test]
async fn a_plan_reads_and_writes_nothing() {
    let rig = Rig::new(false).await;
    rig.person("ann");
    rig.person("ben");
    let engine = rig.engine();
    let sources = engine.connections().map(Connection::sources).cloned().collect();
    let planner = Planner::new(sources, rig.policy.clone());
    let people = [identities(&ANN), identities(&[("email", "ann@example.com"), ("email", "ben@example.com")])];
    let plans = planner.erasure(&people, None).await.unwrap();
    assert_eq!((plans[0].subjects, plans[0].calls), (1, 1));
    assert!(plans[0].warnings.iter().any(|warning| warning.contains("2 different people")), "{:?}", plans[0].warnings);
    assert!(rig.mock.requests().iter().all(|request| request.method == "GET"));
    assert!(rig.mock.requests_to(Endpoint::CreateRegulation).is_empty());
    assert!(rig.store().requests(&segment_core::RequestFilter::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_disabled_connection_sends_nothing_and_follows_what_segment_has() {
    let mut rig = Rig::new(true).await;
    rig.person("ann");
    rig.person("ben");
    let engine = rig.engine();
    let sent = rig.take(&engine, Action::Erasure, &[("user_id", "u-ann")]).await;
    rig.work(&engine, &[&sent], Until::Accepted).await;
    let waits = rig.take(&engine, Action::Erasure, &[("user_id", "u-ben")]).await;

    rig.enabled = false;
    let disabled = rig.engine();
    let refused = disabled.intake(vec![asked(Action::Erasure, &[("user_id", "u-cid")])]).await.unwrap_err();
    assert!(refused.to_string().contains("disabled"), "{refused}");
    assert_eq!(rig.work(&disabled, &[&waits], Until::Accepted).await, Stop::Waiting(None));
    assert_eq!(rig.request(&waits).await.status, RequestStatus::InProcessing);
    rig.work(&disabled, &[&sent], Until::Ended).await;
    assert_eq!(rig.request(&sent).await.status, RequestStatus::Complete);
    assert_eq!(rig.mock.regulations().len(), 1);

    rig.enabled = true;
    rig.work(&rig.engine(), &[&waits], Until::Ended).await;
    assert_eq!((rig.request(&waits).await.status, rig.mock.regulations().len()), (RequestStatus::Complete, 2));
}

#[tokio::test]
async fn a_connection_that_cannot_be_used_is_waited_for() {
    let mut rig = Rig::new(true).await;
    rig.person("ann");
    let engine = rig.engine();
    let sent = rig.take(&engine, Action::Erasure, &[("user_id", "u-ann")]).await;
    rig.work(&engine, &[&sent], Until::Accepted).await;
    let waits = rig.take(&engine, Action::Access, &ANN).await;

    rig.withheld = Some("its secret cannot be read".to_owned());
    for _ in 0..12 {
        // As often as a worker would have given up.
        let stop = rig.work(&rig.engine(), &[&sent, &waits], Until::Accepted).await;
        assert!(matches!(stop, Stop::Waiting(_)), "{stop:?}");
        rig.mock.advance(std::time::Duration::from_hours(1));
    }
    assert_eq!(rig.request(&waits).await.status, RequestStatus::InProcessing);
    assert_eq!(rig.request(&sent).await.status, RequestStatus::AwaitingProcessor);
    assert!(rig.steps(&sent).await.len() < 8 && rig.steps(&waits).await.len() < 4, "nothing piles up in the log");

    rig.withheld = None;
    rig.mock.advance(std::time::Duration::from_hours(1));
    rig.work(&rig.engine(), &[&sent, &waits], Until::Ended).await;
    assert_eq!(rig.request(&waits).await.status, RequestStatus::Complete);
    assert_eq!(rig.request(&sent).await.status, RequestStatus::Complete);
}

#[tokio::test]
async fn a_connection_that_was_disabled_meanwhile_takes_no_new_work() {
    let rig = Rig::new(true).await;
    rig.person("ann");
    let engine = rig.engine();
    engine.connections().for_each(Connection::disable);
    assert_eq!(engine.left_out(Action::Erasure, None), [segment_core::ConnectionKey::new("main")]);
    let error = engine.connections_for(Action::Erasure, None).unwrap_err();
    assert!(error.to_string().contains("main"), "{error}");
}

#[tokio::test]
async fn a_policy_of_zeros_works_one_after_the_other() {
    let mut rig = Rig::new(true).await;
    (rig.policy.concurrency, rig.policy.longest_nap) = (0, std::time::Duration::ZERO);
    rig.person("ann");
    let request = rig.run(Action::Erasure, &[("user_id", "u-ann")], Until::Accepted).await;
    assert_eq!(request.status, RequestStatus::AwaitingProcessor);
}
