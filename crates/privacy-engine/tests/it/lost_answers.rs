//! The intent comes first, and what may exist is looked for before anything is sent again.

use std::time::Duration;

use privacy_engine::Until;
use segment_core::{
    Action, ClaimScope, Claimed, ConnectionKey, Intended, IntentId, IntentPlan, Ledger, LedgerState, LedgerUpdate,
    MemberChange, MonthlyQuota, RegulationType, RequestId, RequestStatus, RequestUpdate, Resolution, TaskEvent,
    ports::{Clock, RequestStore},
};
use segment_http::SystemClock;
use segment_mock::{Endpoint, Fault, FaultRule, MockConfig};

use crate::rig::{Rig, codes, halt_code};

const ANN: [(&str, &str); 1] = [("user_id", "u-ann")];

fn posts(rig: &Rig) -> usize {
    rig.mock.requests_to(Endpoint::CreateRegulation).len()
}

fn lose(rig: &Rig, fault: Fault) {
    rig.mock.fault(FaultRule::new(fault).on(Endpoint::CreateRegulation));
}

#[tokio::test]
async fn an_answer_lost_after_acceptance_is_adopted_and_not_sent_again() {
    for fault in [Fault::accept_then_cut(), Fault::accept_without_id()] {
        let mut rig = Rig::new(false).await;
        rig.policy.lease = Duration::from_secs(1);
        lose(&rig, fault);
        let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
        assert_eq!(request.status, RequestStatus::AwaitingProcessor, "{:?}", rig.steps(&request.id).await);
        assert_eq!((posts(&rig), rig.mock.regulations().len()), (1, 1));
        let ledger = &rig.ledgers(&request.id).await[0];
        assert_eq!(ledger.regulation.as_ref().unwrap().as_str(), rig.mock.regulations()[0].id);
    }
}

#[tokio::test]
async fn what_two_complete_listings_do_not_show_is_sent_again() {
    for fault in [
        Fault::cut(),
        Fault::server_error(),
        Fault::html(502),
        Fault::upstream(),
        Fault::redirect(302, "http://127.0.0.1:9/"),
    ] {
        let rig = Rig::new(false).await;
        lose(&rig, fault);
        let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
        assert_eq!(request.status, RequestStatus::AwaitingProcessor, "{:?}", rig.steps(&request.id).await);
        assert_eq!((posts(&rig), rig.mock.regulations().len()), (2, 1));
        let steps = rig.steps(&request.id).await;
        let order = ["answer_lost", "listed_without_it", "ruled_out", "intended", "accepted"];
        let mut rest = steps.iter();
        assert!(order.iter().all(|step| rest.any(|seen| seen == step)), "{steps:?}");
        assert_eq!(rig.mock.requests_to(Endpoint::ListRegulations).len(), 2);
    }
}

#[tokio::test]
async fn a_segment_that_never_answers_is_given_up() {
    let rig = Rig::new(false).await;
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::CreateRegulation).always());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::Error, Some("segment_failed")));
    assert_eq!((posts(&rig), rig.mock.regulations().len()), (2, 0));
}

#[tokio::test]
async fn a_listing_that_lags_behind_is_waited_for() {
    let rig = Rig::with(MockConfig::new().eventual(Duration::from_millis(20)), false).await;
    lose(&rig, Fault::accept_then_cut());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((posts(&rig), rig.mock.regulations().len()), (1, 1), "{:?}", rig.steps(&request.id).await);
}

#[tokio::test]
async fn entries_without_ids_never_mean_absent() {
    let rig = Rig::new(false).await;
    lose(&rig, Fault::accept_then_cut());
    rig.mock.fault(FaultRule::new(Fault::entries_without_subjects()).on(Endpoint::ListRegulations).always());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("reconcile_undecided")));
    assert_eq!(posts(&rig), 1, "nothing is sent on a guess");

    // A human looked; the list is readable again: the retry finds it.
    rig.mock.clear_faults();
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    assert_eq!(rig.request(&request.id).await.status, RequestStatus::AwaitingProcessor);
    assert_eq!(posts(&rig), 1);
}

#[tokio::test]
async fn after_ninety_days_not_to_be_listed_means_nothing() {
    let rig = Rig::new(false).await;
    lose(&rig, Fault::accept_then_cut());
    rig.mock.fault(FaultRule::new(Fault::entries_without_subjects()).on(Endpoint::ListRegulations).always());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    rig.mock.clear_faults();
    // Somebody comes back to it when Segment has forgotten it.
    rig.mock.advance(Duration::from_hours(91 * 24));
    rig.retry(&request.id).await;
    rig.work(&rig.engine(), &[&request.id], Until::Accepted).await;
    let request = rig.request(&request.id).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("reconcile_undecided")));
    assert_eq!(posts(&rig), 1, "nothing is sent on a guess");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_never_means_absent() {
    let rig = Rig::new(false).await;
    lose(&rig, Fault::cut());
    rig.mock.fault(FaultRule::new(Fault::server_error()).on(Endpoint::ListRegulations).always());
    let request = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_eq!(halt_code(&request), Some("reconcile_undecided"));
    assert_eq!(posts(&rig), 1);
}

#[tokio::test]
async fn of_several_the_oldest_is_adopted_and_the_rest_reported() {
    let rig = Rig::new(false).await;
    lose(&rig, Fault::accept_then_cut());
    let body = r#"{"regulationType":"SUPPRESS_WITH_DELETE","subjectType":"USER_ID","subjectIds":["u-ann"]}"#;
    // Somebody else orders the same, after ours was stored.
    let engine = rig.engine();
    let id = rig.take(&engine, Action::Erasure, &ANN).await;
    let ids = [&id];
    let run = rig.work(&engine, &ids, Until::Accepted);
    let double = async {
        while rig.mock.regulations().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        rig.mock.advance(Duration::from_secs(1));
        post(&rig, body).await;
    };
    tokio::join!(run, double);
    let request = rig.request(&id).await;
    assert_eq!(codes(&request), ["duplicate_regulation"]);
    let mut all = rig.mock.regulations();
    all.sort_by_key(|regulation| regulation.created_at);
    assert_eq!(rig.ledgers(&id).await[0].regulation.as_ref().unwrap().as_str(), all[0].id);
}

/// A POST by somebody else.
async fn post(rig: &Rig, body: &str) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let url = rig.mock.url();
    let host = url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST /regulations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        rig.mock.public_token(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn an_older_regulation_for_the_same_ids_is_not_taken_for_ours() {
    let rig = Rig::new(false).await;
    let first = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    rig.mock.advance(Duration::from_hours(1));
    let engine = rig.engine();
    rig.pass(&engine, &first.id, 4).await;
    lose(&rig, Fault::cut());
    let second = rig.run(Action::Erasure, &ANN, Until::Accepted).await;
    assert_ne!(first.id, second.id);
    assert_eq!(rig.mock.regulations().len(), 2, "{:?}", rig.steps(&second.id).await);
}

/// The request is ready for a regulation, by somebody else's hand.
async fn resolve(rig: &Rig, id: &RequestId) {
    let (scope, at) = (ClaimScope::Requests(vec![id.clone()]), rig.mock.clock().now());
    let claimed = rig.store().claim_requests(&scope, "dead", Duration::from_secs(5), 1, at).await.unwrap();
    let mut task = claimed[0].item.tasks[0].clone();
    task.state = task.state.apply(TaskEvent::Resolve).unwrap();
    task.kind = Some(RegulationType::SuppressWithDelete);
    task.user_ids = 1;
    task.resolution = Some(Resolution { user_ids: ["u-ann".into()].into(), ..Resolution::default() });
    let update = RequestUpdate { tasks: vec![task], package: None, next_at: None, audit: Vec::new(), at };
    rig.store().save_request(&claimed[0].lease, &update).await.unwrap();
}

/// A worker that has recorded the intent, and is never heard of again.
async fn die_after_the_intent(rig: &Rig, id: &RequestId, intent: &str) -> Claimed<Ledger> {
    let at = rig.mock.clock().now();
    let plan = IntentPlan {
        intent: IntentId::new(intent),
        connection: ConnectionKey::new("main"),
        kind: RegulationType::SuppressWithDelete,
        source: None,
        scope: ClaimScope::Requests(vec![id.clone()]),
        max_subjects: 5_000,
        max_bytes: 1_000_000,
        quota: MonthlyQuota { users: 110_000, since: at, reserve: 0, urgent_before: at },
        lease: Duration::from_millis(80),
        send_within: Duration::from_millis(40),
        owner: "dead".to_owned(),
        at,
    };
    let Intended::Recorded(dead) = rig.store().intend(&plan).await.unwrap() else { panic!("it waits") };
    assert_eq!(dead.item.state, LedgerState::Sending);
    *dead
}

#[tokio::test]
async fn who_kills_every_sender_is_parked_until_a_human_retries() {
    let rig = Rig::new(false).await;
    let id = rig.take(&rig.engine(), Action::Erasure, &ANN).await;
    resolve(&rig, &id).await;
    for number in 1..=7 {
        // Both listings showed nothing, and it waits again.
        let dead = die_after_the_intent(&rig, &id, &format!("rin_{number}")).await;
        let ledger = Ledger { state: LedgerState::Closed, next_at: None, ..dead.item };
        let members = MemberChange::Requeue { max_people: None };
        let at = rig.mock.clock().now();
        let update = LedgerUpdate { ledger, absent: true, members, notes: Vec::new(), audit: Vec::new(), at };
        rig.store().save_regulation(&dead.lease, &update).await.unwrap();
    }
    die_after_the_intent(&rig, &id, "rin_8").await;
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    let request = rig.request(&id).await;
    assert_eq!((request.status, halt_code(&request)), (RequestStatus::RequiresAttention, Some("never_finished")));
    assert_eq!(posts(&rig), 0);

    rig.retry(&id).await;
    die_after_the_intent(&rig, &id, "rin_9").await;
    rig.work(&rig.engine(), &[&id], Until::Accepted).await;
    let request = rig.request(&id).await;
    assert_eq!(request.status, RequestStatus::AwaitingProcessor, "what came before the retry does not count");
    assert_eq!(posts(&rig), 1);
}

#[tokio::test]
async fn a_worker_that_died_after_the_intent_is_reconciled_by_the_next() {
    let rig = Rig::new(false).await;
    let engine = rig.engine();
    let id = rig.take(&engine, Action::Erasure, &ANN).await;
    let clock = SystemClock::new();
    resolve(&rig, &id).await;
    let dead = die_after_the_intent(&rig, &id, "rin_dead").await;

    let begun = clock.monotonic();
    rig.work(&engine, &[&id], Until::Accepted).await;
    assert!(clock.monotonic().checked_sub(begun).unwrap() > Duration::from_millis(80), "not before the lease is over");
    assert_eq!(rig.mock.regulations().len(), 1);
    let steps = rig.steps(&id).await;
    assert!(steps.contains(&"ruled_out".to_owned()), "{steps:?}");
    // It comes back to life: its fencing token is worth nothing any more.
    let late = LedgerUpdate {
        ledger: dead.item.clone(),
        absent: false,
        members: MemberChange::None,
        notes: Vec::new(),
        audit: Vec::new(),
        at: rig.mock.clock().now(),
    };
    let refused = rig.store().save_regulation(&dead.lease, &late).await;
    assert!(matches!(refused, Err(segment_core::ports::StoreError::StaleLease)), "{refused:?}");
}
