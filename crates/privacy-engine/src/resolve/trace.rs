//! What is found on the way from an identity to a person.

use std::collections::BTreeSet;

use segment_core::{Identity, IdentityKind, Pii, ProfileRef};

/// What two identities can have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Element {
    UserId(Pii<String>),
    Profile(ProfileRef),
}

/// What is known of one person.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Person {
    /// As the caller or the owned database spells them.
    pub(super) user_ids: BTreeSet<Pii<String>>,
    /// As the Profile API shows them: lower-cased.
    pub(super) profile_user_ids: BTreeSet<Pii<String>>,
    pub(super) profiles: BTreeSet<ProfileRef>,
    pub(super) identifiers: BTreeSet<ProfileRef>,
    pub(super) unreachable: u64,
}

impl Person {
    pub(super) fn absorb(&mut self, other: Self) {
        // Two identities that lead to one profile count its ids once.
        let same = !self.profiles.is_disjoint(&other.profiles);
        self.unreachable =
            if same { self.unreachable.max(other.unreachable) } else { self.unreachable + other.unreachable };
        self.user_ids.extend(other.user_ids);
        self.profile_user_ids.extend(other.profile_user_ids);
        self.profiles.extend(other.profiles);
        self.identifiers.extend(other.identifiers);
    }
}

/// Everything that one identity leads to.
#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) elements: BTreeSet<Element>,
    pub(super) person: Person,
    pub(super) looked: Vec<String>,
    pub(super) mismatched: u64,
}

/// A profile that was found, and how it is addressed best.
pub(super) struct Profile {
    pub(super) address: ProfileRef,
    pub(super) external_ids: Vec<(String, Pii<String>)>,
}

impl Trace {
    /// A placeholder such as `null` in a table is nobody's id: a deletion of it would reach strangers.
    pub(super) fn add_user_id(&mut self, id: &Pii<String>) {
        if Identity::new(IdentityKind::UserId, id.expose()).is_err() {
            return;
        }
        self.elements.insert(Element::UserId(id.clone()));
        self.person.user_ids.insert(id.clone());
    }

    /// Whether a profile that was read lists this user id.
    pub(super) fn knows(&self, reference: &ProfileRef) -> bool {
        let ProfileRef::ExternalId { kind: IdentityKind::UserId, value } = reference else { return false };
        self.person.profile_user_ids.contains(&Pii::new(value.expose().to_lowercase()))
    }

    pub(super) fn add_profile(&mut self, asked: &ProfileRef, found_by: ProfileRef, profile: Profile) {
        self.elements.insert(Element::Profile(profile.address.clone()));
        // Segment itself says that the user id it was asked for is this profile's.
        for reference in [asked, &found_by] {
            if let ProfileRef::ExternalId { kind: IdentityKind::UserId, value } = reference {
                self.elements.insert(Element::UserId(value.clone()));
            }
        }
        for (kind, value) in profile.external_ids {
            match kind.as_str() {
                "user_id" if Identity::new(IdentityKind::UserId, value.expose()).is_ok() => {
                    self.elements.insert(Element::UserId(value.clone()));
                    self.person.profile_user_ids.insert(value.clone());
                }
                "user_id" | "email" | "phone" => {}
                _ => self.person.unreachable += 1,
            }
            if let Ok(kind) = IdentityKind::parse(&kind) {
                self.person.identifiers.insert(ProfileRef::external_id(kind, value));
            }
        }
        self.person.identifiers.insert(found_by);
        self.person.identifiers.insert(profile.address.clone());
        self.person.profiles.insert(profile.address);
    }
}
