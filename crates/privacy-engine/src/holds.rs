//! Legal holds: asked for when it is known who somebody is, and once more before an order leaves.

use std::collections::BTreeSet;

use segment_core::{
    Action, Claimed, ConnectionKey, Halt, HaltKind, HoldId, IdentitySet, Ledger, LegalHold, Member, MemberChange,
    MemberNote, RegulationType, Resolution, Resume, TaskEvent, ports::StoreError,
};

use crate::{Engine, ResolveError, Sources, resolve};

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
            let about = |hold: &&LegalHold| {
                hold.is_about(member.given.as_ref(), &member.known.user_ids, &member.known.identifiers)
            };
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
        "the legal hold {hold} lets nothing of this person be deleted or suppressed. When it is over: `holds remove {hold}`, \
         then `requests retry`"
    );
    Halt { kind: HaltKind::LegalHold, message, resume }
}

/// Everything that can be found out of a person at these connections, to be recognised by; and where something could not be
/// asked, in words. Each identity is asked for alone: whether they are one person does not matter here.
pub async fn known_of(
    sources: &[Sources],
    identities: &IdentitySet,
    max_user_ids: usize,
) -> (Resolution, Vec<(ConnectionKey, String)>) {
    let (mut known, mut failures) = (Resolution::default(), Vec::new());
    for (sources, identity) in sources.iter().flat_map(|one| identities.iter().map(move |identity| (one, identity))) {
        let Ok(alone) = IdentitySet::new([identity.clone()]) else { continue };
        match resolve(sources, Action::Access, &alone, max_user_ids).await {
            Ok(found) => known.learn(&found.resolution),
            Err(ResolveError::Puzzle(puzzle)) => failures.push((sources.key.clone(), puzzle.halt().message)),
            Err(error) => failures.push((sources.key.clone(), error.to_string())),
        }
    }
    (known, failures)
}

/// The hold that somebody is on, by what was found at any connection.
pub(crate) fn of_person<'a>(
    holds: &'a [LegalHold],
    given: &IdentitySet,
    found: &[&Resolution],
) -> Option<&'a LegalHold> {
    let nothing = (BTreeSet::new(), BTreeSet::new());
    holds.iter().find(|hold| {
        hold.is_about(Some(given), &nothing.0, &nothing.1)
            || found.iter().any(|found| hold.is_about(None, &found.user_ids, &found.identifiers))
    })
}
