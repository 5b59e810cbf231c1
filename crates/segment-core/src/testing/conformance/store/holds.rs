//! Legal holds.

#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what fails in a test panics")]

use super::sample::{at, erasure, id, intend, people, plan, wait_with};
use crate::{HoldId, LegalHold, Pii, ports::RequestStore};

fn hold(number: i64) -> LegalHold {
    LegalHold {
        id: HoldId::new(format!("hld_{number}")),
        identities: people(["ann", "ben"]),
        reason: Pii::from("case 7: \"ann\" \u{2192} ben"),
        placed_at: at(number),
        lifted_at: None,
    }
}

/// A hold is read back as it was placed, the newest first.
pub async fn holds_are_read_back(store: &dyn RequestStore) {
    assert!(store.holds().await.unwrap().is_empty());
    for number in [1, 2] {
        store.place_hold(&hold(number)).await.unwrap();
    }
    assert_eq!(store.holds().await.unwrap(), [hold(2), hold(1)]);
}

/// A hold has an id of its own: another one does not replace it.
pub async fn a_hold_has_an_id_of_its_own(store: &dyn RequestStore) {
    store.place_hold(&hold(1)).await.unwrap();
    store.place_hold(&LegalHold { reason: Pii::from("another"), ..hold(1) }).await.unwrap_err();
    assert_eq!(store.holds().await.unwrap(), [hold(1)]);
}

/// A lifted hold stays, with the time when it was first lifted.
pub async fn a_lifted_hold_stays_as_a_fact(store: &dyn RequestStore) {
    store.place_hold(&hold(1)).await.unwrap();
    let lifted = LegalHold { lifted_at: Some(at(50)), ..hold(1) };
    assert_eq!(store.lift_hold(&HoldId::new("hld_1"), at(50)).await.unwrap(), Some(lifted.clone()));
    assert_eq!(store.lift_hold(&HoldId::new("hld_1"), at(60)).await.unwrap(), Some(lifted.clone()));
    assert_eq!(store.holds().await.unwrap(), [lifted]);
    assert_eq!(store.lift_hold(&HoldId::new("hld_9"), at(60)).await.unwrap(), None);
}

/// Who is about to be sent is known by what was asked for, too: a hold may name nothing else.
pub async fn members_say_what_was_given(store: &dyn RequestStore) {
    wait_with(store, erasure(1), ["u1"]).await;
    let given = store.request(&id(1)).await.unwrap().unwrap().identities;
    let claimed = intend(store, &plan("i1")).await;
    assert_eq!(claimed.item.members[0].given, given);
    assert!(given.is_some());
}
