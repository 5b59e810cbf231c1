//! Steps of a request.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use serde_json::json;

use super::sample::{
    BASIC, HELD, UNIFY, access, assert_misuse, at, claim_only, due, erasure, get, halt, id, intend, on_both, plan,
    record, resolved, steps, update,
};
use crate::{
    AuditEntry, ConnectionKey, Decision, FileReceipt, Finding, FindingCode, IdentityKind, Outcome, PackageReceipt, Pii,
    ProfileRef, RegulationType, RequestStatus, RequestUpdate, Resolution, Resume, RowMark, RowTrace, Task, TaskState,
    ports::RequestStore,
};

fn full_task() -> Task {
    let phone = ProfileRef::external_id(IdentityKind::PhoneNumber, Pii::from("+49 30 1"));
    Task {
        state: TaskState::Attention(halt(Resume::Queued)),
        resolution: Some(Resolution {
            user_ids: super::sample::ids(["u1", "U1", "größe \"7\""]),
            profiles: vec![ProfileRef::SegmentId(Pii::from("use_2")), phone.clone()],
            identifiers: [phone, ProfileRef::external_id(IdentityKind::Other("ios.idfa".into()), Pii::from("x"))]
                .into(),
            unreachable: 4,
            rows: RowTrace {
                entered_by: [("shop.order.customer_id".to_owned(), [(Pii::from("7"), true)].into())].into(),
                referring: [("crm.contact.number".to_owned(), [(Pii::from("8"), 2)].into())].into(),
                shared: ["shop.order.customer_id".to_owned()].into(),
                user_ids: [(ConnectionKey::new("another"), super::sample::ids(["u9"]))].into(),
                marks: vec![RowMark {
                    collection: "shop.customer".to_owned(),
                    key: vec![Pii::from("1"), Pii::from("größe")],
                    before: Pii::new("cd".repeat(32)),
                    digest: Pii::new("ab".repeat(32)),
                }],
            },
        }),
        kind: Some(RegulationType::Other("NEW_TYPE".into())),
        user_ids: 3,
        unreachable: 4,
        collections: [("events".to_owned(), 12), ("traits".to_owned(), 0)].into(),
        findings: [Finding::new(FindingCode::OutOfReach, "copies in S3"), Finding::new(FindingCode::Unreachable, "4")]
            .into(),
        attempts: 2,
        verified_at: Some(at(7)),
        ..Task::new(ConnectionKey::new(BASIC))
    }
}

/// Everything of a task that a step carries is read back, and tasks that it does not carry stay as they are.
pub async fn a_saved_task_is_read_back(store: &dyn RequestStore) {
    record(store, &[on_both(access(1))]).await;
    let claimed = claim_only(store, 1, HELD).await;
    store.save_request(&claimed.lease, &update(vec![full_task()])).await.unwrap();
    let tasks = get(store, 1).await.tasks;
    assert_eq!(tasks, [full_task(), Task::new(ConnectionKey::new(UNIFY))]);
}

/// The package is read back, and a later step without one leaves it.
pub async fn a_package_stays(store: &dyn RequestStore) {
    let package = PackageReceipt {
        location: "packages/pri_0001.zip".into(),
        bytes: 12_345,
        sha256: "ab".repeat(32),
        files: vec![FileReceipt { path: "s/events.csv".into(), records: 3, complete: false }],
    };
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let step = RequestUpdate { package: Some(package.clone()), next_at: Some(at(1)), ..update(vec![]) };
    store.save_request(&claimed.lease, &step).await.unwrap();
    let claimed = claim_only(store, 1, HELD).await;
    assert_eq!(claimed.item.package.as_ref(), Some(&package));
    store.save_request(&claimed.lease, &update(vec![])).await.unwrap();
    assert_eq!(get(store, 1).await.package, Some(package));
}

/// A task of a connection that the request does not have is refused, and nothing of the step is written.
pub async fn a_task_that_is_not_the_requests_is_refused(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let before = (get(store, 1).await, steps(store, 1).await);
    let stranger = Task::new(ConnectionKey::new("another"));
    let audit = vec![AuditEntry::new(at(100), "strange", json!({}))];
    let step = RequestUpdate { audit, ..update(vec![full_task(), stranger]) };
    assert_misuse(store.save_request(&claimed.lease, &step).await);
    assert_eq!((get(store, 1).await, steps(store, 1).await), before);
    store.save_request(&claimed.lease, &update(vec![full_task()])).await.unwrap();
}

/// Which regulation a task is part of changes with regulations only: a step of the request cannot take it away.
pub async fn a_step_does_not_choose_the_regulation(store: &dyn RequestStore) {
    record(store, &[erasure(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let waits = vec![resolved(claimed.item.tasks[0].clone(), ["u1"])];
    store.save_request(&claimed.lease, &RequestUpdate { next_at: Some(at(1)), ..update(waits) }).await.unwrap();
    let intent = intend(store, &plan("rin_1")).await.item.intent;
    let claimed = claim_only(store, 1, HELD).await;
    let task = Task { regulation: None, attempts: 3, ..claimed.item.tasks[0].clone() };
    store.save_request(&claimed.lease, &update(vec![task])).await.unwrap();
    let task = get(store, 1).await.tasks.remove(0);
    assert_eq!((task.regulation, task.attempts, task.state), (Some(intent), 3, TaskState::Sending));
}

/// A task without user ids, or without a type of regulation, cannot wait for one: it would hold up everybody's.
pub async fn nothing_waits_without_user_ids_and_a_type(store: &dyn RequestStore) {
    record(store, &[erasure(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let whole = resolved(claimed.item.tasks[0].clone(), ["u1"]);
    let nobody = Some(Resolution::default());
    let halves = [
        Task { kind: None, ..whole.clone() },
        Task { resolution: None, ..whole.clone() },
        Task { resolution: nobody, ..whole.clone() },
    ];
    for half in halves {
        assert_misuse(store.save_request(&claimed.lease, &update(vec![half])).await);
    }
    assert!(store.backlog(&crate::ClaimScope::All, at(1_000)).await.unwrap().is_empty());
    store.save_request(&claimed.lease, &update(vec![whole])).await.unwrap();
}

/// A step without a next time leaves nothing for a worker; one with a next time does.
pub async fn a_step_says_when_to_go_on(store: &dyn RequestStore) {
    record(store, &[access(1), access(2)]).await;
    for (number, next_at) in [(1, None), (2, Some(at(50)))] {
        let claimed = claim_only(store, number, HELD).await;
        store.save_request(&claimed.lease, &RequestUpdate { next_at, ..update(vec![]) }).await.unwrap();
    }
    assert_eq!(due(store).await, [id(2)]);
    assert_eq!(store.next_due(&super::sample::only(1)).await.unwrap().earliest(), None);
    assert_eq!(store.next_due(&super::sample::only(2)).await.unwrap().earliest(), Some(at(50)));
}

/// The status follows from the tasks, by [`RequestStatus::of`], in the step that changes them.
pub async fn the_status_follows_from_the_tasks(store: &dyn RequestStore) {
    let states = [
        TaskState::Queued,
        TaskState::Resolved,
        TaskState::Sending,
        TaskState::Awaiting,
        TaskState::Complete(Outcome::NoData),
        TaskState::Attention(halt(Resume::Queued)),
        TaskState::Error(halt(Resume::Queued)),
        TaskState::Canceled,
    ];
    record(store, &[on_both(access(1))]).await;
    let task = |key, state: &TaskState| {
        let task = Task::new(ConnectionKey::new(key));
        // What waits for a regulation has user ids to be sent.
        if *state == TaskState::Resolved { resolved(task, ["u1"]) } else { Task { state: state.clone(), ..task } }
    };
    for basic in &states {
        for unify in &states {
            let claimed = claim_only(store, 1, HELD).await;
            let tasks = vec![task(BASIC, basic), task(UNIFY, unify)];
            let step = RequestUpdate { next_at: Some(at(1)), ..update(tasks) };
            store.save_request(&claimed.lease, &step).await.unwrap();
            let request = get(store, 1).await;
            assert_eq!(request.status, RequestStatus::of(request.gate, true, [basic, unify]), "{basic:?} {unify:?}");
            assert_eq!(request.completed_at.is_some(), request.status == RequestStatus::Complete);
            assert_eq!(store.requests(&crate::RequestFilter::default()).await.unwrap()[0].status, request.status);
        }
    }
}

/// The time of completion is that of the step which completed it, stays when it is saved again, and goes when a human
/// brings the request back to life.
pub async fn completion_has_its_time(store: &dyn RequestStore) {
    record(store, &[on_both(access(1))]).await;
    let complete = |key| Task { state: TaskState::Complete(Outcome::Collected), ..Task::new(ConnectionKey::new(key)) };
    for (minute, tasks) in [(100, vec![complete(BASIC)]), (110, vec![complete(UNIFY)]), (120, vec![])] {
        let claimed = claim_only(store, 1, HELD).await;
        let step = RequestUpdate { next_at: Some(at(1)), at: at(minute), ..update(tasks) };
        store.save_request(&claimed.lease, &step).await.unwrap();
        let expected = (minute > 100).then(|| at(110));
        assert_eq!(get(store, 1).await.completed_at, expected);
    }
    let claimed = claim_only(store, 1, HELD).await;
    let failed = Task { state: TaskState::Error(halt(Resume::Queued)), ..complete(UNIFY) };
    store.save_request(&claimed.lease, &update(vec![failed])).await.unwrap();
    let retried = store.decide(&id(1), &Decision::Retry, "ops", at(130)).await.unwrap().unwrap();
    assert_eq!((retried.status, retried.completed_at), (RequestStatus::InProcessing, None));
}

/// The log is in the order of the steps, with their times and facts; a change of the status stands after what a step tells.
pub async fn the_log_keeps_its_order(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let claimed = claim_only(store, 1, HELD).await;
    let told: Vec<_> = (0..20)
        .map(|n| AuditEntry::new(at(50 - n), format!("step_{n}"), json!({"n": n, "list": [1, "two", null]})))
        .collect();
    let tasks = vec![Task { state: TaskState::Complete(Outcome::NoData), ..Task::new(ConnectionKey::new(BASIC)) }];
    let step = RequestUpdate { audit: told.clone(), ..update(tasks) };
    store.save_request(&claimed.lease, &step).await.unwrap();
    let log = store.log(&id(1)).await.unwrap();
    assert_eq!(log[0].step, "received");
    assert_eq!(log[1], AuditEntry::new(at(1_000), "status", json!({"from": "approved", "to": "in_processing"})));
    assert_eq!(log[2..22], told);
    assert_eq!(log[22..], [AuditEntry::new(at(100), "status", json!({"from": "in_processing", "to": "complete"}))]);
}
