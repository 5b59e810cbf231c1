//! Legal holds: people who must not be erased for now.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{HoldId, IdentityKind, IdentitySet, Pii, ProfileRef, Resolution};

/// A person who must not be erased until somebody lifts the hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegalHold {
    /// Its id.
    pub id: HoldId,
    /// Who it is; any one of these is enough to recognise the person.
    pub identities: IdentitySet,
    /// What was found of the person when the hold was placed: each of these is enough, too.
    pub known: Resolution,
    /// Why, for those who work with it. It may name a person or a case.
    pub reason: Pii<String>,
    /// Since when.
    pub placed_at: Timestamp,
    /// Until when; `None` while it holds.
    pub lifted_at: Option<Timestamp>,
}

impl LegalHold {
    /// Whether a person is meant of whom these identities were given and these ids found. Case does not tell people apart
    /// here: Segment's Profile API lower-cases, and erasing somebody on hold cannot be undone, while asking a human can.
    #[must_use]
    pub fn is_about(
        &self,
        given: Option<&IdentitySet>,
        user_ids: &BTreeSet<Pii<String>>,
        identifiers: &BTreeSet<ProfileRef>,
    ) -> bool {
        let held: BTreeSet<_> = names(Some(&self.identities), &self.known.user_ids, &self.known.identifiers).collect();
        names(given, user_ids, identifiers).any(|known| held.contains(&known))
    }
}

/// Everything that names a person.
fn names<'a>(
    given: Option<&'a IdentitySet>,
    user_ids: &'a BTreeSet<Pii<String>>,
    identifiers: &'a BTreeSet<ProfileRef>,
) -> impl Iterator<Item = Pii<(String, String)>> + 'a {
    let given = given.into_iter().flatten().map(|one| key(one.kind(), one.value()));
    let user_ids = user_ids.iter().map(|id| key(&IdentityKind::UserId, id));
    let identifiers = identifiers.iter().filter_map(|profile| match profile {
        ProfileRef::ExternalId { kind, value } => Some(key(kind, value)),
        ProfileRef::SegmentId(_) => None,
    });
    given.chain(user_ids).chain(identifiers)
}

fn key(kind: &IdentityKind, value: &Pii<String>) -> Pii<(String, String)> {
    Pii::new((kind.external_id_type().to_owned(), value.expose().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Identity;

    fn set(kind: IdentityKind, value: &str) -> IdentitySet {
        IdentitySet::new([Identity::new(kind, value).unwrap()]).unwrap()
    }

    #[test]
    fn a_person_is_recognised_by_what_was_given_and_by_what_was_found() {
        let hold = LegalHold {
            id: HoldId::new("hld_1"),
            identities: set(IdentityKind::UserId, "U-1"),
            known: Resolution { user_ids: [Pii::from("u-1-old")].into(), ..Resolution::default() },
            reason: Pii::from("case 7"),
            placed_at: Timestamp::UNIX_EPOCH,
            lifted_at: None,
        };
        let (nothing, nobody) = (BTreeSet::new(), BTreeSet::new());
        assert!(hold.is_about(Some(&set(IdentityKind::UserId, "u-1")), &nothing, &nobody));
        assert!(hold.is_about(None, &[Pii::from("u-1")].into(), &nobody));
        assert!(
            hold.is_about(Some(&set(IdentityKind::UserId, "U-1-OLD")), &nothing, &nobody),
            "found when it was placed"
        );
        let found = ProfileRef::external_id(IdentityKind::UserId, Pii::from("u-1"));
        assert!(hold.is_about(None, &nothing, &[found].into()));
        assert!(!hold.is_about(Some(&set(IdentityKind::AnonymousId, "u-1")), &nothing, &nobody), "another kind");
        assert!(!hold.is_about(Some(&set(IdentityKind::UserId, "u-12")), &[Pii::from("u")].into(), &nobody));
        assert!(!hold.is_about(None, &nothing, &nobody));
    }
}
