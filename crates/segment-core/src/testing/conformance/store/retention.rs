//! What goes when its time is over.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use std::time::Duration;

use super::sample::{
    HELD, access, at, awaiting, claim_only, claim_regulation, erasure, get, id, ledger_update, record, steps, update,
    with_rows,
};
use crate::{
    Claimed, Decision, Expired, Halt, HaltKind, HoldId, Holder, Intake, Ledger, LedgerState, LegalHold, MemberChange,
    NewRequest, Outcome, PackageReceipt, Pii, RequestStatus, RequestUpdate, Resolution, Resume, Retention, Task,
    TaskEvent, TaskState, ports::RequestStore, testing::told,
};

const RETENTION: Retention = Retention {
    packages: Duration::from_mins(10),
    identities: Duration::from_mins(20),
    last_look: Duration::from_mins(100),
};

async fn expired(store: &dyn RequestStore, minute: i64) -> Vec<Expired> {
    store.expired(&RETENTION, at(minute), 10).await.unwrap()
}

fn of(number: u32, package: Option<&str>, identities: bool) -> Expired {
    Expired { request: id(number), package: package.map(str::to_owned), identities }
}

async fn canceled(store: &dyn RequestStore, request: NewRequest, minute: i64) {
    record(store, std::slice::from_ref(&request)).await;
    store.decide(&request.id, &Decision::Cancel, "ops", at(minute)).await.unwrap();
}

/// Identities are due after their time from the end on, whichever end it was; those of an open request never.
pub async fn identities_are_due_after_their_time(store: &dyn RequestStore) {
    record(store, &[erasure(1), erasure(4)]).await;
    canceled(store, erasure(2), 100).await;
    let pending = NewRequest { needs_approval: true, ..erasure(3) };
    record(store, std::slice::from_ref(&pending)).await;
    store.decide(&pending.id, &Decision::Deny { reason: "no".into() }, "ops", at(101)).await.unwrap();
    let Claimed { lease, item, .. } = claim_only(store, 4, HELD).await;
    let given_up = Halt { kind: HaltKind::SegmentFailed, message: "no".into(), resume: Resume::Queued };
    let task = Task { state: TaskState::Error(given_up), ..item.tasks[0].clone() };
    store.save_request(&lease, &RequestUpdate { at: at(102), ..update(vec![task]) }).await.unwrap();
    assert!(expired(store, 119).await.is_empty());
    assert_eq!(expired(store, 120).await, [of(2, None, true)]);
    assert_eq!(expired(store, 10_000).await, [of(2, None, true), of(3, None, true), of(4, None, true)]);
    assert_eq!(store.expired(&RETENTION, at(10_000), 1).await.unwrap(), [of(2, None, true)], "the limit");
}

/// A package is due by its own time, once; what was in it stays known.
pub async fn a_package_is_due_once(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let package =
        PackageReceipt { location: "packages/1.zip".into(), bytes: 5, sha256: "ab".into(), files: Vec::new() };
    let task = Task { state: TaskState::Complete(Outcome::Collected), ..item.tasks[0].clone() };
    let step = RequestUpdate { package: Some(package.clone()), at: at(100), ..update(vec![task]) };
    store.save_request(&lease, &step).await.unwrap();
    assert_eq!(get(store, 1).await.status, RequestStatus::Complete);
    assert_eq!(expired(store, 110).await, [of(1, Some("packages/1.zip"), false)]);
    for _ in 0..2 {
        store.package_deleted(&id(1), at(111)).await.unwrap();
    }
    assert!(expired(store, 111).await.is_empty());
    assert_eq!(expired(store, 120).await, [of(1, None, true)]);
    assert_eq!(get(store, 1).await.package, Some(package));
    let deleted = steps(store, 1).await.into_iter().filter(|step| step == "package_deleted").count();
    assert_eq!(deleted, 1);
}

/// The last read-back that is planned needs the identities: their time begins after it.
pub async fn the_time_begins_after_the_last_look(store: &dyn RequestStore) {
    awaiting(store, 1, "i1").await;
    let Claimed { lease, item, .. } = claim_regulation(store, HELD).await.unwrap();
    let looking = Ledger { state: LedgerState::Looking, finished_at: Some(at(290)), next_at: Some(at(290)), ..item };
    let step = ledger_update(looking, MemberChange::All(TaskEvent::Complete(Outcome::Deleted)));
    store.save_regulation(&lease, &step).await.unwrap();
    assert_eq!(get(store, 1).await.completed_at, Some(at(300)));
    assert!(expired(store, 10_000).await.is_empty(), "it is still read back");

    let Claimed { lease, item, .. } = claim_regulation(store, HELD).await.unwrap();
    let over = Ledger { state: LedgerState::Closed, looks: 1, next_at: None, ..item };
    store.save_regulation(&lease, &ledger_update(over, MemberChange::None)).await.unwrap();
    assert!(expired(store, 409).await.is_empty(), "it ended in 300, but the last look was planned for 390");
    assert_eq!(expired(store, 410).await, [of(1, None, true)]);
}

/// What is destroyed is gone, and the rest stays: status, counts, log, and that the same was asked before.
pub async fn what_is_destroyed_is_gone_and_the_rest_stays(store: &dyn RequestStore) {
    awaiting(store, 1, "i1").await;
    store.destroy_identities(&id(1), at(50)).await.unwrap_err();
    assert!(get(store, 1).await.identities.is_some(), "an open request needs them");
    let Claimed { lease, item, .. } = claim_regulation(store, HELD).await.unwrap();
    let over = Ledger { state: LedgerState::Closed, finished_at: Some(at(100)), next_at: None, ..item };
    let step = ledger_update(over, MemberChange::All(TaskEvent::Complete(Outcome::Deleted)));
    store.save_regulation(&lease, &step).await.unwrap();
    let before = get(store, 1).await;
    for _ in 0..2 {
        store.destroy_identities(&id(1), at(200)).await.unwrap();
    }
    let after = get(store, 1).await;
    assert_eq!((after.identities.clone(), after.external_id.clone()), (None, None));
    assert!(after.staging_key.is_none() && after.masking_key.is_none());
    assert!(after.evidence_salt.is_none() && after.recipient.is_none());
    assert!(after.tasks.iter().all(|task| task.resolution.is_none()));
    assert_eq!((after.status, after.completed_at), (before.status, before.completed_at));
    assert_eq!(after.tasks[0].user_ids, before.tasks[0].user_ids);
    let destroyed = steps(store, 1).await.into_iter().filter(|step| step == "identities_destroyed").count();
    assert_eq!(destroyed, 1);
    assert!(expired(store, 10_000).await.is_empty());
    store.sweep().await.unwrap();
}

/// What names somebody on the way to masked rows goes, and how many rows they were stays.
pub async fn counts_of_masked_rows_outlive_whose_they_were(store: &dyn RequestStore) {
    record(store, &[with_rows(erasure(1))]).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let collections: std::collections::BTreeMap<_, _> = [("shop.customer".to_owned(), 7)].into();
    let done = item.tasks.into_iter().map(|task| match task.holder {
        Holder::Dataset => Task {
            state: TaskState::Complete(Outcome::Masked),
            resolution: Some(Resolution { user_ids: [Pii::from("u1")].into(), ..Resolution::default() }),
            collections: collections.clone(),
            ..task
        },
        _ => Task { state: TaskState::Complete(Outcome::NoData), ..task },
    });
    store.save_request(&lease, &RequestUpdate { at: at(100), ..update(done.collect()) }).await.unwrap();
    assert_eq!(expired(store, 120).await, [of(1, None, true)]);
    store.destroy_identities(&id(1), at(120)).await.unwrap();
    let after = get(store, 1).await;
    let rows = after.tasks.iter().find(|task| task.holder == Holder::Dataset).unwrap();
    assert_eq!((&rows.resolution, &rows.collections), (&None, &collections));
    assert_eq!(after.status, RequestStatus::Complete);
}

/// The same is still recognised after its identities are destroyed, until that is forgotten, too.
pub async fn the_same_is_recognised_until_it_is_forgotten(store: &dyn RequestStore) {
    let asked = NewRequest { external_id: Some(Pii::from("CASE-1")), ..erasure(1) };
    canceled(store, asked.clone(), 100).await;
    store.forget(&id(1), at(150)).await.unwrap_err();
    store.destroy_identities(&id(1), at(200)).await.unwrap();
    let again = |number| NewRequest { id: id(number), ..asked.clone() };
    assert_eq!(store.intake(&[again(2)]).await.unwrap(), [Intake::Linked(id(1))]);
    assert!(store.forget(&id(1), at(300)).await.unwrap());
    assert_eq!(store.intake(&[again(3)]).await.unwrap(), [Intake::Created]);
    assert!(!store.forget(&id(9), at(300)).await.unwrap());
}

/// Nothing can be retried of which nobody knows any more whom it is about.
pub async fn what_is_destroyed_is_not_retried(store: &dyn RequestStore) {
    canceled(store, erasure(1), 100).await;
    store.destroy_identities(&id(1), at(200)).await.unwrap();
    store.decide(&id(1), &Decision::Retry, "ops", at(201)).await.unwrap_err();
    assert_eq!(get(store, 1).await.status, RequestStatus::Canceled);
}

/// A package that is made anew after the first was deleted is due, too.
pub async fn a_package_made_anew_is_due_again(store: &dyn RequestStore) {
    record(store, &[access(1)]).await;
    let package =
        |location: &str| PackageReceipt { location: location.into(), bytes: 5, sha256: "ab".into(), files: Vec::new() };
    let hole = Halt { kind: HaltKind::Incomplete, message: "a hole".into(), resume: Resume::Queued };
    for (minute, state, location) in [
        (100, TaskState::Error(hole), "packages/1.zip"),
        (200, TaskState::Complete(Outcome::Collected), "packages/again.zip"),
    ] {
        let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
        let task = Task { state, ..item.tasks[0].clone() };
        let step = RequestUpdate { package: Some(package(location)), at: at(minute), ..update(vec![task]) };
        store.save_request(&lease, &step).await.unwrap();
        assert_eq!(expired(store, minute + 10).await, [of(1, Some(location), false)]);
        store.package_deleted(&id(1), at(minute + 10)).await.unwrap();
        assert!(expired(store, minute + 10).await.is_empty());
        if minute == 100 {
            store.decide(&id(1), &Decision::Retry, "ops", at(150)).await.unwrap();
            assert!(expired(store, 10_000).await.is_empty(), "it is open again");
        }
    }
}

/// Whoever is left in a regulation that waits for a human keeps what is needed to go on with it.
pub async fn who_is_left_in_a_regulation_goes_on(store: &dyn RequestStore) {
    awaiting(store, 2, "i1").await;
    let Claimed { lease, item, .. } = claim_regulation(store, HELD).await.unwrap();
    let subjects = item.subjects.clone();
    let halt = Halt { kind: HaltKind::RegulationOverdue, message: "late".into(), resume: Resume::Awaiting };
    let halted = Ledger { state: LedgerState::Halted, next_at: None, ..item };
    store.save_regulation(&lease, &ledger_update(halted, MemberChange::All(TaskEvent::NeedHuman(halt)))).await.unwrap();
    let connection = get(store, 1).await.tasks[0].connection.clone();
    let settle = Decision::Settle { connection, note: "by hand".into() };
    store.decide(&id(1), &settle, "ops", at(310)).await.unwrap();
    assert_eq!(expired(store, 10_000).await, [of(1, None, true)]);
    store.destroy_identities(&id(1), at(400)).await.unwrap();

    store.decide(&id(2), &Decision::Retry, "ops", at(500)).await.unwrap();
    let again = claim_regulation(store, HELD).await.unwrap().item;
    assert_eq!(again.subjects, subjects, "they were sent together");
    let given: Vec<_> = again.members.iter().map(|member| (member.request.clone(), member.given.is_some())).collect();
    assert_eq!(given, [(id(1), false), (id(2), true)]);
    assert_eq!(again.members[1].subjects.len(), 1);
}

/// A hold that was lifted goes when its time is over; one that stands never.
pub async fn lifted_holds_go(store: &dyn RequestStore) {
    for (number, lifted) in [(1, None), (2, Some(10)), (3, Some(20))] {
        let hold = LegalHold {
            id: HoldId::new(format!("hld_{number}")),
            identities: erasure(number).identities,
            known: Resolution::default(),
            reason: Pii::from("case"),
            placed_at: at(number.into()),
            lifted_at: lifted.map(at),
        };
        store.place_hold(&hold, &told(at(1), "placed")).await.unwrap();
    }
    assert_eq!(store.drop_holds(at(10)).await.unwrap(), 0);
    assert_eq!(store.drop_holds(at(20)).await.unwrap(), 1);
    let left: Vec<_> = store.holds().await.unwrap().into_iter().map(|hold| hold.id.to_string()).collect();
    assert_eq!(left, ["hld_3", "hld_1"]);
}
