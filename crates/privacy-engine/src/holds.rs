//! Legal holds: asked for when it is known who somebody is, and once more before an order leaves.

use std::collections::BTreeSet;

use segment_core::{
    Claimed, Halt, HaltKind, HoldId, Ledger, LegalHold, Member, MemberChange, MemberNote, RegulationType, Resume,
    TaskEvent, ports::StoreError,
};

use crate::Engine;

impl Engine {
    /// The holds that stand.
    pub(crate) async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let mut holds = self.store.holds().await?;
        holds.retain(|hold| hold.lifted_at.is_none());
        Ok(holds)
    }

    /// Takes people on hold out of a batch that has not left, which then is closed. Answers with the batch if nobody is.
    pub(crate) async fn without_held(&self, claimed: Claimed<Ledger>) -> Result<Option<Claimed<Ledger>>, StoreError> {
        if claimed.item.kind == RegulationType::Unsuppress {
            return Ok(Some(claimed));
        }
        let holds = self.holds().await?;
        let hold_of = |member: &Member| {
            let about = |hold: &&LegalHold| hold.is_about(member.given.as_ref(), &member.subjects, &member.identifiers);
            holds.iter().find(about)
        };
        let note = |member: &Member| {
            let halt = halt(&hold_of(member)?.id, Resume::Resolved);
            let event = Some(TaskEvent::NeedHuman(halt));
            Some(MemberNote { request: member.request.clone(), findings: Vec::new(), verified_at: None, event })
        };
        let notes: Vec<_> = claimed.item.members.iter().filter_map(note).collect();
        if notes.is_empty() {
            return Ok(Some(claimed));
        }
        let message = format!("{} of its people are on legal hold; the others are sent without them", notes.len());
        self.close(claimed, MemberChange::Requeue { max_people: None }, notes, "not_sent", &message).await?;
        Ok(None)
    }
}

pub(crate) fn halt(hold: &HoldId, resume: Resume) -> Halt {
    let message = format!(
        "the legal hold {hold} stops the erasure of this person. When it is over: `holds remove {hold}`, then `requests retry`"
    );
    Halt { kind: HaltKind::LegalHold, message, resume }
}

/// The hold that somebody is on, by what was found at any connection.
pub(crate) fn of_person<'a>(
    holds: &'a [LegalHold],
    given: &segment_core::IdentitySet,
    found: &[&segment_core::Resolution],
) -> Option<&'a LegalHold> {
    let nothing = (BTreeSet::new(), BTreeSet::new());
    holds.iter().find(|hold| {
        hold.is_about(Some(given), &nothing.0, &nothing.1)
            || found.iter().any(|found| hold.is_about(None, &found.user_ids, &found.identifiers))
    })
}
