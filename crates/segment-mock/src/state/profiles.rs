//! All profiles of the space, found by Segment id or external id.

use std::collections::HashMap;

use crate::state::profile::StoredProfile;

#[derive(Debug, Default)]
pub(crate) struct Profiles {
    by_id: HashMap<String, StoredProfile>,
    /// (collection, type, lower-cased value) to Segment id.
    index: HashMap<(&'static str, String, String), String>,
}

impl Profiles {
    /// Adds or replaces a profile; an external id that another profile had moves to this one.
    pub(crate) fn put(&mut self, profile: StoredProfile) {
        self.remove(&profile.segment_id);
        for (kind, value) in profile.id_pairs() {
            self.index.insert((profile.collection, kind, value), profile.segment_id.clone());
        }
        self.by_id.insert(profile.segment_id.clone(), profile);
    }

    pub(crate) fn by_segment_id(&self, collection: &str, segment_id: &str) -> Option<&StoredProfile> {
        self.by_id.get(segment_id).filter(|profile| profile.collection == collection)
    }

    /// Looks up an external id exactly as given: stored values are lower case, so others do not match \[GH-7767\].
    pub(crate) fn by_external_id(&self, collection: &str, kind: &str, value: &str) -> Option<&StoredProfile> {
        let collection = if collection == "accounts" { "accounts" } else { "users" };
        let segment_id = self.index.get(&(collection, kind.to_owned(), value.to_owned()))?;
        self.by_id.get(segment_id)
    }

    /// Takes a person out to change it; [`put`](Self::put) brings it back.
    pub(crate) fn take_user(&mut self, kind: &str, value: &str) -> Option<StoredProfile> {
        let segment_id = self.by_external_id("users", kind, value)?.segment_id.clone();
        self.remove(&segment_id)
    }

    /// Drops the profile with this user id, however it is spelled.
    pub(crate) fn remove_user(&mut self, user_id: &str) {
        self.take_user("user_id", &user_id.to_lowercase());
    }

    pub(crate) fn remove(&mut self, segment_id: &str) -> Option<StoredProfile> {
        let profile = self.by_id.remove(segment_id)?;
        for (kind, value) in profile.id_pairs() {
            let key = (profile.collection, kind, value);
            if self.index.get(&key).is_some_and(|owner| owner == segment_id) {
                self.index.remove(&key);
            }
        }
        Some(profile)
    }

    /// How many people there are.
    pub(crate) fn users(&self) -> usize {
        self.by_id.values().filter(|profile| profile.collection == "users").count()
    }
}
