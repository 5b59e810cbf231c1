use std::{collections::BTreeSet, sync::Arc};

use mockall::{Sequence, predicate::always};
use segment_core::{
    ConnectionKey, Cursor, IntentId, Lease, LeaseSubject, Ledger, LedgerState, Member, Page, RegulationEntry,
    RegulationType, RequestId, Service, Workspace,
    ports::{Clock, MockPackageSink, MockRegulationSubmit, MockRegulations, MockRequestStore},
    testing::{CountingRandom, ManualClock},
};

use super::*;
use crate::{Connection, ConnectionKind, Parts, Policy, ProgressSink, Sources};

pub(crate) fn ledger(people: usize) -> Claimed<Ledger> {
    let subject = |at: usize| segment_core::Pii::new(format!("u-{at}"));
    let member = |at: usize| Member {
        lost: 0,
        request: RequestId::new(format!("pri_{at}")),
        given: None,
        known: segment_core::Resolution::default(),
        subjects: [subject(at)].into(),
        identifiers: BTreeSet::new(),
        verified: false,
        masks: false,
    };
    let now = Timestamp::UNIX_EPOCH;
    let item = Ledger {
        intent: IntentId::new("rin_1"),
        connection: ConnectionKey::new("main"),
        kind: RegulationType::SuppressWithDelete,
        source: None,
        state: LedgerState::Sending,
        regulation: None,
        status: None,
        subjects: (0..people).map(subject).collect(),
        subject_count: people as u64,
        created_at: now,
        send_by: now,
        absent_at: None,
        accepted_at: None,
        finished_at: None,
        next_at: None,
        rests_until: None,
        attempts: 0,
        looks: 0,
        destinations: Vec::new(),
        members: (0..people).map(member).collect(),
    };
    Claimed {
        lease: Lease { subject: LeaseSubject::Regulation(item.intent.clone()), fence: 1 },
        item,
        store_now: now,
        tries: 1,
    }
}

fn recorded(people: usize) -> Intended {
    Intended::Recorded(Box::new(ledger(people)))
}

fn backlog(people: u64) -> Backlog {
    Backlog {
        connection: ConnectionKey::new("main"),
        kind: RegulationType::SuppressWithDelete,
        source: None,
        people,
        subjects: people,
        since: Timestamp::UNIX_EPOCH,
        resolvable: false,
        rests_until: None,
    }
}

pub(crate) fn engine(store: MockRequestStore, regulations: MockRegulations, submit: MockRegulationSubmit) -> Engine {
    let sources = Sources {
        enabled: true,
        source: None,
        key: ConnectionKey::new("main"),
        kind: ConnectionKind::Segment,
        workspace: "acme".to_owned(),
        regulations: Arc::new(regulations),
        profiles: None,
        directory: None,
        event_windows: std::num::NonZeroUsize::MIN,
    };
    Engine::new(Parts {
        store: Arc::new(store),
        packages: Arc::new(MockPackageSink::new()),
        clock: Arc::new(ManualClock::default()),
        random: Arc::new(CountingRandom::default()),
        connections: vec![Connection::new(sources, Arc::new(submit), 110_000)],
        withheld: std::collections::BTreeMap::new(),
        owned: None,
        policy: Policy::default(),
        owner: "test".to_owned(),
        progress: ProgressSink::default(),
        hint: Arc::default(),
    })
}

fn acme() -> MockRegulations {
    let mut regulations = MockRegulations::new();
    let workspace = || Workspace { id: "7hT2".into(), slug: "acme".into(), name: "Acme".into() };
    regulations.expect_workspace().returning(move || Ok(workspace()));
    regulations
}

/// Invariant 2: the intent is durable before the call, the outcome before anything depends on it.
#[tokio::test]
async fn the_intent_is_recorded_then_sent_then_its_outcome_is_recorded() {
    let (mut store, mut submit, mut order) = (MockRequestStore::new(), MockRegulationSubmit::new(), Sequence::new());
    store.expect_backlog().returning(|_, _| Ok(vec![backlog(2)]));
    store.expect_intend().once().in_sequence(&mut order).returning(|_| Ok(recorded(2)));
    store.expect_holds().once().in_sequence(&mut order).returning(|| Ok(Vec::new()));
    submit
        .expect_create()
        .with(always(), always())
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Submission::Accepted(RegulationId::new("reg_1")));
    store
        .expect_save_regulation()
        .withf(|_, update| {
            update.ledger.state == LedgerState::Tracking && update.members == MemberChange::All(TaskEvent::Accept)
        })
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(()));
    let engine = engine(store, acme(), submit);
    let intent = engine.close_batch(&ClaimScope::All).await.unwrap().unwrap();
    engine.send(intent).await.unwrap();
}

/// Invariant 3: what may have been created is neither sent again nor given up.
#[tokio::test]
async fn an_unknown_outcome_is_recorded_as_unknown() {
    let (mut store, mut submit) = (MockRequestStore::new(), MockRegulationSubmit::new());
    store.expect_backlog().returning(|_, _| Ok(vec![backlog(1)]));
    store.expect_intend().once().returning(|_| Ok(recorded(1)));
    store.expect_holds().returning(|| Ok(Vec::new()));
    let broken = || SegmentError::new(Service::PublicApi, ErrorKind::Broken);
    submit.expect_create().once().returning(move |_, _| Submission::Unknown(broken()));
    store
        .expect_save_regulation()
        .withf(|_, update| update.ledger.state == LedgerState::Unknown && update.members == MemberChange::None)
        .once()
        .returning(|_, _| Ok(()));
    let engine = engine(store, acme(), submit);
    let intent = engine.close_batch(&ClaimScope::All).await.unwrap().unwrap();
    engine.send(intent).await.unwrap();
}

#[tokio::test]
async fn a_batch_waits_while_others_can_still_join_it_unless_it_is_full() {
    let ready = |subjects, resolvable| {
        let mut store = MockRequestStore::new();
        let waiting = Backlog { resolvable, ..backlog(subjects) };
        store.expect_backlog().returning(move |_, _| Ok(vec![waiting.clone()]));
        store.expect_intend().returning(|_| Ok(recorded(1)));
        let engine = engine(store, acme(), MockRegulationSubmit::new());
        async move { engine.close_batch(&ClaimScope::All).await.unwrap().is_some() }
    };
    assert!(!ready(4_999, true).await);
    assert!(ready(5_000, true).await);
    assert!(ready(1, false).await);
}

/// The token alone decides where is deleted: another workspace's never gets as far as a call.
#[tokio::test]
async fn the_token_of_another_workspace_never_creates() {
    let mut store = MockRequestStore::new();
    store.expect_backlog().returning(|_, _| Ok(vec![backlog(1)]));
    store.expect_intend().once().returning(|_| Ok(recorded(1)));
    store.expect_holds().returning(|| Ok(Vec::new()));
    store
        .expect_save_regulation()
        .withf(|_, update| {
            update.ledger.state == LedgerState::Closed
                && matches!(&update.members, MemberChange::All(TaskEvent::NeedHuman(halt))
                    if halt.kind == HaltKind::WrongWorkspace)
        })
        .once()
        .returning(|_, _| Ok(()));
    let mut regulations = MockRegulations::new();
    let other = || Workspace { id: "x".into(), slug: "other".into(), name: "Other".into() };
    regulations.expect_workspace().returning(move || Ok(other()));
    // No expectation: a call would fail the test.
    let engine = engine(store, regulations, MockRegulationSubmit::new());
    let intent = engine.close_batch(&ClaimScope::All).await.unwrap().unwrap();
    engine.send(intent).await.unwrap();
}

/// Somebody else took what waited: that says nothing of the quota.
#[tokio::test]
async fn a_lost_race_holds_nothing_and_a_used_up_quota_does() {
    let rests = |answer: fn() -> Intended| {
        let mut store = MockRequestStore::new();
        store.expect_backlog().returning(|_, _| Ok(vec![backlog(1)]));
        store.expect_intend().once().returning(move |_| Ok(answer()));
        store.expect_holds().returning(|| Ok(Vec::new()));
        let engine = engine(store, acme(), MockRegulationSubmit::new());
        async move {
            assert!(engine.close_batch(&ClaimScope::All).await.unwrap().is_none());
            let category = RegulationType::SuppressWithDelete.quota();
            engine.rests.forecast(&ConnectionKey::new("main"), category, engine.clock.now())
        }
    };
    assert_eq!(rests(|| Intended::Nothing).await, None);
    assert_eq!(rests(|| Intended::OverQuota).await, Some(quota::next_month(ManualClock::default().now())));
}

/// Segment's word on the quota, whoever heard it, keeps everybody from asking again.
#[tokio::test]
async fn what_segment_said_to_another_worker_is_heeded() {
    let mut store = MockRequestStore::new();
    let until = Some(Timestamp::UNIX_EPOCH + Duration::from_hours(300_000 * 24));
    store.expect_backlog().returning(move |_, _| Ok(vec![Backlog { rests_until: until, ..backlog(1) }]));
    let engine = engine(store, acme(), MockRegulationSubmit::new());
    assert!(engine.close_batch(&ClaimScope::All).await.unwrap().is_none(), "no intent was recorded");
}

/// A list that grows while it is read shows an entry on two pages: that is one regulation, not two.
#[tokio::test]
async fn an_entry_that_is_listed_twice_is_one_regulation() {
    let mut regulations = acme();
    regulations.expect_list().times(2).returning(|query| {
        let entry = RegulationEntry {
            id: RegulationId::new("reg_1"),
            kind: Some(RegulationType::SuppressWithDelete),
            status: segment_core::RegulationStatus::Running,
            subjects: Some(ledger(1).item.subjects),
            created_at: Some(Timestamp::UNIX_EPOCH),
        };
        let next = query.next.is_none().then(|| Cursor::new("2")).flatten();
        Ok(Page { items: vec![entry], next })
    });
    let mut store = MockRequestStore::new();
    store.expect_is_known().returning(|_, _| Ok(false));
    store
        .expect_save_regulation()
        .withf(|_, update| update.ledger.state == LedgerState::Tracking && update.notes.is_empty())
        .once()
        .returning(|_, _| Ok(()));
    let engine = engine(store, regulations, MockRegulationSubmit::new());
    let mut lost = ledger(1);
    lost.item.state = LedgerState::Unknown;
    lost.store_now = after(lost.item.send_by, Duration::from_mins(2));
    engine.reconcile(lost).await.unwrap();
}
