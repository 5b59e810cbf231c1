//! Legal holds.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{
    BASIC, HELD, at, claim_only, erasure, id, ids, intend, on_both, people, plan, record, resolved, update, wait_with,
};
use crate::{
    ClaimScope, Claimed, HoldId, IntentPlan, LegalHold, Pii, RegulationType, Resolution, Task, ports::RequestStore,
    testing::told,
};

fn hold(number: i64) -> LegalHold {
    LegalHold {
        id: HoldId::new(format!("hld_{number}")),
        identities: people(["ann", "ben"]),
        known: Resolution { user_ids: [Pii::from("U-1")].into(), unreachable: 2, ..Resolution::default() },
        reason: Pii::from("case 7: \"ann\" \u{2192} ben"),
        placed_at: at(number),
        lifted_at: None,
    }
}

/// A hold is read back as it was placed, the newest first.
pub async fn holds_are_read_back(store: &dyn RequestStore) {
    assert!(store.holds().await.unwrap().is_empty());
    for number in [1, 2] {
        store.place_hold(&hold(number), &told(at(number), "placed")).await.unwrap();
    }
    assert_eq!(store.holds().await.unwrap(), [hold(2), hold(1)]);
}

/// A hold has an id of its own: another one does not replace it.
pub async fn a_hold_has_an_id_of_its_own(store: &dyn RequestStore) {
    store.place_hold(&hold(1), &told(at(1), "placed")).await.unwrap();
    store.place_hold(&LegalHold { reason: Pii::from("another"), ..hold(1) }, &told(at(1), "placed")).await.unwrap_err();
    assert_eq!(store.holds().await.unwrap(), [hold(1)]);
}

/// A lifted hold stays, with the time when it was first lifted.
pub async fn a_lifted_hold_stays_as_a_fact(store: &dyn RequestStore) {
    store.place_hold(&hold(1), &told(at(1), "placed")).await.unwrap();
    let lifted = LegalHold { lifted_at: Some(at(50)), ..hold(1) };
    assert_eq!(store.lift_hold(&HoldId::new("hld_1"), &told(at(50), "lifted")).await.unwrap(), Some(lifted.clone()));
    assert_eq!(store.lift_hold(&HoldId::new("hld_1"), &told(at(60), "lifted")).await.unwrap(), Some(lifted.clone()));
    assert_eq!(store.holds().await.unwrap(), [lifted]);
    assert_eq!(store.lift_hold(&HoldId::new("hld_9"), &told(at(60), "lifted")).await.unwrap(), None);
}

/// Who is about to be sent is known by what was asked for, too: a hold may name nothing else.
pub async fn members_say_what_was_given(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1"]).await;
    let given = store.request(&id(1)).await.unwrap().unwrap().identities;
    let claimed = intend(store, &plan("i1")).await;
    assert_eq!(claimed.item.members[0].given, given);
    assert!(given.is_some());
}

/// Who is about to be sent is known by what the request found at every connection: a hold may name something that only the
/// other one knows.
pub async fn members_say_what_was_found_elsewhere(store: &dyn RequestStore) {
    record(store, &[on_both(erasure(1))]).await;
    let Claimed { lease, item, .. } = claim_only(store, 1, HELD).await;
    let tasks = item.tasks.into_iter().map(|task| {
        let user_id = if task.connection.as_str() == BASIC { "u1" } else { "U1-elsewhere" };
        resolved(task, [user_id])
    });
    store.save_request(&lease, &update(tasks.collect())).await.unwrap();
    let claimed = intend(store, &plan("i1")).await;
    let member = &claimed.item.members[0];
    assert_eq!((claimed.item.members.len(), &member.subjects), (1, &ids(["u1"])));
    assert_eq!(member.known.user_ids, ids(["U1-elsewhere", "u1"]));
}

/// What was resolved for one source is sent for that source: a batch holds no others.
pub async fn a_batch_is_of_one_source(store: &dyn RequestStore) {
    for (number, source) in [(1, None), (2, Some("web")), (3, Some("app"))] {
        record(store, &[erasure(number)]).await;
        let Claimed { lease, item, .. } = claim_only(store, number, HELD).await;
        let task = resolved(item.tasks[0].clone(), [&format!("u{number}")]);
        let task = Task { source: source.map(str::to_owned), ..task };
        store.save_request(&lease, &update(vec![task.clone()])).await.unwrap();
        assert_eq!(store.request(&id(number)).await.unwrap().unwrap().tasks[0].source, task.source);
    }
    let backlog = store.backlog(&ClaimScope::All, at(1_000)).await.unwrap();
    let mut sources: Vec<_> = backlog.iter().map(|one| (one.source.as_deref(), one.people)).collect();
    sources.sort_unstable();
    assert_eq!(sources, [(None, 1), (Some("app"), 1), (Some("web"), 1)]);
    assert!(backlog.iter().all(|one| one.kind == RegulationType::SuppressOnly));
    let of_web = IntentPlan { source: Some("web".to_owned()), ..plan("i1") };
    assert_eq!(intend(store, &of_web).await.item.subjects, ids(["u2"]));
    assert_eq!(intend(store, &plan("i2")).await.item.subjects, ids(["u1"]));
}
